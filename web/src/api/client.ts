// One function per endpoint of /api/v1; the compiler checks paths, parameters and bodies against the server's own description.
// Reads may be repeated by the query library; what changes something is sent exactly once.
import createClient from "openapi-fetch";
import { ApiProblem, problemOf, unreachable } from "./problem";
import type { paths } from "./schema";
import type * as t from "./types";

/** Sends a request; anything but 2xx is thrown as an ApiProblem. */
async function send(request: Request): Promise<Response> {
  // The content type on every unsafe method, body or not: a forged cross-site form cannot say it.
  if (request.method !== "GET" && !request.headers.has("content-type")) request.headers.set("content-type", "application/json");
  let response: Response;
  try {
    response = await fetch(request);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw unreachable(cause);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

const api = createClient<paths>({
  baseUrl: `${location.origin}/api/v1`,
  credentials: "same-origin",
  headers: { accept: "application/json, application/problem+json" },
  fetch: send,
});

/** What was sent; `Exact` is the answer's type with its words told (types.ts), which must fit the document's. */
async function answer<Loose, Exact extends Loose>(sent: Promise<{ data?: Loose; response: Response }>): Promise<Exact> {
  try {
    return (await sent).data as Exact;
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new ApiProblem({ status: 200, title: "the server's answer is not JSON" });
    throw cause;
  }
}

type Read<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Query } } }
  ? NonNullable<Query>
  : never;
/** Parameters as a page has them: what is empty is not sent. */
export type Filters<Path extends keyof paths> = { [Key in keyof Read<Path>]?: Read<Path>[Key] | null };
function given<Query>(filters: { [Key in keyof Query]?: Query[Key] | null }): Query {
  const there = Object.entries(filters).filter(
    ([, value]) => value !== null && value !== undefined && value !== "" && value !== false,
  );
  return Object.fromEntries(there) as Query;
}

/** Names one attempt to start something, so that an answer lost on the way cannot start it twice. */
export function idempotencyKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  // randomUUID needs a secure context; plain http on a host name is none, getRandomValues works there too.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
const once = (key: string) => ({ "Idempotency-Key": key });

type Signal = AbortSignal | undefined;
type Number = number | "live" | "held";

export const project = (signal?: Signal): Promise<t.ProjectInfo> => answer(api.GET("/project", { signal }));
export const signIn = (token: string): Promise<t.Caller> => answer(api.POST("/session", { body: { token } }));
export const signOut = (): Promise<unknown> => answer(api.DELETE("/session"));
export const overview = (signal?: Signal): Promise<t.Overview> => answer(api.GET("/overview", { signal }));

export const assets = (filters: Filters<"/assets">, signal?: Signal): Promise<t.Page<t.AssetSummary>> =>
  answer(api.GET("/assets", { params: { query: given(filters) }, signal }));
export const assetFacets = (signal?: Signal): Promise<t.AssetFacets> => answer(api.GET("/assets/facets", { signal }));
export const asset = (name: string, signal?: Signal): Promise<t.AssetDetail> =>
  answer(api.GET("/assets/{name}", { params: { path: { name } }, signal }));
export const versions = (
  name: string,
  filters: Filters<"/assets/{name}/versions">,
  signal?: Signal,
): Promise<t.Page<t.VersionSummary>> =>
  answer(api.GET("/assets/{name}/versions", { params: { path: { name }, query: given(filters) }, signal }));
export const version = (name: string, number: Number, signal?: Signal): Promise<t.VersionDetail> =>
  answer(api.GET("/assets/{name}/versions/{version}", { params: { path: { name, version: String(number) } }, signal }));
export const preview = (name: string, number: number, rows: number, signal?: Signal): Promise<t.Preview> =>
  answer(
    api.GET("/assets/{name}/versions/{version}/preview", {
      params: { path: { name, version: String(number) }, query: { rows } },
      signal,
    }),
  );
export const checkHistory = (name: string, count: number, signal?: Signal): Promise<t.CheckHistory> =>
  answer(api.GET("/assets/{name}/checks", { params: { path: { name }, query: { versions: count } }, signal }));
export const profileHistory = (name: string, count: number, signal?: Signal): Promise<t.ProfileHistory> =>
  answer(api.GET("/assets/{name}/profiles", { params: { path: { name }, query: { versions: count } }, signal }));
export const code = (name: string, signal?: Signal): Promise<t.Code> =>
  answer(api.GET("/assets/{name}/code", { params: { path: { name } }, signal }));
export const diff = (name: string, filters: Filters<"/assets/{name}/diff">, signal?: Signal): Promise<t.Diff> =>
  answer(api.GET("/assets/{name}/diff", { params: { path: { name }, query: given(filters) }, signal }));
export const rollback = (name: string, to: number, why: string, key: string): Promise<t.VersionSummary> =>
  answer(api.POST("/assets/{name}/rollback", { params: { path: { name }, header: once(key) }, body: { to, why } }));

