// A chosen series in the address: one `series` for each column that tells series apart, and `sum` for a sum of some, so that a link
// can be handed on.
import { keptKeys, type Shape } from "./shape";
import type { SeriesKey } from "./sql";

/** As in COPY: null is `\N`, and a value that starts with a backslash gets another one. */
const written = (value: string | null): string => (value === null ? "\\N" : value.startsWith("\\") ? `\\${value}` : value);
const read = (text: string): string | null => (text === "\\N" ? null : text.startsWith("\\\\") ? text.slice(1) : text);

/** Null when none is chosen, or when the address names too many or too few values. */
export function seriesOf(search: URLSearchParams, keys: number): SeriesKey | null {
  const values = search.getAll("series");
  return keys > 0 && values.length === keys ? { values: values.map(read), sum: search.get("sum") } : null;
}

/** The same address with another series, or without; filters stay, so that the way back leads to the same list. */
export function withSeries(path: string, search: URLSearchParams, series: SeriesKey | null): string {
  const next = new URLSearchParams(search);
  next.delete("series");
  next.delete("sum");
  for (const value of series?.values ?? []) next.append("series", written(value));
  if (series?.sum) next.set("sum", series.sum);
  const text = next.toString();
  return path + (text && `?${text}`);
}

/** "JFK, B6"; the sum over all carriers is "JFK, all". */
export function tellSeries(of: Pick<Shape, "keys">, series: SeriesKey): string[] {
  const kept = keptKeys(of, series.sum);
  return of.keys.map((_, i) => {
    const value = series.values[i] ?? null;
    return !kept[i] ? "all" : value === null ? "null" : value || "empty";
  });
}
