import {
  Background,
  Controls,
  Handle,
  MiniMap,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Edge,
  type Node,
  type NodeProps,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { memo, useEffect, useMemo } from "react";
import type { ColumnLineage, Lineage } from "../../api/types";
import { formatShort } from "../../format/numbers";
import { Icon } from "../../icons/icon";
import { NameText } from "../../patterns/name";
import { ASSET_STATES } from "../../patterns/state";
import { useLayout } from "./layout";
import "./graph.css";

type LineageNode = Lineage["nodes"][number];
type AssetNode = Node<{ node: LineageNode; columns: string[]; isFocus: boolean; onFocus: (name: string) => void }, "asset">;

const WIDTH = 236;
const HEAD = 54;
const COLUMN = 20;
/** Above this many assets the first view shows a part at a readable size instead of all of them as dust. */
const FIT_UP_TO = 120;
const FAR = 0.42;

interface GraphProps {
  lineage: Lineage;
  focus: string | null;
  chosen: string | null;
  onChoose: (name: string) => void;
  onFocus: (name: string) => void;
  columns: ColumnLineage["edges"] | null;
}

export default function Graph(props: GraphProps) {
  return (
    <ReactFlowProvider>
      <Flow {...props} />
    </ReactFlowProvider>
  );
}

function Flow({ lineage, focus, chosen, onChoose, onFocus, columns }: GraphProps) {
  const flow = useReactFlow();
  const columnsOf = useMemo(() => collect(columns), [columns]);
  const sizes = useMemo(
    () =>
      lineage.nodes.map((node) => ({
        name: node.name,
        width: WIDTH,
        height: HEAD + (columnsOf.get(node.name)?.length ?? 0) * COLUMN,
      })),
    [lineage.nodes, columnsOf],
  );
  const { places, isWorking } = useLayout(sizes, lineage.edges);
  const ready = places !== null && lineage.nodes.every((node) => places[node.name] !== undefined);
  const nodes = useMemo<AssetNode[]>(() => {
    if (!ready || !places) return [];
    return lineage.nodes.map((node, i) => ({
      id: node.name,
      type: "asset",
      position: places[node.name] as { x: number; y: number },
      width: WIDTH,
      height: sizes[i]?.height ?? HEAD,
      selected: node.name === chosen,
      ariaLabel: `${node.name}, ${ASSET_STATES[node.state].word}`,
      data: { node, columns: columnsOf.get(node.name) ?? [], isFocus: node.name === focus, onFocus },
    }));
  }, [ready, places, lineage.nodes, sizes, chosen, columnsOf, focus, onFocus]);
  const edges = useMemo<Edge[]>(() => edgesOf(lineage, columns, chosen), [lineage, columns, chosen]);

  const drawn = nodes.length > 0;
  useEffect(() => {
    if (!drawn) return;
    const wanted = chosen ?? focus ?? firstToSee(lineage);
    const place = wanted ? places?.[wanted] : undefined;
    // React Flow measures its frame after it is mounted; a view set before that would be thrown away.
    const frame = requestAnimationFrame(() => {
      if (lineage.nodes.length <= FIT_UP_TO) void flow.fitView({ padding: 0.08, maxZoom: 1.1 });
      else if (place) void flow.setCenter(place.x + WIDTH / 2, place.y + HEAD / 2, { zoom: 0.75 });
    });
    return () => cancelAnimationFrame(frame);
    // Only a new layout moves the view by itself.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [drawn, places]);
  useEffect(() => {
    const place = chosen ? places?.[chosen] : undefined;
    if (place && lineage.nodes.length > FIT_UP_TO)
      void flow.setCenter(place.x + WIDTH / 2, place.y + HEAD / 2, { zoom: Math.max(0.6, flow.getZoom()), duration: 200 });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [chosen]);

  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      onlyRenderVisibleElements
      nodesDraggable={false}
      nodesConnectable={false}
      edgesFocusable={false}
      minZoom={0.04}
      maxZoom={1.6}
      onNodeClick={(_, node) => onChoose(node.id)}
      onNodeDoubleClick={(_, node) => onFocus(node.id)}
      zoomOnDoubleClick={false}
      proOptions={{ hideAttribution: true }}
      aria-label="Lineage graph; the list beside it holds the same assets"
    >
      <Distance />
      <Background gap={26} size={1} color="var(--line)" />
      <Controls showInteractive={false} />
      {lineage.nodes.length > 25 && (
        <MiniMap
          pannable
          zoomable
          nodeColor={(node) => MINI[(node as AssetNode).data.node.state] ?? "var(--line-strong)"}
          maskColor="var(--shade)"
          bgColor="var(--sunken)"
          ariaLabel="Overview of the graph"
        />
      )}
      {isWorking && (
        <p className="graph-working" role="status">
          Laying out {lineage.nodes.length} assets …
        </p>
      )}
    </ReactFlow>
  );
}

const MINI: Record<string, string> = { held: "var(--held)", failing: "var(--bad)", late: "var(--warn)", behind: "var(--info)" };

/** Marks the frame while it is zoomed far out, where css then leaves the small print away. */
function Distance() {
  const far = useStore((store) => store.transform[2] < FAR);
  const frame = useStore((store) => store.domNode);
  useEffect(() => {
    frame?.classList.toggle("far", far);
  }, [far, frame]);
  return null;
}

const AssetCard = memo(function AssetCard({ data, selected }: NodeProps<AssetNode>) {
  const { node, columns, isFocus } = data;
  const mark = ASSET_STATES[node.state];
  return (
    <div className={`asset-node${selected ? " chosen" : ""}${isFocus ? " focus" : ""} state-${node.state}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div className="asset-node-name">
        <NameText name={node.name} />
      </div>
      <div className="asset-node-facts">
        <span className={`ink-${mark.tone}`}>
          <Icon name={mark.icon} size={12} /> {mark.word}
        </span>
        <span>{node.rows === null ? node.kind : `${formatShort(node.rows)} rows`}</span>
      </div>
      {columns.length > 0 && (
        <ul>
          {columns.map((column) => (
            <li key={column}>
              <Handle type="target" id={column} position={Position.Left} isConnectable={false} />
              <code>{column}</code>
              <Handle type="source" id={column} position={Position.Right} isConnectable={false} />
            </li>
          ))}
        </ul>
      )}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
});
const NODE_TYPES = { asset: AssetCard };

/** The columns that take part in an edge, per asset. */
function collect(edges: ColumnLineage["edges"] | null): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const edge of edges ?? []) {
    for (const end of [edge.from, edge.to]) {
      const columns = found.get(end.asset) ?? new Set();
      found.set(end.asset, columns.add(end.column));
    }
  }
  return new Map([...found].map(([name, columns]) => [name, [...columns]]));
}

function edgesOf(lineage: Lineage, columns: ColumnLineage["edges"] | null, chosen: string | null): Edge[] {
  const classOf = (from: string, to: string, kind: string) =>
    `${kind === "check" ? "check-edge" : ""}${from === chosen || to === chosen ? " near" : ""}`;
  const traced = new Set(columns?.map((edge) => `${edge.from.asset} ${edge.to.asset}`));
  const plain = lineage.edges
    .filter((edge) => edge.kind === "check" || !traced.has(`${edge.from} ${edge.to}`))
    .map((edge): Edge => ({
      id: `${edge.kind} ${edge.from} ${edge.to}`,
      source: edge.from,
      target: edge.to,
      className: classOf(edge.from, edge.to, edge.kind),
    }));
  const fine = (columns ?? []).map((edge): Edge => ({
    id: `column ${edge.from.asset}.${edge.from.column} ${edge.to.asset}.${edge.to.column}`,
    source: edge.from.asset,
    sourceHandle: edge.from.column,
    target: edge.to.asset,
    targetHandle: edge.to.column,
    className: `column-edge${edge.from.asset === chosen || edge.to.asset === chosen ? " near" : ""}`,
  }));
  return [...plain, ...fine];
}

const firstToSee = (lineage: Lineage): string | undefined =>
  (["held", "failing", "late"] as const).map((state) => lineage.nodes.find((node) => node.state === state)?.name).find(Boolean) ??
  lineage.nodes[0]?.name;
