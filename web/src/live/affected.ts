import type { LiveEvent } from "../api/types";

/** The first parts of the query keys that an event makes doubtful. See api/queries.ts for the keys. */
export function affectedBy(kind: string, event: Pick<LiveEvent, "run" | "asset">): string[][] {
  const keys: string[][] = [["overview"]];
  if (kind === "run" || kind === "task") {
    keys.push(["runs"], ["schedules"]);
    if (event.run) keys.push(["run", event.run]);
  }
  if (kind === "version" || kind === "gate") {
    keys.push(["assets"], ["gates"], ["audit"], ["lineage"], ["deliveries"]);
    if (event.asset) keys.push(["asset", event.asset], ["gate", event.asset]);
  }
  if (kind === "reload") return [[]]; // the project's files changed: everything
  return keys;
}

/** Collects keys and hands each over once: after `quietMs` without a new one, at the latest `mostMs` after the first. */
export class Collector {
  private keys = new Map<string, string[]>();
  private quiet: ReturnType<typeof setTimeout> | undefined;
  private latest: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly deliver: (keys: string[][]) => void,
    private readonly quietMs = 300,
    private readonly mostMs = 1500,
  ) {}

  add(keys: string[][]): void {
    for (const key of keys) this.keys.set(key.join("\n"), key);
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.flush(), this.quietMs);
    this.latest ??= setTimeout(() => this.flush(), this.mostMs);
  }

  flush(): void {
    this.stop();
    const keys = [...this.keys.values()];
    this.keys.clear();
    if (keys.length > 0) this.deliver(keys);
  }

  stop(): void {
    clearTimeout(this.quiet);
    clearTimeout(this.latest);
    this.quiet = this.latest = undefined;
  }
}
