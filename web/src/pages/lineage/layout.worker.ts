// Lays the graph out away from the page's own thread, so that it stays smooth while two thousand assets find their places.
import { Graph, layout } from "@dagrejs/dagre";
import { layered } from "./layered";
import type { LayoutAnswer, LayoutRequest } from "./layout";

/** dagre crosses fewer edges, but takes seconds for a thousand assets. */
const DAGRE_UP_TO = 250;

self.onmessage = (message: MessageEvent<LayoutRequest>) => {
  const { id, nodes, edges } = message.data;
  const places = nodes.length > DAGRE_UP_TO ? layered(nodes, edges) : dagre(nodes, edges);
  self.postMessage({ id, places } satisfies LayoutAnswer);
};

function dagre(nodes: LayoutRequest["nodes"], edges: LayoutRequest["edges"]): LayoutAnswer["places"] {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 90 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.name, { width: node.width, height: node.height });
  for (const edge of edges) graph.setEdge(edge.from, edge.to);
  layout(graph);
  const places: LayoutAnswer["places"] = {};
  for (const node of nodes) {
    const at = graph.node(node.name) as { x: number; y: number };
    places[node.name] = { x: at.x - node.width / 2, y: at.y - node.height / 2 };
  }
  return places;
}
