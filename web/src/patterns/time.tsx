// Instants: relative to now, the exact time on hover and focus. The key `t` shows all of them exactly instead.
import { useSyncExternalStore } from "react";
import { formatDuration, formatExact, formatRelative, formatUtc } from "../format/times";
import "./time.css";

const clock = { nowMs: Date.now(), exact: false };
let shown = { ...clock };
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tell() {
  shown = { ...clock };
  for (const watcher of watchers) watcher();
}
// One timer for all instants on the page, none while there are none.
function watch(watcher: () => void) {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    clock.nowMs = Date.now();
    tell();
  }, 10_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
export function toggleExactTimes(): boolean {
  clock.exact = !clock.exact;
  tell();
  return clock.exact;
}
export const useNow = (): number => useSyncExternalStore(watch, () => shown).nowMs;

/** `focusable` gives the instant a tab stop; leave it out in long tables, where `t` does the same for all rows at once. */
export function Time({ at, focusable = false }: { at: string | null | undefined; focusable?: boolean }) {
  const { nowMs, exact } = useSyncExternalStore(watch, () => shown);
  if (!at) return <span className="faint">never</span>;
  const full = formatExact(at);
  return (
    <time
      dateTime={at}
      className="time"
      data-exact={full}
      tabIndex={focusable ? 0 : undefined}
      aria-label={focusable ? `${formatRelative(at, nowMs)}, ${full}` : undefined}
    >
      {exact ? formatUtc(at) : formatRelative(at, Math.max(nowMs, 0))}
    </time>
  );
}

/** How long something took, or has been taking since `from` while `to` is missing. */
export function Took({ from, to }: { from: string | null; to: string | null }) {
  const nowMs = useNow();
  if (!from) return <span className="faint">–</span>;
  return (
    <span className="num">
      {formatDuration(Math.max(0, (to ? Date.parse(to) : Math.max(nowMs, Date.parse(from))) - Date.parse(from)))}
    </span>
  );
}
