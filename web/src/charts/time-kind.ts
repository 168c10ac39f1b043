/** `instant` has a zone and is told in UTC, `local` has none, `day` is a date, `integer` a bare number. */
export type TimeKind = "instant" | "local" | "day" | "integer";

export function kindOf(type: string): TimeKind {
  if (/^timestamptz/i.test(type)) return "instant";
  if (/^timestamp/i.test(type)) return "local";
  if (/^date/i.test(type)) return "day";
  return "integer";
}
