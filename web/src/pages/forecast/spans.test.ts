import { describe, expect, it } from "vitest";
import { spansOf } from "./spans";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const times = (count: number, step: number) => Array.from({ length: count }, (_, i) => 1e12 + i * step);

describe("how much history is drawn", () => {
  it("is three horizons, and two weeks of hours to choose", () =>
    expect(spansOf(times(48, HOUR), "instant")).toEqual([
      { label: "6 days", from: 1e12 - 144 * HOUR, limit: 192 },
      { label: "2 weeks", from: 1e12 - 336 * HOUR, limit: 384 },
    ]));
  it("is at least two seasons", () => expect(spansOf(times(2, 7 * DAY), "day")[0]?.limit).toBe(106));
  it("is steps where time is counted", () =>
    expect(spansOf(times(12, 1), "integer")).toEqual([{ label: "36 steps", from: 1e12 - 36, limit: 48 }]));
  it("goes back to the first origin of the backtest, and a bit further", () => {
    const spans = spansOf(times(48, HOUR), "instant", 1e12 - 500 * HOUR);
    expect(spans.at(-1)).toEqual({ label: "Backtest", from: 1e12 - 548 * HOUR, limit: 596, tested: true });
  });
  it("is bounded", () => expect(spansOf(times(2000, HOUR), "instant").map((span) => span.limit)).toEqual([3500]));
  it("is something even for a single step", () => expect(spansOf([5], "integer")[0]?.label).toBe("24 steps"));
});
