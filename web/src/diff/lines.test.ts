import { describe, expect, it } from "vitest";
import { diffLines, toHunks, type Line } from "./lines";

const text = (lines: Line[]) => lines.map((line) => ({ same: " ", added: "+", removed: "-" })[line.kind] + line.text);
/** What must hold for any two texts: the kept and removed lines are the old text, the kept and added ones the new. */
function holds(before: string, after: string) {
  const lines = diffLines(before, after);
  expect(
    lines
      .filter((line) => line.kind !== "added")
      .map((line) => line.text)
      .join("\n"),
  ).toBe(before.replace(/\n$/, ""));
  expect(
    lines
      .filter((line) => line.kind !== "removed")
      .map((line) => line.text)
      .join("\n"),
  ).toBe(after.replace(/\n$/, ""));
  lines.filter((line) => line.before !== null).forEach((line, i) => expect(line.before).toBe(i + 1));
  lines.filter((line) => line.after !== null).forEach((line, i) => expect(line.after).toBe(i + 1));
}

describe("line diff", () => {
  it("finds a changed line", () => expect(text(diffLines("a\nb\nc\n", "a\nx\nc\n"))).toEqual([" a", "-b", "+x", " c"]));
  it("finds an added end", () => expect(text(diffLines("a\n", "a\nb\n"))).toEqual([" a", "+b"]));
  it("takes an empty text as no lines", () => {
    expect(text(diffLines("", "a\nb"))).toEqual(["+a", "+b"]);
    expect(text(diffLines("a", ""))).toEqual(["-a"]);
    expect(diffLines("", "")).toEqual([]);
  });
  it("does not mind line ends of Windows", () => expect(text(diffLines("a\r\nb\r\n", "a\nb\n"))).toEqual([" a", " b"]));
  it("finds the shortest way", () => {
    const lines = diffLines("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc");
    expect(lines.filter((line) => line.kind !== "same")).toHaveLength(5); // Myers' own example
  });
  it("keeps both texts and their line numbers, whatever they are", () => {
    let seed = 7;
    const random = (most: number) => (seed = (seed * 16807) % 2147483647) % most;
    for (let round = 0; round < 200; round++) {
      const make = () => Array.from({ length: random(14) }, () => "abcd"[random(4)]).join("\n");
      holds(make(), make());
    }
  });
  it("stays quick when nothing is alike", () => {
    const many = (letter: string) => Array.from({ length: 3000 }, (_, i) => `${letter}${i}`).join("\n");
    holds(many("a"), many("b"));
  });
  it("folds equal stretches, but none of one line", () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    const after = before.with(10, "changed");
    const hunks = toHunks(diffLines(before.join("\n"), after.join("\n")), 3);
    expect(hunks.map((hunk) => ("skipped" in hunk ? hunk.skipped : hunk.lines.length))).toEqual([7, 8, 6]);
    const near = toHunks(diffLines(before.join("\n"), before.with(4, "changed").join("\n")), 3);
    expect("lines" in (near[0] ?? {})).toBe(true);
  });
});
