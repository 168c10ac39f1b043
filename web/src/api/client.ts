// One function per endpoint of /api/v1. Reads may be repeated by the query library; what changes something is sent exactly once.
import { ApiProblem, problemOf, unreachable } from "./problem";
import type * as t from "./types";

const BASE = "/api/v1";

type Scalar = string | number | boolean | null | undefined;
export type Parameters = Record<string, Scalar | readonly string[]>;
interface Request {
  parameters?: Parameters;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export function urlOf(path: string, parameters: Parameters = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value === undefined || value === null || value === "" || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(key, String(one));
  }
  const text = search.toString();
  return `${BASE}${path}${text && `?${text}`}`;
}

/** Sends a request and gives the raw answer; anything but 2xx is thrown as an ApiProblem. */
export async function send(method: string, path: string, request: Request = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json, application/problem+json", ...request.headers };
  // The content type on every unsafe method, body or not: the server takes its absence for a forged cross-site form.
  if (method !== "GET") headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(urlOf(path, request.parameters), {
      method,
      headers,
      credentials: "same-origin",
      body: method === "GET" ? undefined : JSON.stringify(request.body ?? {}),
      signal: request.signal,
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw unreachable(cause);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<T>(method: string, path: string, request?: Request): Promise<T> {
  const response = await send(method, path, request);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiProblem({ status: response.status, title: "the server's answer is not JSON" });
  }
}
const get = <T>(path: string, parameters?: Parameters, signal?: AbortSignal) => json<T>("GET", path, { parameters, signal });
const post = <T>(path: string, body: unknown = {}, headers?: Record<string, string>) => json<T>("POST", path, { body, headers });
const at = encodeURIComponent;

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

export const project = (signal?: AbortSignal) => get<t.ProjectInfo>("/project", {}, signal);
export const signIn = (token: string) => post<t.Caller>("/session", { token });
export const signOut = () => json<void>("DELETE", "/session");
export const overview = (signal?: AbortSignal) => get<t.Overview>("/overview", {}, signal);

export const assets = (parameters: Parameters, signal?: AbortSignal) =>
  get<t.Page<t.AssetSummary>>("/assets", parameters, signal);
export const assetFacets = (signal?: AbortSignal) => get<t.AssetFacets>("/assets/facets", {}, signal);
export const asset = (name: string, signal?: AbortSignal) => get<t.AssetDetail>(`/assets/${at(name)}`, {}, signal);
export const versions = (name: string, parameters: Parameters, signal?: AbortSignal) =>
  get<t.Page<t.VersionSummary>>(`/assets/${at(name)}/versions`, parameters, signal);
export const version = (name: string, number: number | "live" | "held", signal?: AbortSignal) =>
  get<t.VersionDetail>(`/assets/${at(name)}/versions/${number}`, {}, signal);
export const preview = (name: string, number: number, rows: number, signal?: AbortSignal) =>
  get<t.Preview>(`/assets/${at(name)}/versions/${number}/preview`, { rows }, signal);
export const checkHistory = (name: string, count: number, signal?: AbortSignal) =>
  get<t.CheckHistory>(`/assets/${at(name)}/checks`, { versions: count }, signal);
export const profileHistory = (name: string, count: number, signal?: AbortSignal) =>
  get<t.ProfileHistory>(`/assets/${at(name)}/profiles`, { versions: count }, signal);
export const code = (name: string, signal?: AbortSignal) => get<t.Code>(`/assets/${at(name)}/code`, {}, signal);
export const diff = (name: string, parameters: Parameters, signal?: AbortSignal) =>
  get<t.Diff>(`/assets/${at(name)}/diff`, parameters, signal);
export const rollback = (name: string, to: number, why: string) =>
  post<t.VersionSummary>(`/assets/${at(name)}/rollback`, { to, why });

export const lineage = (parameters: Parameters, signal?: AbortSignal) => get<t.Lineage>("/lineage", parameters, signal);
export const columnLineage = (names: string[], signal?: AbortSignal) =>
  get<t.ColumnLineage>("/lineage/columns", { asset: names }, signal);

export const gates = (signal?: AbortSignal) => get<t.Page<t.HeldGate>>("/gates", {}, signal);
export const gate = (name: string, signal?: AbortSignal) => get<t.Gate>(`/gates/${at(name)}`, {}, signal);
export const publish = (name: string, version: number, why: string) =>
  post<t.VersionSummary>(`/gates/${at(name)}/publish`, { version, why });
export const dismiss = (name: string, version: number, why: string) =>
  post<t.VersionSummary>(`/gates/${at(name)}/dismiss`, { version, why });

export const suppressions = (signal?: AbortSignal) => get<t.Page<t.Suppression>>("/suppressions", {}, signal);
export const suppress = (body: t.NewSuppression) => post<t.Suppression>("/suppressions", body);
export const knownFailures = (signal?: AbortSignal) => get<t.Page<t.KnownFailure>>("/known-failures", {}, signal);

export const runs = (parameters: Parameters, signal?: AbortSignal) => get<t.Page<t.RunSummary>>("/runs", parameters, signal);
export const run = (id: string, signal?: AbortSignal) => get<t.RunDetail>(`/runs/${at(id)}`, {}, signal);
export const runEvents = (id: string, after: number, signal?: AbortSignal) =>
  get<t.RunEvents>(`/runs/${at(id)}/events`, { after: String(after) }, signal);
export const plan = (body: t.RunRequest) => post<t.Plan>("/plan", body);
/** `key` is made once per form, not per click, so that a second click cannot start a second run. */
export const startRun = (body: t.RunRequest, key: string) => post<t.Started>("/runs", body, { "idempotency-key": key });
export const retryRun = (id: string) => post<t.Started>(`/runs/${at(id)}/retry`, {}, { "idempotency-key": idempotencyKey() });
export const cancelRun = (id: string) => post<void>(`/runs/${at(id)}/cancel`);

/** The raw answer: its headers name the query before its body is complete, which is what cancelling needs. */
export const query = (
  body: { sql: string; at?: string; format?: "json" | "csv" | "arrow"; limit?: number },
  signal?: AbortSignal,
) => send("POST", "/query", { body, signal, headers: { accept: "*/*" } });
export const cancelQuery = (id: string) => json<void>("DELETE", `/queries/${at(id)}`);
export const schema = (signal?: AbortSignal) => get<t.Schema>("/schema", {}, signal);

export const audit = (parameters: Parameters, signal?: AbortSignal) => get<t.Page<t.AuditEntry>>("/audit", parameters, signal);
export const auditFacets = (signal?: AbortSignal) => get<t.AuditFacets>("/audit/facets", {}, signal);

export const schedules = (signal?: AbortSignal) => get<t.Page<t.Schedule>>("/schedules", {}, signal);
export const changeSchedule = (name: string, change: "pause" | "resume", why: string) =>
  post<t.Schedule>(`/schedules/${at(name)}/${change}`, { why });
export const runSchedule = (name: string, why: string) =>
  post<t.Started>(`/schedules/${at(name)}/run`, { why }, { "idempotency-key": idempotencyKey() });
export const deliveries = (parameters: Parameters, signal?: AbortSignal) =>
  get<t.Page<t.Delivery>>("/deliveries", parameters, signal);
export const tokens = (signal?: AbortSignal) => get<t.Page<t.Token>>("/tokens", {}, signal);
export const createToken = (body: { name: string; role: t.Role; expires_at?: string }) =>
  post<t.Token & { secret: string }>("/tokens", body);
export const revokeToken = (id: string) => json<void>("DELETE", `/tokens/${at(id)}`);
