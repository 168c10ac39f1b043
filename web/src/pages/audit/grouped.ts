import type { AuditEntry } from "../../api/types";

/** Puts together what one person published between two other things they did; what has a reason stays alone. */
export function grouped(entries: AuditEntry[]): AuditEntry[][] {
  const groups: AuditEntry[][] = [];
  // The group that may still grow. What is held amid a run's publications does not end it.
  let open: AuditEntry[] | null = null;
  for (const entry of entries) {
    if (entry.action === "published" && !entry.why) {
      if (open?.[0]?.actor === entry.actor) open.push(entry);
      else groups.push((open = [entry]));
      continue;
    }
    groups.push([entry]);
    if (entry.action !== "held") open = null;
  }
  return groups;
}
