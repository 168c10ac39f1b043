import { describe, expect, it } from "vitest";
import { assetOf, NEW, OLD } from "./example";
import { keptKeys, leafName, shapeOf, valueOf, type History, type Shape } from "./shape";

describe("the shape of a forecast", () => {
  it("is read from its columns and their lineage", () => {
    const shape = shapeOf(assetOf(OLD));
    expect(shape).toMatchObject({
      version: 7,
      keys: [
        { name: "origin", type: "string" },
        { name: "carrier", type: "string" },
      ],
      time: { name: "hour_at", kind: "instant" },
      levels: [{ id: "80", label: "80 %", percent: 80 }, { id: "95" }],
      scoredLevels: [],
      parts: ["level", "trend", "season", "known", "rest"],
      history: { asset: "mart.departures_hourly", candidates: ["departed"] },
      hasSums: false,
    });
    expect(shape?.has("steady")).toBe(false);
  });
  it("has what newer versions record", () => {
    const shape = shapeOf(assetOf(NEW));
    expect(shape?.scoredLevels.map((level) => level.id)).toEqual(["80", "95"]);
    expect(shape?.has("scored_error") && shape.has("steady") && shape.has("fitted_at")).toBe(true);
  });
  it("may be one series, and have other levels", () => {
    const shape = shapeOf(assetOf("hour_at forecast lo_99_5 hi_99_5 lo_50 hi_50 model class", ["hour_at", "sold"]));
    expect(shape?.keys).toEqual([]);
    expect(shape?.levels.map((level) => level.label)).toEqual(["50 %", "99.5 %"]);
    expect(shape?.history?.candidates).toEqual(["sold"]);
  });
  it("has sums beside the series", () => {
    const shape = shapeOf(assetOf(`${NEW} hierarchy`)) as Shape;
    expect(shape.hasSums).toBe(true);
    expect(leafName(shape)).toBe("origin, carrier");
    expect([null, "total", "origin", "carrier"].map((sum) => keptKeys(shape, sum))).toEqual([
      ...[
        [true, true],
        [false, false],
        [true, false],
        [false, true],
      ],
    ]);
  });
  it("leaves the value to the file where lineage names more, and to nobody where it names nothing", () => {
    const history = shapeOf(assetOf(OLD, ["origin", "carrier", "hour_at", "departed", "weather"]))?.history as History;
    expect(history.candidates).toEqual(["departed", "weather"]);
    expect(valueOf(history, "of: a.b\nvalue: weather # measured\n")).toBe("weather");
    expect(valueOf(history, 'value: "departed"')).toBe("departed");
    expect(valueOf(history, "  value: weather")).toBeNull();
    expect(valueOf(history, "value: other")).toBeNull();
    expect(valueOf(history, undefined)).toBeNull();
    expect(shapeOf(assetOf(OLD, []))?.history).toBeNull();
  });
  it("is none without a version or without a forecast", () => {
    expect(shapeOf(assetOf(OLD, [], null))).toBeNull();
    expect(shapeOf(assetOf("origin departed"))).toBeNull();
    expect(shapeOf(assetOf("forecast"))).toBeNull();
  });
});
