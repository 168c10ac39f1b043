// Times along an axis: instants, days, local times without a zone and plain integers, each as a number. Instants count in
// milliseconds and are told in UTC, so that a shared screen reads the same for all.
import { ticksOf } from "./scale";
import type { TimeKind } from "./time-kind";

/** A time as the API writes it, as a number; NaN when it is none. */
export function timeOf(value: unknown, kind: TimeKind): number {
  if (value === null || value === undefined) return NaN;
  if (kind === "integer") return Number(value);
  const text = String(value);
  if (kind === "day") return Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  return Date.parse(kind === "local" ? `${text.replace(" ", "T")}Z` : text);
}

/** The same back, as SQL reads it. */
export function textOfTime(at: number, kind: TimeKind): string {
  if (kind === "integer") return String(at);
  const text = new Date(at).toISOString();
  if (kind === "day") return text.slice(0, 10);
  return kind === "local" ? text.slice(0, -1).replace("T", " ") : text;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const month = (at: Date) => MONTH_NAMES[at.getUTCMonth()] as string;
const clock = (at: Date) => at.toISOString().slice(11, at.getTime() % MINUTE === 0 ? 16 : 19);

/** "Tue 31 Dec 2013, 05:00 UTC"; a day has no clock, an integer is itself. */
export function tellTime(at: number, kind: TimeKind): string {
  if (kind === "integer" || !Number.isFinite(at)) return String(at);
  const time = new Date(at);
  const day = `${WEEKDAYS[time.getUTCDay()]} ${time.getUTCDate()} ${month(time)} ${time.getUTCFullYear()}`;
  if (kind === "day") return day;
  return `${day}, ${clock(time)}${kind === "instant" ? " UTC" : ""}`;
}

export interface Tick {
  at: number;
  label: string;
}
const SPANS = [
  ...[1, 5, 15, 30].map((some) => some * SECOND),
  ...[1, 5, 15, 30].map((some) => some * MINUTE),
  ...[1, 3, 6, 12].map((some) => some * HOUR),
  ...[1, 2, 3, 7, 14].map((some) => some * DAY),
];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
/** Monday, 5 January 1970: weeks are counted from it. */
const MONDAY = 4 * DAY;

/** Round times between two, at most `most`: midnights, Mondays, firsts of a month. */
export function timeTicks(from: number, to: number, most: number, kind: TimeKind): Tick[] {
  if (!(to >= from) || most < 1) return [];
  if (kind === "integer") {
    const whole = ticksOf(from, to, Math.max(1, most - 1)).filter(Number.isInteger);
    return whole.map((at) => ({ at, label: at.toLocaleString("en-US") }));
  }
  const span = SPANS.find((one) => (kind !== "day" || one >= DAY) && (to - from) / one < most);
  if (span !== undefined) {
    const phase = span >= 7 * DAY ? MONDAY : 0;
    const ticks: Tick[] = [];
    for (let at = Math.ceil((from - phase) / span) * span + phase; at <= to; at += span) ticks.push({ at, label: short(at) });
    return ticks;
  }
  const first = new Date(from);
  const start = first.getUTCFullYear() * 12 + first.getUTCMonth();
  const count = Math.ceil((to - from) / (30 * DAY));
  const step = MONTHS.find((one) => count / one < most) ?? (MONTHS.at(-1) as number);
  const ticks: Tick[] = [];
  for (let i = Math.ceil(start / step) * step; ; i += step) {
    const at = Date.UTC(Math.floor(i / 12), i % 12, 1);
    if (at > to) return ticks;
    if (at < from) continue;
    ticks.push({ at, label: i % 12 === 0 ? String(i / 12) : month(new Date(at)) });
  }
}
const short = (at: number): string => {
  const time = new Date(at);
  return at % DAY === 0 ? `${time.getUTCDate()} ${month(time)}` : clock(time);
};

/** The distance between neighbours that is there most often; NaN with less than two times. */
export function stepOf(times: number[]): number {
  const counts = new Map<number, number>();
  for (let i = 1; i < times.length; i++) {
    const distance = (times[i] as number) - (times[i - 1] as number);
    if (distance > 0) counts.set(distance, (counts.get(distance) ?? 0) + 1);
  }
  let most = NaN;
  for (const [distance, count] of counts) if (Number.isNaN(most) || count > (counts.get(most) ?? 0)) most = distance;
  return most;
}

/** The seasons that such a step usually has, in steps, ascending: a day, a week, a year. Those of too many steps to draw are left out. */
export function seasonsOf(step: number, kind: TimeKind): number[] {
  if (kind === "integer" || !(step > 0)) return [];
  if (step < DAY) {
    const seasons = [HOUR, DAY, 7 * DAY].map((span) => Math.round(span / step)).filter((steps) => steps >= 4 && steps <= 700);
    return seasons.slice(-2);
  }
  if (step === DAY) return [7];
  if (step === 7 * DAY) return [52];
  const months = Math.round(step / (30.4 * DAY));
  return step >= 28 * DAY && months < 12 ? [Math.round(12 / months)] : [];
}

/** "6 days", "2 weeks", "3 years": the largest unit of which it is about a whole number. */
export function tellSpan(ms: number): string {
  const units: [number, string][] = [
    [365.25 * DAY, "year"],
    [30.44 * DAY, "month"],
    [7 * DAY, "week"],
    [DAY, "day"],
    [HOUR, "hour"],
    [MINUTE, "minute"],
  ];
  const [unit, word] = units.find(([one]) => ms >= 0.98 * one && Math.abs(ms / one - Math.round(ms / one)) < 0.04) ?? [
    SECOND,
    "second",
  ];
  const count = Math.round(ms / unit);
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
