// Instants for people. The API speaks RFC 3339 in UTC; a page shows how long ago that was, and the exact time on hover or focus.
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "12 s ago", "3 h ago", "in 2 d". One unit, rounded down, so that "2 d ago" never means less than two days. */
export function formatRelative(at: string, nowMs: number): string {
  const distance = nowMs - Date.parse(at);
  if (Number.isNaN(distance)) return at;
  const size = Math.abs(distance);
  if (size < 5 * SECOND) return "just now";
  const words =
    size < MINUTE
      ? `${Math.floor(size / SECOND)} s`
      : size < HOUR
        ? `${Math.floor(size / MINUTE)} min`
        : size < 2 * DAY
          ? `${Math.floor(size / HOUR)} h`
          : size < 60 * DAY
            ? `${Math.floor(size / DAY)} d`
            : size < 730 * DAY
              ? `${Math.floor(size / (30 * DAY))} months`
              : `${Math.floor(size / (365 * DAY))} years`;
  return distance >= 0 ? `${words} ago` : `in ${words}`;
}

/** RFC 3339 in UTC to the second. */
export const formatUtc = (at: string): string => {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : time.toISOString().replace(/\.\d+Z$/, "Z");
};

/** The reader's own clock, with the zone named. */
export function formatLocal(at: string, timeZone?: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    timeZone,
  }).format(time);
}

/** Both, for the exact time behind a relative one. */
export const formatExact = (at: string): string => `${formatUtc(at)} · ${formatLocal(at)}`;

/** "840 ms", "12.4 s", "3 min 12 s", "2 h 5 min", "3 d 4 h". */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / 100) / 10} s`;
  const two = (large: number, largeUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
  if (ms < HOUR) return two(Math.floor(ms / MINUTE), "min", Math.floor((ms % MINUTE) / SECOND), "s");
  if (ms < DAY) return two(Math.floor(ms / HOUR), "h", Math.floor((ms % HOUR) / MINUTE), "min");
  return two(Math.floor(ms / DAY), "d", Math.floor((ms % DAY) / HOUR), "h");
}

/** A day and minute for axes and lists, in UTC: "26 Nov 05:00". */
export function formatStamp(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  const month = time.toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
  return `${time.getUTCDate()} ${month} ${time.toISOString().slice(11, 16)}`;
}
