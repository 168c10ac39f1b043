import { describe, expect, it } from "vitest";
import { bandSvg, fileNameOf } from "./band-svg";
import { layout, lineOf, momentsOf, nearestOf, ontoMoments, type BandData } from "./bands";

const HOUR = 3_600_000;
const START = Date.parse("2013-12-31T00:00:00Z");
const data: BandData = {
  kind: "instant",
  history: [0, 1, 2, 4].map((i) => ({ at: START + i * HOUR, value: 10 + i })),
  forecast: [3, 4, 5].map((i) => ({
    at: START + i * HOUR,
    value: 20,
    bands: [
      [18, 22],
      [15, i === 5 ? null : 25],
    ],
  })),
  before: [{ at: START + 3 * HOUR, value: 19 }],
  levels: ["80", "95"],
};
const frame = { width: 600, height: 300, left: 50, right: 10, top: 10, bottom: 20 };

describe("the layout", () => {
  it("knows every time once, with what was forecast and what came", () => {
    const moments = momentsOf(data);
    expect(moments.map((moment) => (moment.at - START) / HOUR)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(moments[4]).toMatchObject({ actual: 14, expected: { value: 20 }, before: null });
    expect(moments[3]).toMatchObject({ actual: null, before: 19 });
    expect(moments[2]?.expected).toBeNull();
  });
  it("keeps everything inside its frame", () => {
    const of = layout(data, frame);
    const numbers =
      [of.past, of.since, of.forecast, ...of.bands.map((band) => band.path)].join(" ").match(/[ML]?(-?[\d.]+) (-?[\d.]+)/g) ?? [];
    expect(numbers.length).toBeGreaterThan(8);
    for (const pair of numbers) {
      const [x, y] = pair.replace(/^[ML]/, "").split(" ").map(Number) as [number, number];
      expect(x).toBeGreaterThanOrEqual(frame.left);
      expect(x).toBeLessThanOrEqual(frame.width - frame.right);
      expect(y).toBeGreaterThanOrEqual(frame.top);
      expect(y).toBeLessThanOrEqual(frame.height - frame.bottom);
    }
  });
  it("draws the widest band first", () => expect(layout(data, frame).bands.map((band) => band.level)).toEqual(["95", "80"]));
  it("does without a history, and without anything", () => {
    expect(layout({ ...data, history: [] }, frame).past).toBe("");
    expect(layout({ ...data, history: [], forecast: [] }, frame).begin).toBeNull();
  });
});

it("a line stops at what is missing", () => {
  const points = [0, 1, 2, 5, 6].map((at) => ({ at, value: at === 1 ? null : at }));
  expect(
    lineOf(
      points,
      (x) => x,
      (y) => y,
      1,
    ),
  ).toBe("M0.0 0.0M2.0 2.0M5.0 5.0L6.0 6.0");
});
it("the nearest moment is found", () => {
  const moments = [0, 10, 20, 40].map((at) => ({ at }));
  expect([-5, 4, 6, 29, 31, 99].map((at) => nearestOf(moments, at))).toEqual([0, 0, 1, 2, 3, 3]);
  expect(nearestOf([], 3)).toBe(0);
});

describe("the backtest's fan", () => {
  const moments = [0, 31, 59, 90, 120];
  it("stands on the months it means", () =>
    expect(ontoMoments([[0, 30, 60, 90].map((at) => ({ at, value: at }))], moments)).toEqual([
      [0, 31, 59, 90].map((at, i) => ({ at, value: i * 30 })),
    ]));
  it("is left out where no history is drawn", () => expect(ontoMoments([[{ at: -90, value: 1 }]], moments)).toEqual([]));
  it("is told from low to high at each moment", () => {
    const history = moments.map((at) => ({ at, value: at }));
    const fan = [[{ at: 31, value: 7 }], [{ at: 31, value: 9 }]];
    expect(momentsOf({ ...data, history, forecast: [], before: [], fan }).map((moment) => moment.tested)).toEqual([
      ...[[], [7, 9], [], [], []],
    ]);
  });
});

describe("the file", () => {
  const told = { title: 'a<b & "c"', subtitle: "48 steps", xLabel: "hour_at (UTC)", yLabel: "departed" };
  const svg = bandSvg(data, told, (token) => `#${token.length}${token.length}${token.length}`);
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
  it("is well formed, with title, axes and legend as text", () => {
    expect(parsed.querySelector("parsererror")).toBeNull();
    expect(parsed.querySelector("title")?.textContent).toBe('a<b & "c"');
    for (const words of [
      "48 steps",
      "hour_at (UTC)",
      "departed",
      "history",
      "forecast",
      "80 %",
      "95 %",
      "forecast before",
      "came since",
    ])
      expect([...parsed.querySelectorAll("text")].map((text) => text.textContent)).toContain(words);
  });
  it("needs nothing outside itself", () => {
    expect(svg).not.toMatch(/var\(|class=|<style|url\(|href=|undefined|NaN/);
    expect(svg.match(/(?:https?:)?\/\/[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
  });
  it("is named after asset and series, whatever they are called", () => {
    expect(fileNameOf("forecast.departures", ["JFK", "B6"])).toBe("forecast.departures-JFK-B6.svg");
    expect(fileNameOf("f.d", ["a/../b c", null, "Zürich"])).toBe("f.d-a_.._b_c-null-Zürich.svg");
  });
});
