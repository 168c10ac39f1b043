// How the page asks the query endpoint, and reads what comes back.
import { query as send } from "../../api/client";
import type { QueryAnswer } from "../../api/types";
import type { Shape } from "./shape";

export type Row = Record<string, unknown>;
/** The rows by the names of their columns. */
export function rowsOf(answer: Pick<QueryAnswer, "columns" | "rows">): Row[] {
  return answer.rows.map((row) => Object.fromEntries(answer.columns.map((column, i) => [column.name, row[i]])));
}
export async function ask(text: string, limit: number, signal: AbortSignal): Promise<Row[]> {
  const response = await send({ sql: text, format: "json", limit }, signal);
  return rowsOf((await response.json()) as QueryAnswer);
}
/** What JSON does not hold exactly comes as text; NaN and infinity are no numbers that could be shown. */
export function numberOf(value: unknown): number | null {
  if (value === null || value === undefined || value === "") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
export const sum = (rows: Row[], column: string): number => rows.reduce((total, row) => total + (numberOf(row[column]) ?? 0), 0);
export const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
export const truth = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null);

export const FOREVER = { staleTime: Infinity } as const;
export const key = (of: Shape, ...more: unknown[]) => ["forecast", of.asset, of.version, ...more];
