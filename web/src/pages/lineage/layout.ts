import { useEffect, useRef, useState } from "react";

export interface LayoutRequest {
  id: number;
  nodes: { name: string; width: number; height: number }[];
  edges: { from: string; to: string }[];
}
export interface LayoutAnswer {
  id: number;
  places: Record<string, { x: number; y: number }>;
}

/** The places of a graph's nodes, computed in a worker; the last answer stays until the next is there. */
export function useLayout(
  nodes: LayoutRequest["nodes"],
  edges: LayoutRequest["edges"],
): { places: LayoutAnswer["places"] | null; isWorking: boolean } {
  const worker = useRef<Worker>(null);
  const asked = useRef(0);
  const [answer, setAnswer] = useState<LayoutAnswer | null>(null);
  const [latest, setLatest] = useState(0);
  useEffect(() => {
    const made = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module", name: "lineage-layout" });
    made.onmessage = (message: MessageEvent<LayoutAnswer>) => {
      if (message.data.id === asked.current) setAnswer(message.data);
    };
    worker.current = made;
    return () => {
      made.terminate();
      worker.current = null;
    };
  }, []);
  useEffect(() => {
    asked.current += 1;
    worker.current?.postMessage({ id: asked.current, nodes, edges } satisfies LayoutRequest);
    setLatest(asked.current);
  }, [nodes, edges]);
  return { places: answer?.places ?? null, isWorking: answer?.id !== latest };
}
