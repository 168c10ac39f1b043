// The questions that the page asks of the query endpoint. Names are quoted and values are literals, since both come from users;
// every question names its version, reads the columns it needs and says how many rows it takes at most.
import type { Key, Shape } from "./shape";

/** A series, or a sum of some. */
export interface SeriesKey {
  /** The values of its columns as text, null where one is missing, and where a sum does not keep the column. */
  values: (string | null)[];
  /** What `hierarchy` says of a sum; null for a series itself. */
  sum: string | null;
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const version = (of: Shape): string => `version(${literal(of.asset)}, ${of.version})`;
export const asText = (key: Key): string => (key.type === "string" ? quoted(key.name) : `cast(${quoted(key.name)} as varchar)`);
export const covered = (level: string): string => `cast(${quoted(`scored_covered_${level}`)} as boolean)`;

/** A row per series; what is said of a series stands in each of its rows. */
export function everySeries(of: Shape, more: string[] = []): string {
  const most = (column: string, name: string) => (of.has(column) ? [`max(${quoted(column)}) as ${name}`] : []);
  const columns = [
    ...of.keys.map((key, i) => `${asText(key)} as k${i}`),
    ...(of.hasSums ? ["hierarchy as level_name"] : []),
    "min(class) as class",
    ...most("backtest_error", "error"),
    ...most("naive_error", "naive"),
    ...of.levels.flatMap((level) => most(`coverage_${level.id}`, `coverage_${level.id}`)),
    ...(of.has("scored_error") ? ["avg(scored_error) as scored", "count(scored_error) as arrived"] : []),
    ...of.scoredLevels.flatMap((level) => [
      `sum(case when ${covered(level.id)} then 1 else 0 end) as inside_${level.id}`,
      `count(${quoted(`scored_covered_${level.id}`)}) as judged_${level.id}`,
    ]),
    ...(of.has("steady") ? ["bool_and(steady) as steady"] : []),
    ...most("fitted_at", "fitted_at"),
    ...more,
  ];
  const names = [...of.keys.map((key) => quoted(key.name)), ...(of.hasSums ? ["hierarchy"] : [])];
  const by = names.length > 0 ? ` group by ${names.join(", ")}` : "";
  return `select ${columns.join(", ")} from ${version(of)}${by}`;
}

/** Per class and level, so that one question answers both what stands at the top and how many series a class has. */
export function headSql(of: Shape): string {
  const compared = "error > 0 or naive > 0";
  const by = ["class", ...(of.hasSums ? ["level_name"] : [])].join(", ");
  const columns = [
    by,
    "count(class) as series",
    `sum(case when ${compared} then 1 else 0 end) as compared`,
    `sum(case when (${compared}) and error < naive then 1 else 0 end) as better`,
    ...of.levels.flatMap((level) =>
      of.has(`coverage_${level.id}`)
        ? [`sum(coverage_${level.id}) as coverage_${level.id}`, `count(coverage_${level.id}) as covered_${level.id}`]
        : [],
    ),
    ...(of.has("scored_error")
      ? [
          "sum(arrived) as arrived",
          "sum(scored * arrived) as scored",
          "sum(case when arrived > 0 then 1 else 0 end) as scored_series",
        ]
      : []),
    ...of.scoredLevels.flatMap((level) => [
      `sum(inside_${level.id}) as inside_${level.id}`,
      `sum(judged_${level.id}) as judged_${level.id}`,
    ]),
    ...(of.has("steady") ? ["sum(case when steady then 1 else 0 end) as steady", "count(steady) as watched"] : []),
    ...(of.has("fitted_at") ? ["max(fitted_at) as fitted_at"] : []),
  ];
  return `with series as (${everySeries(of)}) select ${columns.join(", ")} from series group by ${by} order by count(class) desc, ${by}`;
}
