// The questions about series, steps and versions; sql.ts has what they share.
import { textOfTime } from "../../charts/time-scale";
import { keptKeys, leafName, type Shape } from "./shape";
import { ROUNDING } from "./words";
import { asText, covered, everySeries, literal, quoted, version, type SeriesKey } from "./sql";

const table = (asset: string): string => asset.split(".").map(quoted).join(".");

/** Which rows of the history belong to a series. Text and whole numbers are compared as what they are, so that files without them are not read. */
export function matching(of: Pick<Shape, "keys">, series: SeriesKey): string {
  const kept = keptKeys(of, series.sum);
  const parts = of.keys.flatMap((key, i) => {
    const value = series.values[i] ?? null;
    if (!kept[i]) return [];
    if (value === null) return [`${quoted(key.name)} is null`];
    if (/^(int|bigint)$/i.test(key.type) && /^-?\d{1,18}$/.test(value)) return [`${quoted(key.name)} = ${value}`];
    return [`${asText(key)} = ${literal(value)}`];
  });
  return parts.length === 0 ? "true" : parts.join(" and ");
}
/** The same of the forecast, where sums stand beside the series. */
const ofForecast = (of: Shape, series: SeriesKey): string =>
  of.hasSums ? `${matching(of, series)} and hierarchy = ${literal(series.sum ?? leafName(of))}` : matching(of, series);
/** Values of sums are larger than those of series, so that a mean over both says little. */
const onlyLeaves = (of: Shape): string => (of.hasSums ? ` and hierarchy = ${literal(leafName(of))}` : "");

export type Order = "backtest" | "scored" | "coverage" | "series";
export interface Asked {
  search: string;
  class: string;
  steady: "" | "steady" | "stepped";
  /** What `hierarchy` says. */
  level: string;
  order: Order;
  descending: boolean;
  limit: number;
}
/** Error over that of the last season repeated; where that makes none, any error that is more than rounding is worse than all others. */
const relative = (error: string): string =>
  `case when naive > ${ROUNDING} then cast(${error} as double) / naive when ${error} > ${ROUNDING} then cast('1e300' as double) end`;

export function worstSql(of: Shape, asked: Asked): string {
  const scored = of.has("scored_error");
  const names = of.keys.map((_, i) => `k${i}`);
  const narrowest = of.levels.find((level) => of.has(`coverage_${level.id}`));
  const orders: Record<Order, string[]> = {
    backtest: ["relative"],
    scored: [scored ? "scored_relative" : "relative"],
    coverage: narrowest ? [`coverage_${narrowest.id}`] : ["relative"],
    series: [],
  };
  const down = asked.descending ? "desc" : "asc";
  const order = [
    ...orders[asked.order].map((one) => `${one} ${down} nulls last`),
    ...names.map((name) => (asked.order === "series" ? `${name} ${down}` : name)),
  ];
  const searched = [...names, "class", "model"].map((name) => `coalesce(${name}, '')`).join(" || ' ' || ");
  const words = asked.search.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 8);
  const wanted = [
    ...words.map((word) => `strpos(lower(${searched}), ${literal(word)}) > 0`),
    ...(asked.class ? [`class = ${literal(asked.class)}`] : []),
    ...(asked.level && of.hasSums ? [`level_name = ${literal(asked.level)}`] : []),
    ...(asked.steady && of.has("steady") ? [asked.steady === "steady" ? "steady" : "not steady"] : []),
  ];
  const more = ["min(model) as model", ...(of.has("treatments") ? ["min(treatments) as treatments"] : [])];
  const derived = [`${relative("error")} as relative`, ...(scored ? [`${relative("scored")} as scored_relative`] : [])];
  return (
    `with series as (${everySeries(of, more)}) ` +
    `select *, count(class) over () as found from (select *, ${derived.join(", ")} from series) ` +
    `${wanted.length > 0 ? `where ${wanted.join(" and ")} ` : ""}` +
    `${order.length > 0 ? `order by ${order.join(", ")} ` : ""}limit ${Math.floor(asked.limit)}`
  );
}

/** How forecasts before did at each of their steps, over all series. */
export function horizonSql(of: Shape): string {
  const columns = [
    "step",
    "count(scored_error) as arrived",
    "avg(scored_error) as error",
    ...(of.has("scored_bias") ? ["avg(scored_bias) as bias"] : []),
    ...of.scoredLevels.map((level) => `${share(level.id)} as inside_${level.id}`),
  ];
  return `select ${columns.join(", ")} from ${version(of)} where scored_error is not null${onlyLeaves(of)} group by step order by step limit ${MOST_STEPS}`;
}
const share = (level: string): string => `avg(case when ${covered(level)} then 1.0 when not ${covered(level)} then 0.0 end)`;

/** The share of actual values inside the intervals, in each of some versions: a profile has no mean of booleans. */
export function insideSql(of: Shape, versions: number[]): string {
  const columns = of.scoredLevels.map((level) => `${share(level.id)} as inside_${level.id}`).join(", ");
  return versions
    .map(
      (number) =>
        `select ${number} as version, ${columns} from version(${literal(of.asset)}, ${number}) where scored_error is not null${onlyLeaves(of)}`,
    )
    .join(" union all ");
}

/** Steps of a series that are drawn at most. */
export const MOST_STEPS = 2000;

/** What is said of a series, from one of its rows. */
export function factsSql(of: Shape, series: SeriesKey): string {
  const columns = [
    ...["model", "class", "treatments", "choice", "backtest", "backtest_error", "naive_error", "steady", "fitted_at"].filter(of.has),
    ...of.levels.map((level) => `coverage_${level.id}`).filter(of.has),
  ];
  return `select ${columns.map(quoted).join(", ")} from ${version(of)} where ${ofForecast(of, series)} ${of.has("step") ? "order by step " : ""}limit 1`;
}

const SCORED = ["scored_forecast", "scored_actual", "scored_error", "scored_bias"];

export function stepsSql(of: Shape, series: SeriesKey): string {
  const columns = [
    of.time.name,
    "forecast",
    ...of.levels.flatMap((level) => [`lo_${level.id}`, `hi_${level.id}`]),
    ...of.parts,
    ...["step", "live_forecast", ...SCORED, ...of.scoredLevels.map((level) => `scored_covered_${level.id}`)].filter(of.has),
  ];
  const time = quoted(of.time.name);
  return `select ${columns.map(quoted).join(", ")} from ${version(of)} where ${ofForecast(of, series)} order by ${time} limit ${MOST_STEPS}`;
}

/** The newest steps of the history between two times, newest first. Both ends are said, so that older files are not read. */
export function historySql(
  of: Shape,
  series: SeriesKey,
  history: { asset: string; value: string },
  range: { from: number; to: number; limit: number },
): string {
  const { kind } = of.time;
  const time = quoted(of.time.name);
  const end = (at: number) => (kind === "integer" ? String(at) : literal(textOfTime(at, kind)));
  const value = `cast(${quoted(history.value)} as double)`;
  return (
    `select ${time} as at, ${series.sum === null ? value : `sum(${value})`} as value from ${table(history.asset)} ` +
    `where ${matching(of, series)} and ${time} >= ${end(range.from)} and ${time} <= ${end(range.to)} ` +
    `${series.sum === null ? "" : `group by ${time} `}order by ${time} desc limit ${Math.floor(range.limit)}`
  );
}
