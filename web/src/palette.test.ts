import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/tokens.css", "utf8");
type Tokens = Record<string, string>;
function block(selector: string): Tokens {
  const start = css.indexOf(`${selector} {`);
  const body = css.slice(start + selector.length + 2, css.indexOf("}", start));
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((match) => [match[1], match[2]?.trim()]));
}
const light = block(":root");
const dark = block(':root[data-theme="dark"]');
const darkBySystem = block(':root:not([data-theme="light"])');

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function luminance(hex: string | undefined): number {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex ?? "");
  if (!match) throw new Error(`no colour: ${hex}`);
  const [red, green, blue] = match.slice(1).map((part) => {
    const value = parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(a: string | undefined, b: string | undefined): number {
  const [high, low] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ["canvas", "surface", "sunken", "raised", "hover"];
const INKS = ["text", "text-2", "text-3", "accent", "good", "warn", "bad", "held", "info"];
const TONES = ["good", "warn", "bad", "held", "info", "idle"];
const CODE = ["code-keyword", "code-string", "code-number", "code-comment", "code-name"];

describe.each([
  ["light", light],
  ["dark", dark],
] as [string, Tokens][])("the %s palette", (_, tokens) => {
  const pairs = [
    ...GROUNDS.flatMap((ground) => INKS.map((ink) => [ink, ground])),
    ...TONES.map((tone) => [tone, `${tone}-soft`]),
    ...CODE.map((ink) => [ink, "surface"]),
    ["on-accent", "accent"],
    ["on-accent", "accent-hover"],
    ["accent", "accent-soft"],
    ["text", "accent-soft"],
    ["text", "good-soft"],
    ["text", "bad-soft"],
    ["text-2", "idle-soft"],
    ["text-3", "accent-soft"],
    ["canvas", "text"],
    ["text", "warn-soft"],
  ] as [string, string][];
  it.each(pairs)("%s on %s reads (4.5)", (ink, ground) =>
    expect(contrast(tokens[ink], tokens[ground])).toBeGreaterThanOrEqual(4.5),
  );
  it.each([
    ["focus", "canvas"],
    ["focus", "surface"],
    ["control-line", "surface"],
    ["series-1", "surface"],
    ["series-2", "surface"],
    ["series-3", "surface"],
    ["series-4", "surface"],
  ])("%s on %s is seen (3)", (mark, ground) => expect(contrast(tokens[mark], tokens[ground])).toBeGreaterThanOrEqual(3));
});

describe("the dark palette", () => {
  it("is the same by preference and by hand", () => expect(darkBySystem).toEqual(dark));
  it("replaces every colour of the light one", () => {
    const colours = Object.entries(light)
      .filter(([, value]) => /^(#|rgb)/.test(value))
      .map(([name]) => name);
    for (const name of colours) expect(dark).toHaveProperty(name);
  });
});
