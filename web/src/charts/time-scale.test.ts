import { describe, expect, it } from "vitest";
import { kindOf } from "./time-kind";
import { seasonsOf, stepOf, tellSpan, tellTime, textOfTime, timeOf, timeTicks } from "./time-scale";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string) => Date.parse(text);

describe("a time", () => {
  it.each([
    ["timestamptz", "instant", "2013-12-31T05:00:00Z", "Tue 31 Dec 2013, 05:00 UTC", "2013-12-31T05:00:00.000Z"],
    ["timestamp", "local", "2013-12-31 05:00:00", "Tue 31 Dec 2013, 05:00", "2013-12-31 05:00:00.000"],
    ["date", "day", "2013-12-31", "Tue 31 Dec 2013", "2013-12-31"],
    ["bigint", "integer", 41, "41", "41"],
  ] as const)("of type %s is read, told and written", (type, kind, value, told, written) => {
    expect(kindOf(type)).toBe(kind);
    const time = timeOf(value, kind);
    expect(tellTime(time, kind)).toBe(told);
    expect(textOfTime(time, kind)).toBe(written);
  });
  it("that is missing is no number", () => expect(timeOf(null, "instant")).toBeNaN());
});

describe("ticks", () => {
  const labels = (from: string, to: string, most: number, kind: "instant" | "day" = "instant") =>
    timeTicks(at(from), at(to), most, kind).map((tick) => tick.label);
  it("are hours within a day, and its start is a date", () =>
    expect(labels("2013-12-30T20:00:00Z", "2013-12-31T10:00:00Z", 6)).toEqual(["21:00", "31 Dec", "03:00", "06:00", "09:00"]));
  it("are Mondays over some weeks", () =>
    expect(labels("2013-12-01T00:00:00Z", "2013-12-31T00:00:00Z", 6)).toEqual(["2 Dec", "9 Dec", "16 Dec", "23 Dec", "30 Dec"]));
  it("are months over a year, and January is the year", () =>
    expect(labels("2013-07-10T00:00:00Z", "2014-06-01T00:00:00Z", 6, "day")).toEqual(["Sep", "Nov", "2014", "Mar", "May"]));
  it("are years over decades", () =>
    expect(labels("1990-03-01T00:00:00Z", "2014-06-01T00:00:00Z", 6, "day")).toEqual(["1995", "2000", "2005", "2010"]));
  it("of integers are whole", () => expect(timeTicks(1, 4, 8, "integer").map((tick) => tick.at)).toEqual([1, 2, 3, 4]));
  it("are never more than there is room for", () => {
    for (let days = 1; days < 3000; days += 7)
      expect(timeTicks(0, days * DAY, 7, "instant").length, `${days} days`).toBeLessThanOrEqual(8);
  });
});

describe("step and season", () => {
  it("is the distance that is there most often", () => {
    expect(stepOf([0, 1, 2, 5, 6])).toBe(1);
    expect(stepOf([3])).toBeNaN();
  });
  it.each([
    [HOUR, [24, 168]],
    [HOUR / 4, [96, 672]],
    [HOUR / 12, [12, 288]],
    [DAY, [7]],
    [7 * DAY, [52]],
    [31 * DAY, [12]],
    [91 * DAY, [4]],
    [365 * DAY, []],
  ])("a step of %d ms has seasons of %j steps", (step, seasons) => expect(seasonsOf(step, "instant")).toEqual(seasons));
  it("integers have no season", () => expect(seasonsOf(1, "integer")).toEqual([]));
  it.each([
    [6 * DAY, "6 days"],
    [14 * DAY, "2 weeks"],
    [36 * 30.44 * DAY, "3 years"],
    [HOUR, "1 hour"],
    [90_000, "90 seconds"],
  ])("%d ms are told as %s", (ms, words) => expect(tellSpan(ms)).toBe(words));
});
