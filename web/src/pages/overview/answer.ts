import type { Overview } from "../../api/types";
import { formatUnit } from "../../format/numbers";
import type { IconName } from "../../icons/icon";
import type { Tone } from "../../patterns/state";

interface Answer {
  tone: Tone;
  icon: IconName;
  sentence: string;
  detail: string;
}
type Asked = Pick<Overview, "assets" | "counts" | "held" | "failing" | "late">;

/** One plain sentence about the whole project. The worst thing leads. */
export function answer(of: Asked): Answer {
  // The lists may be shortened and the counts may be a moment older: the larger says it, so that nothing wrong is called right.
  const held = Math.max(of.held.length, of.counts.held ?? 0);
  const failing = Math.max(of.failing.length, of.counts.failing ?? 0);
  const late = Math.max(of.late.length, of.counts.late ?? 0);
  const behind = of.counts.behind ?? 0;
  const neverBuilt = of.counts.never_built ?? 0;
  const parts = [
    held > 0 && `${formatUnit(held, "gate is", "gates are")} held`,
    failing > 0 && `${formatUnit(failing, "asset is", "assets are")} failing`,
    late > 0 && `${formatUnit(late, "asset is", "assets are")} late`,
  ].filter((part) => part !== false);
  if (parts.length > 0) {
    const list = parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
    const waiting = behind > 0 ? ` ${formatUnit(behind, "asset is", "assets are")} behind.` : "";
    return {
      tone: failing > 0 ? "bad" : held > 0 ? "held" : "warn",
      icon: held > 0 ? "gate" : failing > 0 ? "cross" : "clock",
      sentence: `Not everything: ${list}.`,
      detail: `Readers keep the last good version of each.${waiting}`,
    };
  }
  if (behind > 0) {
    return {
      tone: "info",
      icon: "behind",
      sentence: `Not everything: ${formatUnit(behind, "asset is", "assets are")} behind.`,
      detail: "Their inputs have no newer good version yet. Readers keep the last good version of each.",
    };
  }
  if (neverBuilt === of.assets) {
    return {
      tone: "idle",
      icon: "empty",
      sentence: "Nothing was built yet.",
      detail: "Type lockgate run, or start a run on the Runs page.",
    };
  }
  const stale = (of.counts.stale ?? 0) + neverBuilt;
  return {
    tone: "good",
    icon: "check",
    sentence: "Everything is all right.",
    detail:
      stale > 0
        ? `All that is published passed its gate. ${formatUnit(stale, "asset waits", "assets wait")} for the next run.`
        : `All ${formatUnit(of.assets, "asset")} passed their gates.`,
  };
}
