// What the page asks about series and steps, as queries of the query library. A version never changes, so answers about one are kept
// for ever; the history is asked for again when its asset is published.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Expected, Point } from "../../charts/bands";
import { timeOf } from "../../charts/time-scale";
import { ask, FOREVER, key, numberOf, text, truth, type Row } from "./ask";
import { leafName, type Shape } from "./shape";
import type { SeriesKey } from "./sql";
import { fanOf } from "./words";
import * as sql from "./sql-series";
import type { Asked } from "./sql-series";

export interface Line {
  series: SeriesKey;
  class: string | null;
  model: string | null;
  error: number | null;
  naive: number | null;
  scored: number | null;
  arrived: number;
  coverage: (number | null)[];
  steady: boolean | null;
  treatments: unknown;
}
export const worstQuery = (of: Shape, asked: Asked) =>
  queryOptions({
    queryKey: key(of, "worst", asked),
    queryFn: async ({ signal }) => {
      const rows = await ask(sql.worstSql(of, asked), asked.limit, signal);
      const lines = rows.map((row): Line => ({
        series: {
          values: of.keys.map((_, i) => text(row[`k${i}`])),
          sum: of.hasSums && row.level_name !== leafName(of) ? text(row.level_name) : null,
        },
        class: text(row.class),
        model: text(row.model),
        error: numberOf(row.error),
        naive: numberOf(row.naive),
        scored: numberOf(row.scored),
        arrived: numberOf(row.arrived) ?? 0,
        coverage: of.levels.map((level) => numberOf(row[`coverage_${level.id}`])),
        steady: truth(row.steady),
        treatments: row.treatments,
      }));
      return { lines, found: numberOf(rows[0]?.found) ?? 0 };
    },
    placeholderData: keepPreviousData,
    ...FOREVER,
  });

export interface HorizonStep {
  step: number;
  arrived: number;
  error: number | null;
  bias: number | null;
  /** Percent inside, per scored level. */
  inside: (number | null)[];
}
const percent = (share: number | null) => (share === null ? null : 100 * share);
export const horizonQuery = (of: Shape) =>
  queryOptions({
    queryKey: key(of, "horizon"),
    queryFn: async ({ signal }) =>
      (await ask(sql.horizonSql(of), sql.MOST_STEPS, signal)).map((row): HorizonStep => ({
        step: numberOf(row.step) ?? 0,
        arrived: numberOf(row.arrived) ?? 0,
        error: numberOf(row.error),
        bias: numberOf(row.bias),
        inside: of.scoredLevels.map((level) => percent(numberOf(row[`inside_${level.id}`]))),
      })),
    ...FOREVER,
  });

/** Percent inside per version and level. */
export const insideQuery = (of: Shape, versions: number[]) =>
  queryOptions({
    queryKey: key(of, "inside", versions),
    queryFn: async ({ signal }) =>
      new Map(
        (await ask(sql.insideSql(of, versions), versions.length, signal)).map((row) => [
          numberOf(row.version),
          of.scoredLevels.map((level) => percent(numberOf(row[`inside_${level.id}`]))),
        ]),
      ),
    enabled: versions.length > 0 && of.scoredLevels.length > 0,
    placeholderData: keepPreviousData,
    ...FOREVER,
  });

export interface Step extends Expected {
  /** In the order of the shape's parts. */
  parts: (number | null)[];
  step: number;
  /** What the forecast that was live said of the same time. */
  before: number | null;
  scored: {
    forecast: number | null;
    actual: number | null;
    error: number | null;
    bias: number | null;
    inside: (boolean | null)[];
  };
}
export interface Facts {
  model: string | null;
  class: string | null;
  error: number | null;
  naive: number | null;
  coverage: (number | null)[];
  steady: boolean | null;
  fittedAt: string | null;
  treatments: unknown;
  choice: unknown;
  /** What would have been said at each origin of the backtest, the oldest first. */
  fan: Point[][];
}
export interface SeriesAnswer {
  facts: Facts;
  steps: Step[];
}
/** Null when there is no such series. */
export const seriesQuery = (of: Shape, series: SeriesKey) =>
  queryOptions({
    queryKey: key(of, "series", series),
    queryFn: async ({ signal }): Promise<SeriesAnswer | null> => {
      const [facts, steps] = await Promise.all([
        ask(sql.factsSql(of, series), 1, signal),
        ask(sql.stepsSql(of, series), sql.MOST_STEPS, signal),
      ]);
      const row = facts[0];
      if (!row || steps.length === 0) return null;
      return { facts: factsOf(of, row), steps: steps.map((one, i) => stepOf(of, one, i)) };
    },
    ...FOREVER,
  });
const factsOf = (of: Shape, row: Row): Facts => ({
  model: text(row.model),
  class: text(row.class),
  error: numberOf(row.backtest_error),
  naive: numberOf(row.naive_error),
  coverage: of.levels.map((level) => numberOf(row[`coverage_${level.id}`])),
  steady: truth(row.steady),
  fittedAt: text(row.fitted_at),
  treatments: row.treatments,
  choice: row.choice,
  fan: fanOf(row.backtest, of.time.kind),
});
const stepOf = (of: Shape, row: Row, i: number): Step => ({
  at: timeOf(row[of.time.name], of.time.kind),
  value: numberOf(row.forecast),
  bands: of.levels.map((level) => [numberOf(row[`lo_${level.id}`]), numberOf(row[`hi_${level.id}`])]),
  parts: of.parts.map((part) => numberOf(row[part])),
  step: numberOf(row.step) ?? i + 1,
  before: numberOf(row.live_forecast),
  scored: {
    forecast: numberOf(row.scored_forecast),
    actual: numberOf(row.scored_actual),
    error: numberOf(row.scored_error),
    bias: numberOf(row.scored_bias),
    inside: of.scoredLevels.map((level) => truth(row[`scored_covered_${level.id}`])),
  },
});

/** Null where it is not known which column is forecast. */
export const historyQuery = (
  of: Shape,
  series: SeriesKey,
  value: string | null,
  range: { from: number; to: number; limit: number },
) =>
  queryOptions({
    queryKey: ["asset", of.history?.asset ?? "", "history", value, of.time, series, range],
    queryFn: async ({ signal }): Promise<Point[]> => {
      if (!of.history || value === null) return [];
      const rows = await ask(sql.historySql(of, series, { asset: of.history.asset, value }, range), range.limit, signal);
      return rows.map((row): Point => ({ at: timeOf(row.at, of.time.kind), value: numberOf(row.value) })).toReversed();
    },
  });
