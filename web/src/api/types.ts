// The shapes of the REST API under /api/v1.
export type Instant = string;
export type AssetName = string; // "schema.table"
export type N = number; // version number

export interface Page<T> {
  items: T[];
  next: string | null;
  total: number | null;
} // ?limit=100&after=<next>; total when it is known cheaply

// Every error: application/problem+json
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  diagnostics: Diagnostic[];
}
export interface Diagnostic {
  code: string;
  severity: "error" | "warning";
  message: string;
  place?: { file: string; line: number; column: number; text?: string } | null;
  expected?: string | null;
  hint?: string | null;
}

// GET /project
export interface ProjectInfo {
  name: string;
  environment: string;
  version: string;
  root_name: string;
  caller: Caller;
  sign_in_required: boolean;
  loaded_at: Instant;
  problem: Problem | null; /* the project's files are broken now: the last good graph is served */
}
export interface Caller {
  actor: string;
  role: "viewer" | "operator" | "admin";
  signed_in: boolean;
}
// POST /session { token }  -> Caller, sets an HttpOnly cookie;  DELETE /session -> 204.   401 problem when sign-in is needed.

export type AssetState = "held" | "failing" | "late" | "behind" | "never_built" | "stale" | "fresh" | "inline"; // the worst wins, in this order ("failing": a check fails on the live version, or the last attempt failed)
export interface CheckCounts {
  passed: number;
  warned: number;
  known: number;
  suppressed: number;
  failed: number;
  errored: number;
}
export interface LiveInfo {
  number: N;
  rows: number;
  size_bytes: number;
  published_at: Instant | null;
  checks: CheckCounts;
}
export interface HeldInfo {
  number: N;
  rows: number;
  staged_at: Instant;
  checks: CheckCounts;
}
export interface Late {
  check: string;
  message: string;
  since: Instant;
  newest: string | null;
}
// GET /assets?search=&state=&kind=&schema=&tag=&owner=&sort=name|state|published_at|rows&descending=true&limit=&after=
export interface AssetSummary {
  name: AssetName;
  schema: string;
  kind: string;
  description: string | null;
  owner: string | null;
  tags: string[];
  group: string | null;
  state: AssetState;
  live: LiveInfo | null;
  held: HeldInfo | null;
  late: Late | null;
  behind: AssetName[];
  last_failure: { run: string; at: Instant; message: string } | null;
}
// GET /assets/facets -> { kinds: {value,count}[], schemas: …, tags: …, owners: …, states: … }
// GET /assets/{name}
export interface AssetDetail extends AssetSummary {
  file: string;
  load: string;
  partition_by: string[];
  cluster_by: string[];
  reasons: string[] /* why a run would build it, in words */;
  inputs: AssetName[];
  check_inputs: AssetName[];
  readers: AssetName[];
  columns: ColumnInfo[];
  checks: CheckInfo[];
  suppressions: Suppression[];
  known_failures: KnownFailure[];
  warnings: Diagnostic[];
}
export interface ColumnInfo {
  name: string;
  type: string;
  required: boolean;
  pii: boolean;
  description: string | null;
  from: { asset: AssetName; column: string }[]; /* direct lineage */
}
export interface CheckInfo {
  name: string;
  kind: string;
  severity: "error" | "warn";
  section: string | null;
}
export interface Suppression {
  asset: AssetName;
  check: string;
  actor: string;
  why: string;
  made_at: Instant;
  until: Instant;
  limit: string | null;
  in_force: boolean;
}
export interface KnownFailure {
  asset: AssetName;
  check: string;
  count: number;
  share: number;
  tolerance: number;
  owner: string | null;
  review_on: string;
  reason: string;
}

// GET /assets/{name}/versions?limit=&after=   newest first
export interface VersionSummary {
  number: N;
  state: VersionState;
  run: string | null;
  actor: string;
  published_by: string | null;
  rows: number;
  size_bytes: number;
  staged_at: Instant;
  published_at: Instant | null;
  as_of: Instant;
  base: N | null;
  restores: N | null;
  build_ms: number;
  audit_ms: number;
  checks: CheckCounts;
  why: string | null;
  delta_version: number | null;
  code_changed: boolean; /* against the version before it in this history */
}
export type VersionState =
  "staged" | "publishing" | "published" | "held" | "dismissed" | "superseded" | "retracted" | "expired" | "failed";
