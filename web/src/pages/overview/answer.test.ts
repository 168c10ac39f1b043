import { describe, expect, it } from "vitest";
import type { AssetState, Overview } from "../../api/types";
import { answer } from "./answer";

const counts = (some: Partial<Record<AssetState, number>>): Overview["counts"] => ({
  held: 0,
  failing: 0,
  late: 0,
  behind: 0,
  never_built: 0,
  stale: 0,
  fresh: 0,
  inline: 0,
  ...some,
});
const of = (some: Partial<Overview>) =>
  answer({ assets: 3, counts: counts({ fresh: 3 }), held: [], failing: [], late: [], ...some });
const some = <T>(count: number) => Array.from({ length: count }, () => ({}) as T);

describe("is everything all right?", () => {
  it("yes", () =>
    expect(of({})).toMatchObject({
      tone: "good",
      sentence: "Everything is all right.",
      detail: "All 3 assets passed their gates.",
    }));
  it("yes, and something waits for a run", () =>
    expect(of({ counts: counts({ fresh: 1, stale: 1, never_built: 1 }) }).detail).toContain("2 assets wait for the next run"));
  it("not yet: nothing was built", () => expect(of({ counts: counts({ never_built: 3 }) }).tone).toBe("idle"));
  it("no: one thing", () =>
    expect(of({ held: some(1) })).toMatchObject({ tone: "held", sentence: "Not everything: 1 gate is held." }));
  it("no: several, the worst colours it", () =>
    expect(of({ held: some(2), failing: some(1), late: some(3), counts: counts({ behind: 4 }) })).toMatchObject({
      tone: "bad",
      sentence: "Not everything: 2 gates are held, 1 asset is failing and 3 assets are late.",
      detail: "Readers keep the last good version of each. 4 assets are behind.",
    }));
  it("no, when only the counts know of it", () =>
    expect(of({ counts: counts({ fresh: 2, late: 1 }) }).sentence).toBe("Not everything: 1 asset is late."));
  it("no: something is behind", () =>
    expect(of({ counts: counts({ fresh: 2, behind: 1 }) })).toMatchObject({
      tone: "info",
      sentence: "Not everything: 1 asset is behind.",
    }));
});
