// What stands at the top, from one question.
import { queryOptions } from "@tanstack/react-query";
import { ask, FOREVER, key, numberOf, sum, text, type Row } from "./ask";
import { leafName, type Shape } from "./shape";
import { headSql } from "./sql";

export interface Coverage {
  label: string;
  promised: number;
  /** Percent, in the backtest. */
  measured: number | null;
  /** Percent, of the actual values that arrived. */
  scored: number | null;
}
export interface Head {
  /** The series themselves, without sums of them. */
  series: number;
  sums: number;
  classes: { value: string; count: number }[];
  /** What `hierarchy` says; one where there are no sums. */
  levels: { value: string; count: number }[];
  compared: number;
  better: number;
  coverage: Coverage[];
  arrived: number;
  scoredSeries: number;
  /** Mean absolute error of what arrived. */
  scored: number | null;
  steady: number;
  watched: number;
  fittedAt: string | null;
}
export function headOf(of: Shape, rows: Row[]): Head {
  const share = (part: number, whole: number) => (whole > 0 ? part / whole : null);
  const leaves = of.hasSums ? rows.filter((row) => row.level_name === leafName(of)) : rows;
  const arrived = sum(leaves, "arrived");
  const scoredOf = (id: string) => share(100 * sum(rows, `inside_${id}`), sum(rows, `judged_${id}`));
  return {
    series: sum(leaves, "series"),
    sums: sum(rows, "series") - sum(leaves, "series"),
    classes: counted(rows, "class"),
    levels: counted(rows, "level_name"),
    compared: sum(rows, "compared"),
    better: sum(rows, "better"),
    coverage: of.levels.map((level) => ({
      label: level.label,
      promised: level.percent,
      measured: share(sum(rows, `coverage_${level.id}`), sum(rows, `covered_${level.id}`)),
      scored: scoredOf(level.id),
    })),
    arrived,
    scoredSeries: sum(leaves, "scored_series"),
    scored: share(sum(leaves, "scored"), arrived),
    steady: sum(rows, "steady"),
    watched: sum(rows, "watched"),
    fittedAt: rows.map((row) => text(row.fitted_at)).reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null),
  };
}
function counted(rows: Row[], column: string): { value: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const value = text(row[column]);
    if (value) counts.set(value, (counts.get(value) ?? 0) + (numberOf(row.series) ?? 0));
  }
  return [...counts].map(([value, count]) => ({ value, count })).toSorted((a, b) => b.count - a.count);
}
export const headQuery = (of: Shape) =>
  queryOptions({
    queryKey: key(of, "head"),
    queryFn: async ({ signal }) => headOf(of, await ask(headSql(of), 1000, signal)),
    ...FOREVER,
  });
