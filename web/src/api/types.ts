// The shapes that the server sends, from the types that are made from its OpenAPI document (schema.d.ts). Two things are said
// here that the document leaves open: which words a state can be, and that no key is ever left out of an answer.
import type { components } from "./schema";

type Schemas = components["schemas"];

/** The document calls a key that may be null optional; the server sends it all the same. */
type Sent<T> = T extends object ? { [Key in keyof T]-?: Sent<T[Key]> } : T;

/** A schema of the document, with some of its keys told more exactly. A key that the document does not have is an error. */
type Told<Name extends keyof Schemas, Exact = unknown> = Omit<Sent<Schemas[Name]>, keyof Exact> &
  Exact &
  Record<Exclude<keyof Exact, keyof Schemas[Name]>, never>;

export type AssetName = string; // "schema.table"

export interface Page<T> {
  items: T[];
  next: string | null;
  total: number | null; // when it is known cheaply
}

// Words.
export type { AssetState, CheckState, Role, RunState, TaskState, VersionState };
type AssetState = Schemas["AssetState"];
type CheckState = keyof Schemas["CheckCounts"];
type Role = "viewer" | "operator" | "admin";
type RunState = "running" | "done" | "held" | "failed" | "interrupted";
type TaskState = "waiting" | "running" | "published" | "unchanged" | "held" | "failed" | "skipped" | "interrupted";
type VersionState =
  "staged" | "publishing" | "published" | "held" | "dismissed" | "superseded" | "retracted" | "expired" | "failed";
type Severity = "error" | "warn";

// The project, and what is wrong.
export type Diagnostic = Told<"DiagnosticInfo", { severity: "error" | "warning" }>;
export type Problem = Told<"Problem", { diagnostics: Diagnostic[] }>;
export type Caller = Told<"CallerInfo", { role: Role }>;
export type ProjectInfo = Told<"ProjectInfo", { caller: Caller; problem: Problem | null }>;
export type Overview = Told<
  "Overview",
  {
    counts: Record<AssetState, number>;
    ending: Told<"Ending", { type: "known_failure" | "suppression" }>[];
    running: RunSummary[];
    recent: RunSummary[];
    schedules: Schedule[];
  }
>;

// Assets and versions.
export type AssetSummary = Told<"AssetSummary">;
export type AssetDetail = Told<"AssetDetail", { checks: CheckInfo[]; warnings: Diagnostic[] }>;
export type AssetFacets = Told<"AssetFacets">;
export type Facet = Told<"Facet">;
export type ColumnInfo = Told<"ColumnInfo">;
export type CheckInfo = Told<"CheckInfo", { severity: Severity }>;
export type CheckCounts = Told<"CheckCounts">;
export type Suppression = Told<"SuppressionInfo">;
export type KnownFailure = Told<"KnownFailureInfo">;
export type NewSuppression = Schemas["Suppress"];
export type VersionSummary = Told<"VersionSummary", { state: VersionState }>;
export type VersionDetail = Told<"VersionDetail", { summary: VersionSummary; checks: CheckOutcome[] }>;
export type CheckOutcome = Told<"CheckOutcome", { severity: Severity; state: CheckState }>;
export type ColumnProfile = Told<"ColumnProfile">;
export type Samples = Told<"Samples">;
export type Preview = Told<"Preview">;
export type CheckHistory = Told<
  "CheckHistory",
  {
    versions: Told<"VersionAt", { state: VersionState }>[];
    checks: Told<"CheckRow", { cells: (Told<"CheckCell", { state: CheckState }> | null)[] }>[];
  }
>;
export type ProfileHistory = Told<"ProfileHistory", { versions: Told<"VersionFacts", { state: VersionState }>[] }>;
export type Code = Told<"Code", { language: "sql" | "yaml" | "python" }>;
export type Diff = Told<"Diff">;
export type DiffRows = Told<"DiffRows">;
export type SchemaChange = Told<"SchemaChange">;
export type Lineage = Told<"Lineage", { edges: Told<"LineageEdge", { kind: "data" | "check" }>[] }>;
export type ColumnLineage = Told<"ColumnLineage">;

// Gates.
export type HeldGate = Told<"HeldGate">;
export type Gate = Told<"Gate", { candidate: VersionDetail; live: VersionDetail | null }>;
export type Upstream = Told<"Upstream">;

// Runs.
export type RunSummary = Told<"RunSummary", { state: RunState; tasks: Partial<Record<TaskState, number>> }>;
export type RunDetail = Told<"RunDetail", { state: RunState; tasks: Partial<Record<TaskState, number>>; task_list: TaskInfo[] }>;
export type TaskInfo = Told<
  "TaskInfo",
  { state: TaskState; phases: Told<"Phase", { phase: "waiting" | "staging" | "auditing" | "publishing" }>[] }
>;
export type RunEvent = Told<"RunEvent">;
export type RunEvents = Told<"RunEvents">;
export type Plan = Told<"Plan">;
export type RunRequest = Schemas["RunRequest"];
export type Started = Told<"Started">;
export type LiveEvent = Told<"LiveEvent">;

// Queries.
export type QueryRequest = Schemas["QueryRequest"];
export type QueryAnswer = Told<"QueryAnswer">;
export type Schema = Told<"SchemaInfo">;

// What was done, and by whom.
export type AuditEntry = Told<"AuditInfo">;
export type AuditFacets = Told<"AuditFacets">;
export type Schedule = Told<
  "ScheduleInfo",
  { catch_up: "none" | "last" | "all"; last: Told<"LastRun", { state: RunState | null }> | null }
>;
export type Delivery = Told<"DeliveryInfo", { kind: "held" | "failed" | "late"; state: "waiting" | "sent" | "given_up" }>;
export type Token = Told<"TokenInfo", { role: Role }>;
export type MadeToken = Told<"MadeToken", { role: Role }>;