export const lineage = (filters: Filters<"/lineage">, signal?: Signal): Promise<t.Lineage> =>
  answer(api.GET("/lineage", { params: { query: given(filters) }, signal }));
export const columnLineage = (names: string[], signal?: Signal): Promise<t.ColumnLineage> =>
  answer(api.GET("/lineage/columns", { params: { query: { assets: names.join(",") } }, signal }));

export const gate = (name: string, signal?: Signal): Promise<t.Gate> =>
  answer(api.GET("/gates/{name}", { params: { path: { name } }, signal }));
export const publish = (name: string, version: number, why: string, key: string): Promise<t.VersionSummary> =>
  answer(api.POST("/gates/{name}/publish", { params: { path: { name }, header: once(key) }, body: { version, why } }));
export const dismiss = (name: string, version: number, why: string, key: string): Promise<t.VersionSummary> =>
  answer(api.POST("/gates/{name}/dismiss", { params: { path: { name }, header: once(key) }, body: { version, why } }));

export const suppressions = (signal?: Signal): Promise<t.Page<t.Suppression>> => answer(api.GET("/suppressions", { signal }));
export const suppress = (body: t.NewSuppression, key: string): Promise<t.Suppression> =>
  answer(api.POST("/suppressions", { params: { header: once(key) }, body }));
export const knownFailures = (signal?: Signal): Promise<t.Page<t.KnownFailure>> => answer(api.GET("/known-failures", { signal }));

export const runs = (filters: Filters<"/runs">, signal?: Signal): Promise<t.Page<t.RunSummary>> =>
  answer(api.GET("/runs", { params: { query: given(filters) }, signal }));
export const run = (id: string, signal?: Signal): Promise<t.RunDetail> =>
  answer(api.GET("/runs/{id}", { params: { path: { id } }, signal }));
export const runEvents = (id: string, after: number, signal?: Signal): Promise<t.RunEvents> =>
  answer(api.GET("/runs/{id}/events", { params: { path: { id }, query: { after } }, signal }));
export const plan = (body: t.RunRequest): Promise<t.Plan> => answer(api.POST("/plan", { body }));
export const startRun = (body: t.RunRequest, key: string): Promise<t.Started> =>
  answer(api.POST("/runs", { body, params: { header: once(key) } }));
export const retryRun = (id: string): Promise<t.Started> =>
  answer(api.POST("/runs/{id}/retry", { params: { path: { id }, header: once(idempotencyKey()) } }));
export const cancelRun = (id: string): Promise<unknown> => answer(api.POST("/runs/{id}/cancel", { params: { path: { id } } }));

/** The raw answer: its headers name the query before its body is complete, which is what cancelling needs. */
export const query = async (body: t.QueryRequest, signal?: Signal): Promise<Response> =>
  (await api.POST("/query", { body, signal, headers: { accept: "*/*" }, parseAs: "stream" })).response;
export const cancelQuery = (id: string): Promise<unknown> => answer(api.DELETE("/queries/{id}", { params: { path: { id } } }));
export const schema = (signal?: Signal): Promise<t.Schema> => answer(api.GET("/schema", { signal }));

export const audit = (filters: Filters<"/audit">, signal?: Signal): Promise<t.Page<t.AuditEntry>> =>
  answer(api.GET("/audit", { params: { query: given(filters) }, signal }));
export const auditFacets = (signal?: Signal): Promise<t.AuditFacets> => answer(api.GET("/audit/facets", { signal }));

export const schedules = (signal?: Signal): Promise<t.Page<t.Schedule>> => answer(api.GET("/schedules", { signal }));
export const pauseSchedule = (name: string, why: string): Promise<t.Schedule> =>
  answer(api.POST("/schedules/{name}/pause", { params: { path: { name } }, body: { why } }));
export const resumeSchedule = (name: string, why: string): Promise<t.Schedule> =>
  answer(api.POST("/schedules/{name}/resume", { params: { path: { name } }, body: { why } }));
export const runSchedule = (name: string, key: string): Promise<t.Started> =>
  answer(api.POST("/schedules/{name}/run", { params: { path: { name }, header: once(key) } }));
export const deliveries = (filters: Filters<"/deliveries">, signal?: Signal): Promise<t.Page<t.Delivery>> =>
  answer(api.GET("/deliveries", { params: { query: given(filters) }, signal }));
export const tokens = (signal?: Signal): Promise<t.Page<t.Token>> => answer(api.GET("/tokens", { signal }));
export const createToken = (body: { name: string; role: t.Role; expires_at?: string }): Promise<t.MadeToken> =>
  answer(api.POST("/tokens", { body }));
export const revokeToken = (id: string): Promise<unknown> => answer(api.DELETE("/tokens/{id}", { params: { path: { id } } }));
