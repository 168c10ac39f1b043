/** Round numbers that cover a range, about `count` of them: 0, 20, 40 … */
export function ticksOf(low: number, high: number, count = 4): number[] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [];
  if (low === high) return [low];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** A range with a little air; a flat one is widened, so that it draws in the middle. */
export function rangeOf(values: (number | null)[], fromZero = false): [number, number] {
  const there = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (there.length === 0) return [0, 1];
  let low = fromZero ? 0 : Infinity;
  let high = fromZero ? 0 : -Infinity;
  for (const value of there) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const air = (high - low) * 0.06;
  return [fromZero && low === 0 ? 0 : low - air, high + air];
}
