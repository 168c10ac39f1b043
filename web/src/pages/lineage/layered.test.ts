import { describe, expect, it } from "vitest";
import { layered } from "./layered";

const node = (name: string, height = 50) => ({ name, width: 200, height });
const edge = (from: string, to: string) => ({ from, to });

describe("the layered layout", () => {
  it("puts every asset to the right of its inputs", () => {
    const edges = [edge("a", "b"), edge("b", "c"), edge("a", "c"), edge("x", "c")];
    const places = layered(
      ["a", "b", "c", "x"].map((name) => node(name)),
      edges,
    );
    for (const { from, to } of edges) expect(places[from]?.x).toBeLessThan(places[to]?.x ?? 0);
  });
  it("lets no two assets overlap", () => {
    const nodes = Array.from({ length: 300 }, (_, i) => node(`n${i}`, 40 + (i % 5) * 20));
    const edges = nodes.slice(60).map((one, i) => edge(`n${(i * 7) % 60}`, one.name));
    const places = layered(nodes, edges);
    const byRank = new Map<number, typeof nodes>();
    for (const one of nodes) byRank.set(places[one.name]?.x ?? 0, [...(byRank.get(places[one.name]?.x ?? 0) ?? []), one]);
    for (const rank of byRank.values()) {
      const sorted = rank.map((one) => ({ top: places[one.name]?.y ?? 0, height: one.height })).toSorted((a, b) => a.top - b.top);
      sorted
        .slice(1)
        .forEach((one, i) => expect(one.top).toBeGreaterThanOrEqual((sorted[i]?.top ?? 0) + (sorted[i]?.height ?? 0)));
    }
  });
  it("places what it is given and nothing else, also around a cycle or an unknown end", () => {
    const places = layered([node("a"), node("b")], [edge("a", "b"), edge("b", "a"), edge("a", "a"), edge("gone", "a")]);
    expect(Object.keys(places)).toEqual(["a", "b"]);
    for (const place of Object.values(places)) expect(Number.isFinite(place.x + place.y)).toBe(true);
    expect(layered([], [])).toEqual({});
  });
  it("takes well under a second for two thousand assets", () => {
    const nodes = Array.from({ length: 2000 }, (_, i) => node(`n${i}`));
    const edges = nodes.slice(400).flatMap((one, i) => [edge(`n${i}`, one.name), edge(`n${Math.max(0, i - 3)}`, one.name)]);
    const start = performance.now();
    layered(nodes, edges);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
