const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
const significant = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });

/** A value of a series as exactly as it is of use: six digits, whole numbers all of theirs. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e15)) return value.toExponential(4);
  return (size >= 1e6 || Number.isInteger(value) ? whole : significant).format(value).replace("-", "−");
}
