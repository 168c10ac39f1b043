// Numbers for people: grouped digits, a unit on each. All are pure; locale is fixed so that a shared screen reads the same for all.
const grouped = new Intl.NumberFormat("en-US");
const decimals = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }));

export const formatCount = (value: number): string => grouped.format(value);

/** A decimal number with as many digits as it needs to be told from its neighbours, never more than three after the point. */
export function formatDecimal(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e15)) return value.toExponential(2);
  const digits = size >= 1000 || Number.isInteger(value) ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return (decimals[digits] as Intl.NumberFormat).format(value);
}

/** "1 row", "2,000 rows". */
export const formatUnit = (value: number, unit: string, plural = `${unit}s`): string =>
  `${formatCount(value)} ${value === 1 ? unit : plural}`;

/** Short for axes and tight places: 950, 1.2 k, 33.6 M. */
export function formatShort(value: number): string {
  const size = Math.abs(value);
  for (const [limit, letter] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= limit) return `${trim(value / limit)} ${letter}`;
  }
  return formatDecimal(value);
}

/** Decimal units: 1 kB is 1,000 bytes. */
export function formatBytes(bytes: number): string {
  for (const [limit, unit] of [
    [1e12, "TB"],
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ] as const) {
    if (Math.abs(bytes) >= limit) return `${trim(bytes / limit)} ${unit}`;
  }
  return `${formatCount(bytes)} B`;
}

/** A share between 0 and 1 as percent. What is not zero is never shown as zero, and what is not all never as 100 %. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.01) return "< 0.01 %";
  if (percent < 100 && percent > 99.99) return "> 99.99 %";
  return `${(decimals[percent < 1 ? 2 : percent < 10 ? 2 : 1] as Intl.NumberFormat).format(percent)} %`;
}

/** The change from one count to another: "+1,204 (+3.1 %)", "no change". */
export function formatChange(before: number, after: number): string {
  const change = after - before;
  if (change === 0) return "no change";
  const sign = change > 0 ? "+" : "−";
  const share = before === 0 ? "" : ` (${sign}${formatShare(Math.abs(change) / Math.abs(before))})`;
  return `${sign}${formatCount(Math.abs(change))}${share}`;
}

const trim = (value: number): string => (decimals[Math.abs(value) >= 100 ? 0 : 1] as Intl.NumberFormat).format(value);
