// What a forecast records about a series, in words.
import { formatCount, formatUnit } from "../../format/numbers";
import type { Point } from "../../charts/bands";
import type { TimeKind } from "../../charts/time-kind";
import { tellTime, timeOf } from "../../charts/time-scale";

export interface Treatment {
  kind: string;
  count: number;
  /** Microseconds since 1970, or the integer itself. */
  first: number;
  last: number;
}
export interface Tried {
  model: string;
  error: number | null;
  left_out: string | null;
}
export interface Member {
  model: string;
  weight: number;
  form: string | null;
}
export interface Choice {
  why: string;
  tier: string | null;
  origins: number;
  tried: Tried[];
  members: Member[];
  /** New models against the ones before, when they were compared. */
  duel: { champion: string; challenger: string; replaced: boolean; why: string } | null;
  /** Columns that are not known over the whole horizon. */
  leftOut: string[];
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : text;
  } catch {
    return null; // recorded by another version of the library
  }
}
const object = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export const treatmentsOf = (json: unknown): Treatment[] =>
  list(parsed(json)).map((one) => ({
    kind: text(one.kind) ?? "unknown",
    count: number(one.count) ?? 0,
    first: number(one.first) ?? NaN,
    last: number(one.last) ?? NaN,
  }));

/** What would have been said at each origin of the backtest. Its steps are taken to be as far apart as one another. */
export const fanOf = (json: unknown, kind: TimeKind): Point[][] =>
  list(parsed(json)).flatMap((origin) => {
    const said = Array.isArray(origin.said) ? (origin.said as unknown[]).map(number) : [];
    const [from, to] = [timeOf(origin.from, kind), timeOf(origin.to, kind)];
    const step = said.length > 1 ? (to - from) / (said.length - 1) : 0;
    return Number.isFinite(from + to) ? [said.map((value, i) => ({ at: from + i * step, value }))] : [];
  });

export function choiceOf(json: unknown): Choice | null {
  const value = parsed(json);
  if (typeof value !== "object" || value === null) return null;
  const of = object(value);
  return {
    why: text(of.why) ?? "",
    tier: text(of.tier),
    origins: number(of.origins) ?? 0,
    tried: list(of.tried).map((one) => ({
      model: text(one.model) ?? "",
      error: number(one.error),
      left_out: text(one.left_out),
    })),
    members: list(of.members).map((one) => ({
      model: text(one.model) ?? "",
      weight: number(one.weight) ?? 0,
      form: text(one.form),
    })),
    duel: of.duel ? duelOf(object(of.duel)) : null,
    leftOut: Array.isArray(of.regressors_left_out) ? of.regressors_left_out.filter((name) => typeof name === "string") : [],
  };
}

const duelOf = (of: Record<string, unknown>): Choice["duel"] => ({
  champion: text(of.champion) ?? "",
  challenger: text(of.challenger) ?? "",
  replaced: of.replaced === true,
  why: text(of.why) ?? "",
});

/** What is told of a kind: a few words for a table, a sentence for the series' own page. */
const TREATMENTS: Record<string, [(count: number) => string, (count: number) => string]> = {
  future: [
    (n) => `${formatUnit(n, "future point")} dropped`,
    (n) => `${formatUnit(n, "point")} later than the run may know ${was(n)} dropped`,
  ],
  cut: [
    (n) => `${formatUnit(n, "old step")} cut`,
    (n) => `${formatUnit(n, "step")} beyond the longest history ${was(n)} cut off`,
  ],
  duplicates: [
    (n) => `${formatUnit(n, "duplicate")} merged`,
    (n) => `${formatUnit(n, "point")} that shared a step ${was(n)} merged`,
  ],
  daylight_doubled: [
    (n) => `${formatUnit(n, "doubled hour")} averaged`,
    (n) => `${formatUnit(n, "local hour")} that came twice when the clocks went back ${was(n)} averaged`,
  ],
  daylight_missing: [
    (n) => `${formatUnit(n, "skipped hour")} filled`,
    (n) => `${formatUnit(n, "local hour")} that the clocks skipped ${was(n)} filled`,
  ],
  partial: [() => "unfinished last step dropped", () => "The last step was not over and was dropped"],
  gaps: [(n) => `${formatUnit(n, "gap")} filled`, (n) => `${formatUnit(n, "step")} without a value ${was(n)} filled`],
  outliers: [
    (n) => `${formatUnit(n, "outlier")} replaced`,
    (n) => `${formatUnit(n, "wild value")} ${was(n)} replaced for fitting; errors are measured against what came`,
  ],
  level_shift: [
    (n) => `fitted after a jump, without ${formatUnit(n, "step")}`,
    (n) => `The series jumped: the ${formatUnit(n, "step")} before it ${n === 1 ? "is" : "are"} not fitted`,
  ],
  late: [
    (n) => `ends ${formatUnit(n, "step")} early`,
    (n) => `The series ends ${formatUnit(n, "step")} before the others and is forecast further`,
  ],
  over: [() => "over, not forecast", () => "The series ended so long before the others that it is over"],
  newcomer: [() => "newcomer", () => "There is less than a season of history: the forecast comes from its siblings, or is zero"],
};
const was = (count: number) => (count === 1 ? "was" : "were");
const spaced = (word: string) => word.replaceAll("_", " ");

