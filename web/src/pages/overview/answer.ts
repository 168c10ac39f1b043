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
  const parts = [
    of.held.length > 0 && `${formatUnit(of.held.length, "gate is", "gates are")} held`,
    of.failing.length > 0 && `${formatUnit(of.failing.length, "asset is", "assets are")} failing`,
    of.late.length > 0 && `${formatUnit(of.late.length, "asset is", "assets are")} late`,
  ].filter((part) => part !== false);
  const behind = of.counts.behind ?? 0;
  const neverBuilt = of.counts.never_built ?? 0;
  if (parts.length > 0) {
    const list = parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
    const waiting = behind > 0 ? ` ${formatUnit(behind, "asset is", "assets are")} behind.` : "";
    return {
      tone: of.failing.length > 0 ? "bad" : of.held.length > 0 ? "held" : "warn",
      icon: of.held.length > 0 ? "gate" : of.failing.length > 0 ? "cross" : "clock",
      sentence: `Not everything: ${list}.`,
      detail: `Readers keep the last good version of each.${waiting}`,
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
