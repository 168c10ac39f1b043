import { describe, expect, it } from "vitest";
import { formatBytes, formatChange, formatCount, formatDecimal, formatShare, formatShort, formatUnit } from "./numbers";

describe("numbers", () => {
  it("groups digits", () => expect(formatCount(1234567)).toBe("1,234,567"));
  it.each([
    [0, "0"],
    [12, "12"],
    [1.23456, "1.23"],
    [0.12345, "0.123"],
    [1234.5, "1,235"],
    [0.00001, "1.00e-5"],
    [-2.5, "-2.5"],
  ])("writes %d as %s", (value, text) => expect(formatDecimal(value)).toBe(text));
  it("counts in the singular and the plural", () => {
    expect(formatUnit(1, "row")).toBe("1 row");
    expect(formatUnit(0, "row")).toBe("0 rows");
    expect(formatUnit(2, "asset is", "assets are")).toBe("2 assets are");
  });
  it.each([
    [999, "999"],
    [1200, "1.2 k"],
    [33_600_000, "33.6 M"],
    [-1500, "-1.5 k"],
  ])("shortens %d", (value, text) => expect(formatShort(value)).toBe(text));
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1 kB"],
    [9_812_331, "9.8 MB"],
    [204_800_000_000, "205 GB"],
  ])("gives %d bytes a unit", (value, text) => expect(formatBytes(value)).toBe(text));
  it("never rounds a share to nothing or to everything", () => {
    expect(formatShare(0)).toBe("0 %");
    expect(formatShare(0.0478)).toBe("4.78 %");
    expect(formatShare(0.0000358)).toBe("< 0.01 %");
    expect(formatShare(0.99999)).toBe("> 99.99 %");
    expect(formatShare(1)).toBe("100 %");
    expect(formatShare(1.5)).toBe("150 %");
  });
  it("says how much changed", () => {
    expect(formatChange(100, 100)).toBe("no change");
    expect(formatChange(1000, 1031)).toBe("+31 (+3.1 %)");
    expect(formatChange(336_776, 335_220)).toBe("−1,556 (−0.46 %)");
    expect(formatChange(0, 5)).toBe("+5");
  });
});