/** The first few, for a table. */
export function inShort(treatments: Treatment[], most = 2): string {
  const words = treatments.map(
    (one) => TREATMENTS[one.kind]?.[0](one.count) ?? `${spaced(one.kind)} (${formatCount(one.count)})`,
  );
  const left = words.length - most;
  return words.slice(0, most).join(", ") + (left > 0 ? ` and ${left} more` : "");
}

/** A sentence and where it was. */
export function inWords(of: Treatment, kind: TimeKind): { sentence: string; where: string } {
  const sentence = TREATMENTS[of.kind]?.[1](of.count) ?? `${spaced(of.kind)}: ${formatUnit(of.count, "step")}`;
  const at = (time: number) => tellTime(kind === "integer" ? time : Math.round(time / 1000), kind);
  const there = Number.isFinite(of.first) && Number.isFinite(of.last);
  return {
    sentence: sentence.charAt(0).toUpperCase() + sentence.slice(1),
    where: !there ? "" : of.first === of.last ? at(of.first) : `${at(of.first)} to ${at(of.last)}`,
  };
}

export function whyInWords(of: Choice): string {
  const origins = formatUnit(of.origins, "origin");
  switch (of.why) {
    case "backtest":
      return `Weighted by their errors in a backtest of ${origins}: the history was cut there, forecast, and compared with what came.`;
    case "no_backtest":
      return "The history is too short for a backtest: what suits such a series, equally weighted.";
    case "fallback":
      return "No model of the pool answered: the first of the simple ones that did.";
    case "newcomer":
      return "There is nothing to fit yet: the profile of its siblings, or zeros.";
    default:
      return of.why ? `Chosen by ${spaced(of.why)}.` : "";
  }
}

export const CLASSES: Record<string, string> = {
  seasonal: "the season explains a part of its values",
  intermittent: "mostly zeros",
  smooth: "neither seasonal nor intermittent",
  short: "too few values for more than a level",
  constant: "the same value throughout",
  empty: "no value at all",
};

/** A mark of a series whose newest errors are far above the usual. */
export const STEPPED = { word: "stepped", icon: "warning", tone: "warn" } as const;

/** Names of models as people say them: `seasonal_naive+ets` is "seasonal naive + ets". */
export const tellModel = (model: string): string => spaced(model).replaceAll("+", " + ");

/** An error up to this is none: forecasts are sums of numbers that are not exact. */
export const ROUNDING = 0.000001;
export interface Relative {
  /** "0.62 ×". */
  short: string;
  words: string;
  is: "better" | "equal" | "worse";
}
/** An error against that of the last season repeated; null without a backtest. */
export function relativeInWords(error: number | null, naive: number | null): Relative | null {
  if (error === null || naive === null) return null;
  if (naive <= ROUNDING && error <= ROUNDING)
    return { short: "equal", words: "neither this nor the last season repeated errs", is: "equal" };
  if (naive <= ROUNDING) return { short: "worse", words: "the last season repeated does not err", is: "worse" };
  const ratio = error / naive;
  const percent = Math.round(Math.abs(1 - ratio) * 100);
  if (percent === 0) return { short: "1.00 ×", words: "as large as that of the last season repeated", is: "equal" };
  return {
    short: `${ratio >= 100 ? formatCount(Math.round(ratio)) : ratio.toFixed(2)} ×`,
    words: `${formatCount(percent)} % ${ratio < 1 ? "smaller" : "larger"} than that of the last season repeated`,
    is: ratio < 1 ? "better" : "worse",
  };
}
export const RELATIVE = {
  better: { icon: "check", ink: "ink-good", word: "better" },
  equal: { icon: "minus", ink: "ink-idle", word: "no better" },
  worse: { icon: "warning", ink: "ink-warn", word: "worse" },
} as const;
