import { beforeEach, describe, expect, it } from "vitest";
import { guessAxes, thin } from "./chart-data";
import { readHistory, remember } from "./history";
import { queryHash, queryOf } from "./share";

describe("the link", () => {
  it("brings a query back as it was", () => {
    const sql = "select '100%', \"ä\" -- #1\nfrom raw.flights";
    expect(queryOf(queryHash(sql))).toBe(sql);
  });
  it("is no query when it is something else or cut off", () => {
    expect(queryOf("#other")).toBeNull();
    expect(queryOf("#sql=%E0%A4%A")).toBeNull();
  });
});

describe("the history", () => {
  beforeEach(() => localStorage.clear());
  it("keeps the newest first, each once", () => {
    ["a", "b", "a"].forEach(remember);
    expect(readHistory().map((past) => past.sql)).toEqual(["a", "b"]);
  });
  it("is empty when the storage holds something else", () => {
    localStorage.setItem("lockgate.queries", '{"sql": 1}');
    expect(readHistory()).toEqual([]);
    localStorage.setItem("lockgate.queries", "[");
    expect(readHistory()).toEqual([]);
  });
});

describe("the chart", () => {
  const column = (name: string, type: string) => ({ name, type });
  it("is drawn along time first, then text", () => {
    expect(guessAxes([column("n", "bigint"), column("carrier", "string"), column("at", "timestamp")])).toEqual({ x: 2, y: [0] });
    expect(guessAxes([column("n", "bigint"), column("carrier", "string")])).toEqual({ x: 1, y: [0] });
  });
  it("needs a number beside it", () => {
    expect(guessAxes([column("carrier", "string")])).toBeNull();
    expect(guessAxes([column("n", "bigint")])).toBeNull();
    expect(guessAxes([])).toBeNull();
  });
  it("thins evenly from the first row on", () => {
    const rows = Array.from({ length: 10 }, (_, i) => i);
    expect(thin(rows, 5)).toEqual([0, 2, 4, 6, 8]);
    expect(thin(rows, 20)).toBe(rows);
  });
});
