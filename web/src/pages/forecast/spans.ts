// How much history is drawn before a forecast.
import type { TimeKind } from "../../charts/time-kind";
import { seasonsOf, stepOf, tellSpan } from "../../charts/time-scale";
import { formatUnit } from "../../format/numbers";

export interface Span {
  label: string;
  from: number;
  /** Steps that are read at most, with those that came since the forecast. */
  limit: number;
  /** Whether what the backtest said is drawn. */
  tested?: true;
}
/** Steps of the history that are drawn at most. */
const MOST = 1500;
const LEAST = 24;

/** Three horizons, and at least two of the shorter season; where there is a longer one, two of that to choose as well; and the backtest,
 * from its first origin on. */
export function spansOf(times: number[], kind: TimeKind, testedFrom: number | null = null): Span[] {
  const step = stepOf(times);
  const wide = Number.isFinite(step) ? step : 1;
  const first = times[0] ?? 0;
  const seasons = seasonsOf(step, kind);
  const usual = Math.max(3 * times.length, 2 * (seasons[0] ?? 0), LEAST);
  const counts = [usual, ...seasons.slice(1).map((season) => 2 * season)].filter((count, i) => i === 0 || count > usual * 1.25);
  const spans = counts.map((count) => {
    const steps = Math.min(MOST, count);
    const label = kind === "integer" || !Number.isFinite(step) ? formatUnit(steps, "step") : tellSpan(steps * wide);
    return { label, from: first - steps * wide, limit: steps + times.length };
  });
  if (testedFrom === null || !(testedFrom < first)) return spans;
  // With some of what was known at the first origin.
  const steps = Math.min(MOST, Math.ceil((first - testedFrom) / wide) + Math.max(LEAST / 2, times.length));
  return [...spans, { label: "Backtest", from: first - steps * wide, limit: steps + times.length, tested: true }];
}
