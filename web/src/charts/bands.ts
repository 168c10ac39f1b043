// Where everything of a history with its forecast and bands stands, in a frame of some size. Pure: the page draws it with its
// tokens, the file that is handed out with colours of its own.
import { formatShort } from "../format/numbers";
import { rangeOf, ticksOf } from "./scale";
import type { TimeKind } from "./time-kind";
import { stepOf, timeTicks } from "./time-scale";

export interface Point {
  at: number;
  value: number | null;
}
export interface Expected {
  at: number;
  value: number | null;
  /** Low and high end per level, in the order of `levels`. */
  bands: [number | null, number | null][];
}
export interface BandData {
  kind: TimeKind;
  /** Ascending by time; those from the forecast's first step on are what came since. */
  history: Point[];
  forecast: Expected[];
  /** What the forecast before said of the same times. */
  before?: Point[];
  /** What would have been said at each origin of the backtest. */
  fan?: Point[][];
  /** Percents, ascending: "80", "95". */
  levels: string[];
}
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}
/** One time with everything that is known of it. */
export interface Moment {
  at: number;
  actual: number | null;
  expected: Expected | null;
  before: number | null;
  /** What the origins of the backtest said, the oldest first. */
  tested: number[];
}

export function layout(data: BandData, frame: Frame) {
  const moments = momentsOf(data);
  const from = moments[0]?.at ?? 0;
  const to = moments.at(-1)?.at ?? 1;
  const [low, high] = rangeOf([
    ...data.history.map((point) => point.value),
    ...data.forecast.flatMap((one) => [one.value, ...one.bands.flat()]),
    ...(data.before ?? []).map((point) => point.value),
    ...(data.fan ?? []).flat().map((point) => point.value),
  ]);
  const inner = Math.max(10, frame.width - frame.left - frame.right);
  const x = (at: number) => frame.left + (to > from ? ((at - from) / (to - from)) * inner : inner / 2);
  const y = (value: number) => frame.top + (1 - (value - low) / (high - low)) * (frame.height - frame.top - frame.bottom);
  const begin = data.forecast[0]?.at ?? null;
  const step = stepOf(moments.map((moment) => moment.at));
  const past = data.history.filter((point) => begin === null || point.at < begin);
  const since = data.history.filter((point) => begin !== null && point.at >= begin);
  return {
    moments,
    x,
    y,
    from,
    to,
    xTicks: timeTicks(from, to, Math.max(2, Math.floor(inner / 60)), data.kind),
    yTicks: ticksOf(low, high).map((at) => ({ at, label: formatShort(at) })),
    begin: begin === null ? null : x(begin - (Number.isFinite(step) && past.length > 0 ? step / 2 : 0)),
    past: lineOf(past, x, y, step),
    since: lineOf(since, x, y, step),
    sinceDots: since.flatMap((point) => (point.value === null ? [] : [{ x: x(point.at), y: y(point.value) }])),
    forecast: lineOf(data.forecast, x, y, step),
    before: lineOf(data.before ?? [], x, y, step),
    fan: (data.fan ?? []).map((points) => lineOf(points, x, y, step)).filter(Boolean),
    /** The widest first, so that narrower ones lie on it. */
    bands: data.levels
      .map((level, i) => ({
        level,
        path: areaOf(
          data.forecast.map((one) => ({ at: one.at, ends: one.bands[i] ?? [null, null] })),
          x,
          y,
        ),
      }))
      .toReversed(),
  };
}

/** All times, ascending, each once. */
export function momentsOf(data: BandData): Moment[] {
  const moments = new Map<number, Moment>();
  const none = { actual: null, expected: null, before: null };
  for (const point of data.history) moments.set(point.at, { ...none, at: point.at, actual: point.value, tested: [] });
  for (const expected of data.forecast)
    moments.set(expected.at, { ...none, at: expected.at, actual: moments.get(expected.at)?.actual ?? null, expected, tested: [] });
  for (const point of data.before ?? []) {
    const moment = moments.get(point.at);
    if (moment) moment.before = point.value;
  }
  for (const point of (data.fan ?? []).flat()) if (point.value !== null) moments.get(point.at)?.tested.push(point.value);
  return [...moments.values()].toSorted((a, b) => a.at - b.at);
}

/** Which moment is nearest to a time. */
export function nearestOf(moments: { at: number }[], at: number): number {
  let low = 0;
  let high = moments.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((moments[middle] as Moment).at < at) low = middle;
    else high = middle;
  }
  const left = moments[low];
  const right = moments[high];
  if (!left || !right) return 0;
  return at - left.at <= right.at - at ? low : high;
}

type Scale = (value: number) => number;
const px = (value: number) => value.toFixed(1);

/** A line that stops where a value or a step is missing. */
export function lineOf(points: Point[], x: Scale, y: Scale, step: number): string {
  let path = "";
  let before: Point | null = null;
  for (const point of points) {
    if (point.value === null) {
      before = null;
      continue;
    }
    const joined: boolean = before !== null && !(point.at - before.at > step * 1.5);
    path += `${joined ? "L" : "M"}${px(x(point.at))} ${px(y(point.value))}`;
    before = point;
  }
  return path;
}

function areaOf(points: { at: number; ends: [number | null, number | null] }[], x: Scale, y: Scale): string {
  const there = points.flatMap(({ at, ends: [low, high] }) => (low === null || high === null ? [] : [{ at, low, high }]));
  if (there.length === 0) return "";
  const over = there.map((point, i) => `${i === 0 ? "M" : "L"}${px(x(point.at))} ${px(y(point.high))}`).join("");
  const back = there.toReversed().map((point) => `L${px(x(point.at))} ${px(y(point.low))}`);
  return `${over}${back.join("")}Z`;
}

/** How dark a band is, from the widest on; each lies on the wider ones. */
export const shadeOf = (place: number, count: number): number => (count <= 1 ? 0.26 : 0.17 + (0.11 * place) / (count - 1));
/** How dark a level looks, the narrowest first: with all that lie below it. */
export function seenShade(level: number, count: number): number {
  let light = 1;
  for (let place = 0; place < count - level; place++) light *= 1 - shadeOf(place, count);
  return 1 - light;
}

/** A fan whose points stand on the moments they mean: of times between the first and the last of an origin only the distance is known,
 * and months and local days are not all as long. What has no moment is left out. */
export function ontoMoments(fan: Point[][], moments: number[]): Point[][] {
  const half = stepOf(moments) / 2;
  const there = moments.map((at) => ({ at }));
  return fan
    .map((points) =>
      points.flatMap((point) => {
        const at = there[nearestOf(there, point.at)]?.at;
        return at !== undefined && Math.abs(at - point.at) <= half ? [{ at, value: point.value }] : [];
      }),
    )
    .filter((points) => points.length > 0);
}

export const hasBefore = (data: BandData): boolean => (data.before ?? []).some((point) => point.value !== null);