// GET /assets/{name}/versions/{number|live|held}
export interface VersionDetail {
  asset: AssetName;
  summary: VersionSummary;
  inputs: Record<AssetName, N>;
  columns: { name: string; type: string; required: boolean; pii: boolean; description: string | null }[];
  partition_by: string[];
  files: number;
  rejected_rows: number;
  profile: Profile | null;
  checks: CheckOutcome[];
}
export interface Profile {
  rows: number;
  columns: ColumnProfile[];
}
export interface ColumnProfile {
  name: string;
  nulls: number;
  distinct: number | null;
  min: string | null;
  max: string | null;
  mean: number | null;
  quantiles: number[] | null; /* 5, 25, 50, 75, 95 % */
}
export interface CheckOutcome {
  name: string;
  kind: string;
  section: string | null;
  severity: "error" | "warn";
  state: "passed" | "warned" | "known" | "suppressed" | "failed" | "errored";
  failing: number;
  total: number;
  share: number;
  error: string;
  warn: string | null;
  message: string;
  before: [number, number] | null;
  samples: Samples;
  excuse: string | null;
  rejected: boolean;
}
export interface Samples {
  columns: string[];
  rows: (string | null)[][];
}
// GET /assets/{name}/versions/{n}/preview?rows=50 (max 1000)
export interface Preview {
  columns: { name: string; type: string }[];
  rows: (string | null)[][];
}
// GET /assets/{name}/checks?versions=30     oldest first
export interface CheckHistory {
  versions: { number: N; at: Instant; state: VersionState }[];
  checks: {
    name: string;
    kind: string;
    cells: ({ state: CheckOutcome["state"]; failing: number; share: number; message: string } | null)[];
  }[];
}
// GET /assets/{name}/profiles?versions=50   oldest first
export interface ProfileHistory {
  versions: {
    number: N;
    at: Instant;
    state: VersionState;
    rows: number;
    size_bytes: number;
    build_ms: number;
    audit_ms: number;
  }[];
  columns: { name: string; type: string; cells: (ColumnProfile | null)[] }[];
}
// GET /assets/{name}/code
export interface Code {
  file: string;
  language: "sql" | "yaml" | "python";
  text: string;
  columns: ColumnInfo[];
}
// GET /assets/{name}/diff?from=3&to=4&key=a,b&samples=100      or ?held=true   (from/to: numbers, `live`, `held`)
export interface Diff {
  asset: AssetName;
  from: N;
  to: N;
  key: string[];
  added: number;
  removed: number;
  changed: number;
  unchanged: number;
  columns: { column: string; changed: number; share: number; compared_as?: string | null }[];
  schema: SchemaChange;
  not_compared: { column: string; why: string }[];
  repeated_keys: { from: number; to: number };
  null_keys: { from: number; to: number };
  files: { shared: number; shared_rows: number; read: number; read_rows: number };
  samples_added: DiffRows;
  samples_removed: DiffRows;
  samples_changed: { key: (string | null)[]; cells: [string, string | null, string | null][] }[];
}
export interface DiffRows {
  columns: string[];
  rows: (string | null)[][];
  times?: number[];
}
export interface SchemaChange {
  added: ColumnOf[];
  removed: ColumnOf[];
  retyped: [string, string, string][];
}
export interface ColumnOf {
  name: string;
  type: string;
  required: boolean;
  pii: boolean;
  description?: string | null;
}

// GET /lineage?focus=mart.x&direction=both|up|down&depth=    (no focus: everything)
export interface Lineage {
  nodes: {
    name: AssetName;
    schema: string;
    kind: string;
    state: AssetState;
    rows: number | null;
    published_at: Instant | null;
    group: string | null;
    columns: number;
  }[];
  edges: { from: AssetName; to: AssetName; kind: "data" | "check" }[];
}
// GET /lineage/columns?asset=a&asset=b  -> { edges: { from: {asset, column}, to: {asset, column} }[] }

