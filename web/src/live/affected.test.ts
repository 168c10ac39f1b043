import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { affectedBy, Collector } from "./affected";

describe("what an event makes doubtful", () => {
  const none = { run: null, asset: null };
  it("a task: its run and the lists", () =>
    expect(affectedBy("task", { ...none, run: "r-1" })).toEqual([["overview"], ["runs"], ["schedules"], ["run", "r-1"]]));
  it("a gate: its asset, its gate, what shows states", () => {
    const keys = affectedBy("gate", { ...none, asset: "mart.daily" });
    expect(keys).toContainEqual(["gate", "mart.daily"]);
    expect(keys).toContainEqual(["asset", "mart.daily"]);
    expect(keys).toContainEqual(["assets"]);
    expect(keys).not.toContainEqual(["runs"]);
  });
  it("a reload: everything", () => expect(affectedBy("reload", none)).toEqual([[]]));
  it("an unknown kind: the overview alone", () => expect(affectedBy("weather", none)).toEqual([["overview"]]));
});

describe("the collector", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("hands each key over once, after a quiet moment", () => {
    const deliver = vi.fn();
    const collector = new Collector(deliver, 300, 1500);
    collector.add([["runs"], ["run", "1"]]);
    vi.advanceTimersByTime(200);
    collector.add([["runs"]]);
    vi.advanceTimersByTime(299);
    expect(deliver).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(deliver).toHaveBeenCalledExactlyOnceWith([["runs"], ["run", "1"]]);
    vi.advanceTimersByTime(5000);
    expect(deliver).toHaveBeenCalledTimes(1);
  });
  it("does not wait for ever while events keep coming", () => {
    const deliver = vi.fn();
    const collector = new Collector(deliver, 300, 1500);
    for (let i = 0; i < 20; i++) {
      collector.add([["runs"]]);
      vi.advanceTimersByTime(100);
    }
    expect(deliver).toHaveBeenCalledTimes(1);
  });
  it("delivers nothing after it was stopped", () => {
    const deliver = vi.fn();
    const collector = new Collector(deliver);
    collector.add([["runs"]]);
    collector.stop();
    vi.advanceTimersByTime(5000);
    expect(deliver).not.toHaveBeenCalled();
  });
});
