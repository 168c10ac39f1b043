// Live events: they say what changed, the query library fetches it again. A lost connection comes back by itself, and
// EventSource then sends Last-Event-ID, so that the server can replay what was missed.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { LiveEvent } from "../api/types";
import { affectedBy, Collector } from "./affected";

export type LiveState = "connecting" | "live" | "reconnecting";
let state: LiveState = "connecting";
const watchers = new Set<() => void>();
function setState(next: LiveState) {
  state = next;
  for (const watcher of watchers) watcher();
}
const watch = (watcher: () => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};
export const useLiveState = (): LiveState => useSyncExternalStore(watch, () => state);

/** Events in the order they come, for pages that show them as they happen. */
type Listener = (kind: string, event: LiveEvent) => void;
const listeners = new Set<Listener>();
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

const KINDS = ["run", "task", "version", "gate", "reload"];

/** Opens the stream and keeps it open until the returned function is called. */
export function connect(client: QueryClient): () => void {
  const collector = new Collector((keys) => {
    for (const queryKey of keys) void client.invalidateQueries({ queryKey });
  });
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let waitMs = 1000;

  const open = () => {
    source = new EventSource("/api/v1/events");
    source.onopen = () => {
      // After a gap the replay may be incomplete (a restarted server keeps none), so everything on screen is asked for again.
      if (state === "reconnecting") collector.add([[]]);
      waitMs = 1000;
      setState("live");
    };
    source.onerror = () => {
      setState("reconnecting");
      // EventSource retries a broken connection, but gives up on an error status; then it is ours to try again.
      if (source?.readyState !== EventSource.CLOSED) return;
      clearTimeout(again);
      again = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 2, 30_000);
    };
    for (const kind of KINDS) source.addEventListener(kind, (message) => receive(kind, (message as MessageEvent<string>).data));
  };
  const receive = (kind: string, text: string) => {
    let event: LiveEvent;
    try {
      event = JSON.parse(text) as LiveEvent;
    } catch {
      return; // an event that cannot be read changes nothing that a later fetch would not show
    }
    collector.add(affectedBy(kind, event));
    for (const listener of listeners) listener(kind, event);
  };

  open();
  return () => {
    clearTimeout(again);
    collector.stop();
    source?.close();
  };
}
