// The states of things as marks: always an icon and a word, colour only supports them.
import { Icon, type IconName } from "../icons/icon";
import type { AssetState, CheckCounts, CheckState, Delivery, RunSummary, TaskState, VersionState } from "../api/types";
import "./state.css";

export type Tone = "good" | "warn" | "bad" | "held" | "info" | "idle";
interface Mark {
  word: string;
  icon: IconName;
  tone: Tone;
}
const mark = (word: string, icon: IconName, tone: Tone): Mark => ({ word, icon, tone });

export const ASSET_STATES: Record<AssetState, Mark> = {
  held: mark("held", "gate", "held"),
  failing: mark("failing", "cross", "bad"),
  late: mark("late", "clock", "warn"),
  behind: mark("behind", "behind", "info"),
  never_built: mark("never built", "empty", "idle"),
  stale: mark("stale", "stale", "idle"),
  fresh: mark("fresh", "check", "good"),
  inline: mark("inline", "inline", "idle"),
};
export const VERSION_STATES: Record<VersionState, Mark> = {
  staged: mark("staged", "running", "info"),
  publishing: mark("publishing", "running", "info"),
  published: mark("published", "check", "good"),
  held: mark("held", "gate", "held"),
  dismissed: mark("dismissed", "cross", "idle"),
  superseded: mark("superseded", "behind", "idle"),
  retracted: mark("retracted", "back", "warn"),
  expired: mark("expired", "empty", "idle"),
  failed: mark("failed", "cross", "bad"),
};
export const CHECK_STATES: Record<CheckState, Mark> = {
  passed: mark("passed", "check", "good"),
  warned: mark("warned", "warning", "warn"),
  known: mark("known failure", "bookmark", "info"),
  suppressed: mark("suppressed", "mute", "info"),
  failed: mark("failed", "cross", "bad"),
  errored: mark("errored", "warning", "bad"),
};
export const RUN_STATES: Record<RunSummary["state"], Mark> = {
  running: mark("running", "running", "info"),
  done: mark("done", "check", "good"),
  held: mark("held", "gate", "held"),
  failed: mark("failed", "cross", "bad"),
  interrupted: mark("interrupted", "stop", "warn"),
};
export const TASK_STATES: Record<TaskState, Mark> = {
  waiting: mark("waiting", "clock", "idle"),
  running: mark("running", "running", "info"),
  published: mark("published", "check", "good"),
  unchanged: mark("unchanged", "minus", "idle"),
  held: mark("held", "gate", "held"),
  failed: mark("failed", "cross", "bad"),
  skipped: mark("skipped", "behind", "idle"),
  interrupted: mark("interrupted", "stop", "warn"),
};
export const DELIVERY_STATES: Record<Delivery["state"], Mark> = {
  waiting: mark("waiting", "clock", "info"),
  sent: mark("sent", "check", "good"),
  given_up: mark("given up", "cross", "bad"),
};

export function StateMark({ of, small = false }: { of: Mark | undefined; small?: boolean }) {
  if (!of) return null;
  return (
    <span className={`mark tone-${of.tone}${small ? " small-mark" : ""}`}>
      <Icon name={of.icon} size={13} />
      {of.word}
    </span>
  );
}

/** "12 passed, 1 failed": only what is there, the worst first. */
export function CheckCountsView({ counts }: { counts: CheckCounts }) {
  const order: CheckState[] = ["errored", "failed", "warned", "suppressed", "known", "passed"];
  const there = order.filter((state) => counts[state] > 0);
  if (there.length === 0) return <span className="faint">no checks</span>;
  return (
    <span className="counts">
      {there.map((state) => (
        <span key={state} className={`count ink-${CHECK_STATES[state].tone}`}>
          <Icon name={CHECK_STATES[state].icon} size={13} />
          {counts[state]} {CHECK_STATES[state].word.replace(" failure", "")}
        </span>
      ))}
    </span>
  );
}
