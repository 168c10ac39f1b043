import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connect, listen } from "./live";

class FakeSource extends EventTarget {
  static made: FakeSource[] = [];
  static CLOSED = 2;
  readyState = 1;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }
  close() {
    this.readyState = 2;
  }
  say(kind: string, data: string) {
    this.dispatchEvent(new MessageEvent(kind, { data }));
  }
}
const source = () => FakeSource.made.at(-1) as FakeSource;

describe("live events", () => {
  let client: QueryClient;
  let asked: unknown[];
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", FakeSource);
    FakeSource.made = [];
    client = new QueryClient();
    asked = [];
    vi.spyOn(client, "invalidateQueries").mockImplementation((filters) => {
      asked.push(filters?.queryKey);
      return Promise.resolve();
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("invalidates what an event is about and tells who listens", () => {
    const stop = connect(client);
    const heard = vi.fn();
    const leave = listen(heard);
    source().onopen?.();
    source().say("run", JSON.stringify({ event: "run_ended", run: "r-1", asset: null }));
    vi.advanceTimersByTime(2000);
    expect(asked).toContainEqual(["run", "r-1"]);
    expect(heard).toHaveBeenCalledOnce();
    leave();
    stop();
  });
  it("leaves out an event that it cannot read", () => {
    const stop = connect(client);
    source().say("run", "{");
    vi.advanceTimersByTime(2000);
    expect(asked).toEqual([]);
    stop();
  });
  it("opens again by itself after the browser gave up, and then asks for everything", () => {
    const stop = connect(client);
    source().onopen?.();
    source().readyState = 2;
    source().onerror?.();
    expect(FakeSource.made).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(FakeSource.made).toHaveLength(2);
    source().onopen?.();
    vi.advanceTimersByTime(2000);
    expect(asked).toEqual([[]]);
    stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.made).toHaveLength(2);
  });
});
