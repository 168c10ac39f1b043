// A line diff by Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986). Cost grows with
// (lines + lines) × differences; past MAX_EDITS the middle is given as removed and added whole, which is still true.
export interface Line {
  kind: "same" | "added" | "removed";
  text: string;
  before: number | null; // line numbers from 1
  after: number | null;
}
/** A run of lines to show, or the number of equal lines left out between two of them. */
export type Hunk = { lines: Line[] } | { skipped: number };

const MAX_EDITS = 1000;

export function diffLines(before: string, after: string): Line[] {
  const a = split(before);
  const b = split(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const lines: Line[] = [];
  for (let i = 0; i < start; i++) lines.push({ kind: "same", text: a[i] as string, before: i + 1, after: i + 1 });
  for (const step of middle(a.slice(start, endA), b.slice(start, endB))) {
    lines.push({ ...step, before: step.before && step.before + start, after: step.after && step.after + start });
  }
  for (let i = endA; i < a.length; i++)
    lines.push({ kind: "same", text: a[i] as string, before: i + 1, after: endB + (i - endA) + 1 });
  return lines;
}

/** Keeps `context` equal lines around each difference and folds the rest. */
export function toHunks(lines: Line[], context = 3): Hunk[] {
  const keep = new Array<boolean>(lines.length).fill(false);
  lines.forEach((line, i) => {
    if (line.kind === "same") return;
    for (let j = Math.max(0, i - context); j <= Math.min(lines.length - 1, i + context); j++) keep[j] = true;
  });
  const hunks: Hunk[] = [];
  let i = 0;
  while (i < lines.length) {
    let j = i;
    while (j < lines.length && keep[j] === keep[i]) j++;
    // A fold that hides one line costs as much room as the line.
    if (keep[i] || j - i === 1) {
      const last = hunks.at(-1);
      const shown = lines.slice(i, j);
      if (last && "lines" in last) last.lines.push(...shown);
      else hunks.push({ lines: shown });
    } else hunks.push({ skipped: j - i });
    i = j;
  }
  return hunks;
}

const split = (text: string): string[] => (text === "" ? [] : text.replace(/\r\n/g, "\n").replace(/\n$/, "").split("\n"));

function middle(a: string[], b: string[]): Line[] {
  const trace: Int32Array[] = [];
  const most = Math.min(a.length + b.length, MAX_EDITS);
  const offset = most + 1;
  const reach = new Int32Array(2 * most + 3);
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reach.slice());
    for (let k = -edits; k <= edits; k += 2) {
      const at = (diagonal: number) => reach[offset + diagonal] as number;
      let x = k === -edits || (k !== edits && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return backtrack(a, b, trace, edits, offset);
    }
  }
  return [
    ...a.map((text, i): Line => ({ kind: "removed", text, before: i + 1, after: null })),
    ...b.map((text, i): Line => ({ kind: "added", text, before: null, after: i + 1 })),
  ];
}

function backtrack(a: string[], b: string[], trace: Int32Array[], edits: number, offset: number): Line[] {
  const lines: Line[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = edits; d >= 0; d--) {
    const reach = trace[d] as Int32Array;
    const at = (diagonal: number) => reach[offset + diagonal] as number;
    const k = x - y;
    const previous = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(previous);
    const fromY = d === 0 ? 0 : fromX - previous;
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      lines.push({ kind: "same", text: a[x - 1] as string, before: x, after: y });
      x--;
      y--;
    }
    if (d > 0) {
      if (x === fromX) lines.push({ kind: "added", text: b[y - 1] as string, before: null, after: y });
      else lines.push({ kind: "removed", text: a[x - 1] as string, before: x, after: null });
      x = fromX;
      y = fromY;
    }
  }
  return lines.reverse();
}
