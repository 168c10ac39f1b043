// A layered layout for large graphs, where dagre takes seconds: ranks by longest path, order within a rank by the mean place of
// the neighbours (Sugiyama's barycentre method), places by the same mean without overlap. Cost: sweeps × (nodes × log + edges).
import type { LayoutAnswer, LayoutRequest } from "./layout";

const RANK_GAP = 110;
const NODE_GAP = 18;
const SWEEPS = 6;

export function layered(nodes: LayoutRequest["nodes"], edges: LayoutRequest["edges"]): LayoutAnswer["places"] {
  const index = new Map(nodes.map((node, i) => [node.name, i]));
  const inputs: number[][] = nodes.map(() => []);
  const readers: number[][] = nodes.map(() => []);
  for (const edge of edges) {
    const from = index.get(edge.from);
    const to = index.get(edge.to);
    if (from === undefined || to === undefined || from === to) continue;
    inputs[to]?.push(from);
    readers[from]?.push(to);
  }
  const rankOf = ranks(inputs, readers);
  const layers: number[][] = [];
  rankOf.forEach((rank, node) => (layers[rank] ??= []).push(node));

  const centre = new Float64Array(nodes.length);
  const heightOf = (node: number) => nodes[node]?.height ?? 0;
  for (const layer of layers) place(layer, centre, heightOf, (_, i) => i);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) {
      const near = down ? inputs : readers;
      const wanted = new Map(layer.map((node) => [node, mean(near[node] ?? [], centre) ?? (centre[node] as number)]));
      layer.sort((a, b) => (wanted.get(a) as number) - (wanted.get(b) as number));
      place(layer, centre, heightOf, (node) => wanted.get(node) as number);
    }
  }
  const places: LayoutAnswer["places"] = {};
  nodes.forEach((node, i) => {
    places[node.name] = { x: (rankOf[i] as number) * (node.width + RANK_GAP), y: (centre[i] as number) - node.height / 2 };
  });
  return places;
}

/** The longest way from a node without inputs. A cycle, which no valid project has, is left at the rank it was reached with. */
function ranks(inputs: number[][], readers: number[][]): number[] {
  const rank = new Array<number>(inputs.length).fill(0);
  const open = inputs.map((list) => list.length);
  const ready = open.flatMap((count, node) => (count === 0 ? [node] : []));
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    for (const reader of readers[node] ?? []) {
      rank[reader] = Math.max(rank[reader] as number, (rank[node] as number) + 1);
      open[reader] = (open[reader] as number) - 1;
      if (open[reader] === 0) ready.push(reader);
    }
  }
  return rank;
}

function mean(nodes: number[], centre: Float64Array): number | null {
  if (nodes.length === 0) return null;
  return nodes.reduce((sum, node) => sum + (centre[node] as number), 0) / nodes.length;
}

/** Puts a layer's nodes, in their order, as near to where they want to be as their heights allow, and centres the whole on it. */
function place(
  layer: number[],
  centre: Float64Array,
  heightOf: (node: number) => number,
  wanted: (node: number, i: number) => number,
): void {
  let edge = -Infinity;
  let drift = 0;
  layer.forEach((node, i) => {
    const half = heightOf(node) / 2;
    const at = Math.max(wanted(node, i), edge + half);
    drift += at - wanted(node, i);
    centre[node] = at;
    edge = at + half + NODE_GAP;
  });
  // Pushing only downwards would make the layer slide; it is moved back by the mean.
  const back = drift / Math.max(1, layer.length);
  for (const node of layer) centre[node] = (centre[node] as number) - back;
}
