// An event's own fields as a person reads them: numbers with units, counts of checks, reasons as sentences.
import { formatBytes, formatCount, formatUnit } from "../../format/numbers";
import { formatDuration } from "../../format/times";

export const inWords = (data: Record<string, unknown>): string =>
  Object.entries(data)
    .flatMap(([key, value]) => word(key, value) ?? [])
    .join(", ");

function word(key: string, value: unknown): string | null {
  if (value === null || value === false || value === "") return null;
  const name = key.replaceAll("_", " ");
  if (typeof value === "number") {
    if (key === "rows") return formatUnit(value, "row");
    if (key === "rejected_rows") return value > 0 ? `${formatUnit(value, "row")} rejected` : null;
    if (key === "build_ms") return `${formatDuration(value)} staging`;
    if (key === "audit_ms") return `${formatDuration(value)} auditing`;
    if (key.endsWith("_ms")) return `${name.slice(0, -3)} ${formatDuration(value)}`;
    if (key.endsWith("_bytes")) return formatBytes(value);
    if (key === "attempt") return value > 1 ? `attempt ${value}` : null;
    return `${name} ${formatCount(value)}`;
  }
  if (value === true) return name;
  if (typeof value === "string") return key === "message" || key === "why" ? value : `${name} ${value}`;
  if (Array.isArray(value)) {
    if (value.length === 0) return null;
    const items = value.map(item);
    if (key === "reasons") return items.join("; ");
    return items.length > 3 ? `${formatCount(items.length)} ${name}` : `${name} ${items.join(", ")}`;
  }
  if (key === "checks" || key === "tasks") {
    const counts = Object.entries(value as object).filter(([, count]) => count !== 0);
    return counts.map(([state, count]) => `${count} ${state}`).join(", ") || null;
  }
  return `${name} ${JSON.stringify(value)}`;
}

/** One of a list: a text, or a reason such as { reason: "input_runs", input: "raw.flights" }. */
function item(one: unknown): string {
  if (typeof one !== "object" || one === null) return String(one);
  const { reason, why, ...rest } = one as Record<string, unknown>;
  if (typeof why === "string") return why;
  const words = Object.values(rest).map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value)));
  return [typeof reason === "string" ? reason.replaceAll("_", " ") : "", ...words].filter(Boolean).join(" ");
}