// GET /gates -> Page<HeldGate>
export interface HeldGate {
  asset: AssetName;
  owner: string | null;
  number: N;
  live: N | null;
  staged_at: Instant;
  run: string | null;
  failing: { name: string; kind: string; message: string; failing: number; total: number; share: number }[];
  behind: AssetName[];
}
// GET /gates/{name}
export interface Gate {
  asset: AssetName;
  kind: string;
  owner: string | null;
  description: string | null;
  candidate: VersionDetail;
  live: VersionDetail | null;
  base_is_live: boolean /* false: another version went live meanwhile, publish is refused */;
  schema_change: SchemaChange | null;
  upstream: Upstream;
  behind: AssetName[];
  key: string[];
  group: { name: string; members: { asset: AssetName; held: N | null }[] } | null;
  commands: { publish: string; dismiss: string; diff: string };
}
export interface Upstream {
  code: { part: string; before: string | null; after: string | null }[];
  inputs: {
    asset: AssetName;
    from: N | null;
    to: N;
    published_at: Instant | null;
    rows_before: number | null;
    rows: number;
    actor: string;
    run: string | null;
    code_changed: boolean;
    why: string | null;
  }[];
  settings: { part: string; before: string | null; after: string | null }[] /* checks, thresholds, vars */;
  files: { added: string[]; changed: string[]; removed: string[] } | null; /* of sources */
}
// POST /gates/{name}/publish { version: N, why: string } -> VersionSummary    409 when `version` is not the held one any more
// POST /gates/{name}/dismiss { version: N, why: string } -> VersionSummary
// POST /assets/{name}/rollback { to: N, why: string } -> VersionSummary
// POST /suppressions { asset, check, until, why, limit? } -> Suppression;  GET /suppressions -> Page<Suppression>;  GET /known-failures -> Page<KnownFailure>

// GET /overview
export interface Overview {
  as_of: Instant;
  counts: Record<AssetState, number>;
  assets: number;
  held: HeldGate[];
  late: { asset: AssetName; owner: string | null; late: Late; behind: AssetName[] }[];
  failing: { asset: AssetName; owner: string | null; message: string; run: string | null; at: Instant | null }[];
  ending: {
    type: "known_failure" | "suppression";
    asset: AssetName;
    check: string;
    ends_at: Instant;
    text: string;
    owner: string | null;
  }[] /* within 14 days or past */;
  known_failures: number;
  suppressions: number;
  running: RunSummary[];
  recent: RunSummary[];
  marts: {
    asset: AssetName;
    published_at: Instant | null;
    state: AssetState;
    rows: number | null;
  }[] /* assets nobody reads, or in schema mart */;
  changes: AuditEntry[] /* the last 24 h, newest first, at most 50, without bookkeeping */;
  schedules: Schedule[];
}

// GET /runs?state=&actor=&asset=&limit=&after=   newest first -> Page<RunSummary>
export interface RunSummary {
  id: string;
  state: "running" | "done" | "held" | "failed" | "interrupted";
  actor: string;
  as_of: Instant;
  started_at: Instant;
  ended_at: Instant | null;
  retry_of: string | null;
  schedule: string | null;
  request: string /* selectors and options in words */;
  tasks: Record<TaskState, number>;
  here: boolean; /* driven by this server: can be cancelled */
}
export type TaskState = "waiting" | "running" | "published" | "unchanged" | "held" | "failed" | "skipped" | "interrupted";
// GET /runs/{id}
export interface RunDetail extends RunSummary {
  environment: string;
  plan_hash: string;
  pins: Record<AssetName, N>;
  task_list: TaskInfo[];
  memory_peak_bytes: number | null;
}
export interface TaskInfo {
  asset: AssetName;
  state: TaskState;
  attempts: number;
  version: N | null;
  started_at: Instant | null;
  ended_at: Instant | null;
  message: string | null;
  waits_for: AssetName[];
  phases: { phase: "waiting" | "staging" | "auditing" | "publishing"; from: Instant; to: Instant | null }[];
  rows: number | null;
  size_bytes: number | null;
  rows_so_far: number | null; /* while it builds */
}
// GET /runs/{id}/events?after=0 -> { items: RunEvent[], next }
export interface RunEvent {
  sequence: number;
  event: string;
  at: Instant;
  asset: AssetName | null;
  version: N | null;
  data: Record<string, unknown>;
}
// POST /plan { selectors?, exclude?, force?, full_refresh?, as_of? } -> Plan
export interface Plan {
  as_of: Instant;
  steps: {
    asset: AssetName;
    kind: string;
    reasons: string[];
    recheck_only: boolean;
    estimate: { rows: number; duration_ms: number } | null;
    schema_change: SchemaChange | null;
  }[];
  fresh: number;
  held: { asset: AssetName; number: N }[];
}
// POST /runs { selectors?, exclude?, force?, full_refresh?, confirm?, from?, to?, as_of? }  (+ header Idempotency-Key) -> 202 { run: string, location }   |  POST /runs/{id}/retry -> 202   |  POST /runs/{id}/cancel -> 202
// GET /events (SSE; resumable by Last-Event-ID; `event:` is one of run, task, version, gate, reload; data: LiveEvent)
export interface LiveEvent {
  event: string;
  at: Instant;
  run: string | null;
  asset: AssetName | null;
  version: N | null;
  data: Record<string, unknown>;
}

