// Query keys and how long an answer may be trusted. The first part of a key names the resource, the second the thing;
// live/affected.ts invalidates by these two. Versions never change, so what belongs to a version number is kept.
import { infiniteQueryOptions, keepPreviousData, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import * as api from "./client";
import type { Filters } from "./client";
import { ApiProblem } from "./problem";
import type { Page } from "./types";

export function makeQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiProblem && error.status === 401) onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) => failures < 2 && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
      },
      mutations: { retry: false },
    },
  });
}

const FOREVER = { staleTime: Infinity } as const;
const pages = {
  initialPageParam: null as string | null,
  getNextPageParam: (last: Page<unknown>) => last.next,
  placeholderData: keepPreviousData,
};

export const projectQuery = () =>
  queryOptions({ queryKey: ["project"], queryFn: ({ signal }) => api.project(signal), staleTime: 60_000 });
export const overviewQuery = () =>
  queryOptions({ queryKey: ["overview"], queryFn: ({ signal }) => api.overview(signal), refetchInterval: 60_000 });

export const assetsQuery = (filters: Filters<"/assets">) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["assets", "list", filters],
    queryFn: ({ signal, pageParam }) => api.assets({ ...filters, limit: 100, after: pageParam }, signal),
  });
export const assetSearchQuery = (search: string) =>
  queryOptions({
    queryKey: ["assets", "search", search],
    queryFn: ({ signal }) => api.assets({ search, limit: 12 }, signal),
    placeholderData: keepPreviousData,
  });
export const assetFacetsQuery = () =>
  queryOptions({ queryKey: ["assets", "facets"], queryFn: ({ signal }) => api.assetFacets(signal) });
export const assetQuery = (name: string) =>
  queryOptions({ queryKey: ["asset", name, "detail"], queryFn: ({ signal }) => api.asset(name, signal) });
export const versionsQuery = (name: string) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["asset", name, "versions"],
    queryFn: ({ signal, pageParam }) => api.versions(name, { limit: 50, after: pageParam }, signal),
  });
export const versionQuery = (name: string, number: number | "live" | "held") =>
  queryOptions({ queryKey: ["asset", name, "version", number], queryFn: ({ signal }) => api.version(name, number, signal) });
export const previewQuery = (name: string, number: number, rows: number) =>
  queryOptions({
    queryKey: ["preview", name, number, rows],
    queryFn: ({ signal }) => api.preview(name, number, rows, signal),
    ...FOREVER,
  });
export const checkHistoryQuery = (name: string) =>
  queryOptions({ queryKey: ["asset", name, "checks"], queryFn: ({ signal }) => api.checkHistory(name, 30, signal) });
export const profileHistoryQuery = (name: string) =>
  queryOptions({ queryKey: ["asset", name, "profiles"], queryFn: ({ signal }) => api.profileHistory(name, 50, signal) });
export const codeQuery = (name: string) =>
  queryOptions({ queryKey: ["asset", name, "code"], queryFn: ({ signal }) => api.code(name, signal) });
export const diffQuery = (name: string, from: number | string, to: number | string, key: string) =>
  queryOptions({
    queryKey: ["diff", name, from, to, key],
    queryFn: ({ signal }) => api.diff(name, { from: String(from), to: String(to), key }, signal),
    ...FOREVER,
  });

export const lineageQuery = (filters: Filters<"/lineage">) =>
  queryOptions({
    queryKey: ["lineage", filters],
    queryFn: ({ signal }) => api.lineage(filters, signal),
    placeholderData: keepPreviousData,
  });
export const columnLineageQuery = (names: string[]) =>
  queryOptions({ queryKey: ["lineage", "columns", names], queryFn: ({ signal }) => api.columnLineage(names, signal) });

export const gateQuery = (name: string) =>
  queryOptions({ queryKey: ["gate", name], queryFn: ({ signal }) => api.gate(name, signal) });
export const suppressionsQuery = () =>
  queryOptions({ queryKey: ["suppressions"], queryFn: ({ signal }) => api.suppressions(signal) });
export const knownFailuresQuery = () =>
  queryOptions({ queryKey: ["known-failures"], queryFn: ({ signal }) => api.knownFailures(signal) });

export const runsQuery = (filters: Filters<"/runs">) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["runs", filters],
    queryFn: ({ signal, pageParam }) => api.runs({ ...filters, limit: 50, after: pageParam }, signal),
  });
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "detail"],
    queryFn: ({ signal }) => api.run(id, signal),
    refetchInterval: (query) => (query.state.data?.state === "running" ? 5000 : false),
  });
export const runEventsQuery = (id: string) =>
  queryOptions({ queryKey: ["run", id, "events"], queryFn: ({ signal }) => api.runEvents(id, 0, signal) });

export const schemaQuery = () =>
  queryOptions({ queryKey: ["assets", "schema"], queryFn: ({ signal }) => api.schema(signal), staleTime: 60_000 });

export const auditQuery = (filters: Filters<"/audit">) =>
  infiniteQueryOptions({
    ...pages,
    queryKey: ["audit", "list", filters],
    queryFn: ({ signal, pageParam }) => api.audit({ ...filters, limit: 100, after: pageParam }, signal),
  });
export const auditFacetsQuery = () =>
  queryOptions({ queryKey: ["audit", "facets"], queryFn: ({ signal }) => api.auditFacets(signal) });

export const schedulesQuery = () => queryOptions({ queryKey: ["schedules"], queryFn: ({ signal }) => api.schedules(signal) });
export const deliveriesQuery = () =>
  queryOptions({ queryKey: ["deliveries"], queryFn: ({ signal }) => api.deliveries({ limit: 100 }, signal) });
export const tokensQuery = () => queryOptions({ queryKey: ["tokens"], queryFn: ({ signal }) => api.tokens(signal) });
