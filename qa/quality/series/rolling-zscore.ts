/** Rows before the first judgement. */
const FEW = 100;
/** A spread that is this small a part of the mean is rounding. */
const HAIR = 1e-9;

/** Distance of each value from the mean of up to `rows` values before it, in their standard deviations; 0 of no value. */
export function rollingZscores(values: readonly number[], rows: number): number[] {
  const known: number[] = [];
  let sum = 0;
  let squares = 0;
  // Sums of differences from the first value keep their digits where a series is far from 0.
  const first = values.find(Number.isFinite) ?? 0;
  return values.map(value => {
    if (!Number.isFinite(value)) return 0;
    const x = value - first;
    const n = Math.min(known.length, rows);
    const mean = sum / Math.max(1, n);
    const spread = Math.sqrt(Math.max(0, squares / Math.max(1, n) - mean * mean));
    const dropped = n === rows ? (known[known.length - rows] as number) : 0;
    known.push(x);
    sum += x - dropped;
    squares += x * x - dropped * dropped;
    return n < FEW || spread <= HAIR * Math.abs(mean) ? 0 : Math.abs(x - mean) / spread;
  });
}