// POST /query { sql, at?, format?: "json"|"csv"|"arrow", limit? }  -> json: QueryAnswer;  headers Lockgate-Query-Id, Lockgate-Versions.   DELETE /queries/{id} cancels.   GET /queries -> running ones
export interface QueryAnswer {
  columns: { name: string; type: string }[];
  rows: unknown[][];
  row_count: number;
  truncated: boolean;
  duration_ms: number;
  versions: Record<AssetName, N>;
  cached: boolean;
}
// GET /schema -> completion: { tables: { name: AssetName; columns: { name: string; type: string }[] }[] ; functions: string[] }

// GET /audit?asset=&actor=&action=&search=&from=&to=&limit=&after=  newest first -> Page<AuditEntry>
export interface AuditEntry {
  sequence: number;
  at: Instant;
  actor: string;
  action: string;
  asset: AssetName | null;
  version: N | null;
  run: string | null;
  why: string | null;
  detail: unknown;
}
// GET /audit/facets -> { actors: {value,count}[], actions: {value,count}[] }

// GET /schedules -> Page<Schedule>;  POST /schedules/{name}/pause { why } | /resume { why } | /run -> 202
export interface Schedule {
  name: string;
  cron: string;
  timezone: string;
  select: string;
  catch_up: "none" | "last" | "all";
  jitter_ms: number;
  paused: { by: string; at: Instant; why: string } | null;
  next_at: Instant | null;
  last: { due_at: Instant; run: string | null; state: string } | null;
}
// GET /deliveries -> Page<Delivery>  (alerts told: the outbox)
export interface Delivery {
  id: string;
  alert: string;
  to: string /* redacted */;
  asset: AssetName | null;
  run: string | null;
  kind: "held" | "failed" | "late";
  state: "waiting" | "sent" | "given_up";
  attempts: number;
  made_at: Instant;
  sent_at: Instant | null;
  last_error: string | null;
  text: string;
}
// GET /tokens (admin) -> Page<Token>;  POST /tokens { name, role, expires_at? } -> Token & { secret: string };  DELETE /tokens/{id} -> 204
export interface Token {
  id: string;
  name: string;
  role: "viewer" | "operator" | "admin";
  made_by: string;
  made_at: Instant;
  expires_at: Instant | null;
  revoked_at: Instant | null;
  last_used_at: Instant | null;
}
// All unsafe methods: Content-Type: application/json. A viewer gets 403 on them. /healthz, /readyz, /metrics, /graphql outside /api/v1.

export type Role = Caller["role"];
export type CheckState = CheckOutcome["state"];
export interface Facet {
  value: string;
  count: number;
}
export interface AssetFacets {
  kinds: Facet[];
  schemas: Facet[];
  tags: Facet[];
  owners: Facet[];
  states: Facet[];
}
export interface AuditFacets {
  actors: Facet[];
  actions: Facet[];
}
export interface ColumnLineage {
  edges: { from: { asset: AssetName; column: string }; to: { asset: AssetName; column: string } }[];
}
export interface NewSuppression {
  asset: AssetName;
  check: string;
  until: string;
  why: string;
  limit?: string;
}
export interface RunEvents {
  items: RunEvent[];
  next: number | string | null;
}
export interface RunRequest {
  selectors?: string[];
  exclude?: string[];
  force?: boolean;
  full_refresh?: boolean;
  confirm?: boolean;
  from?: string;
  to?: string;
  as_of?: string;
}
export interface Started {
  run: string;
  location: string;
}
export interface Schema {
  tables: { name: AssetName; columns: { name: string; type: string }[] }[];
  functions: string[];
}
