import { describe, expect, it } from "vitest";
import { formatDuration, formatLocal, formatRelative, formatStamp, formatUtc } from "./times";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

describe("times", () => {
  it.each([
    [2, "just now"],
    [12, "12 s ago"],
    [60, "1 min ago"],
    [3599, "59 min ago"],
    [3 * 3600, "3 h ago"],
    [47 * 3600, "47 h ago"],
    [49 * 3600, "2 d ago"],
    [40 * 86400, "40 d ago"],
    [70 * 86400, "2 months ago"],
    [800 * 86400, "2 years ago"],
    [-3 * 3600, "in 3 h"],
    [-30, "in 30 s"],
  ])("%d seconds before now is %s", (seconds, text) => expect(formatRelative(ago(seconds), NOW)).toBe(text));
  it("leaves what is no instant as it is", () => {
    expect(formatRelative("soon", NOW)).toBe("soon");
    expect(formatUtc("soon")).toBe("soon");
  });
  it("writes RFC 3339 without fractions", () => expect(formatUtc("2026-11-26T05:00:12.345Z")).toBe("2026-11-26T05:00:12Z"));
  it("names the reader's zone", () =>
    expect(formatLocal("2026-11-26T05:00:12Z", "Europe/Berlin")).toMatch(/26 Nov 2026.*06:00:12 (CET|GMT\+1)/));
  it("stamps in UTC", () => expect(formatStamp("2026-11-26T05:00:12Z")).toBe("26 Nov 05:00"));
  it.each([
    [0, "0 ms"],
    [840, "840 ms"],
    [12_440, "12.4 s"],
    [59_999, "59.9 s"],
    [60_000, "1 min"],
    [192_000, "3 min 12 s"],
    [7_500_000, "2 h 5 min"],
    [273_600_000, "3 d 4 h"],
  ])("%d ms last %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});
