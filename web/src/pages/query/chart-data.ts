import type { QueryAnswer } from "../../api/types";

const NUMBER = /^(u?int|bigint|smallint|double|float|real|decimal|numeric)/i;
const TIME = /^(date|timestamp)/i;

export interface Axes {
  x: number;
  y: number[];
}
/** Along the first time, else the first text, else the first number; the other numbers are drawn. */
export function guessAxes(columns: QueryAnswer["columns"]): Axes | null {
  const find = (pattern: RegExp) => columns.findIndex((column) => pattern.test(column.type));
  const time = find(TIME);
  const text = columns.findIndex((column) => !NUMBER.test(column.type) && !TIME.test(column.type));
  const x = time >= 0 ? time : text >= 0 ? text : 0;
  const y = columns.flatMap((column, i) => (i !== x && NUMBER.test(column.type) ? [i] : [])).slice(0, 1);
  return y.length > 0 ? { x, y } : null;
}
export const isTime = (type: string): boolean => TIME.test(type);
export const isNumber = (type: string): boolean => NUMBER.test(type);

export const MOST_POINTS = 1500;

/** Every n-th row, so that a screen's worth of points stays: a chart says so when it leaves rows out. */
export function thin<T>(rows: T[], most = MOST_POINTS): T[] {
  if (rows.length <= most) return rows;
  const step = rows.length / most;
  return Array.from({ length: most }, (_, i) => rows[Math.floor(i * step)] as T);
}
