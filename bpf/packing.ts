import { BUCKETS, SIZE_SCHEME } from '../core/traffic/histogram.ts';

/**
 * Messages and bytes of one bucket in one 64-bit sum: messages * 2^shift + what the sizes exceed the bucket's lower
 * bound by. Within a bucket of width w the excess of n messages is below n * w, so that:
 *
 * - fine (w = 64, shift 35): 2^29 messages, whose excess is below 2^35: it can never reach the count;
 * - coarse (w = 4096, shift 38): 2^26 messages, whose excess is below 2^38: the same;
 * - overflow (64 KiB and more, shift 40): 2^24 messages and 2^40 bytes of excess.
 *
 * A sum is cleared after `PART_MS` at the latest: a container would have to send more than 107 million small messages,
 * 13 million of 4 KiB, or 3 million of 64 KiB (200 GiB) a second in one direction and bucket to overflow it.
 */
const SHIFTS = { fine: 35, coarse: 38, overflow: 40 } as const;

/** Longest time between two readouts of packed maps, ms; longer intervals are the sum of several parts. */
export const PART_MS = 5000;

/** Of a bucket's number, in keys that have other numbers above it. */
export const BUCKET_BITS = 7;

/** Words of packing.bt. */
export const PACKING: Readonly<Record<string, number>> = {
  FINE_STEP: SIZE_SCHEME.fine.step,
  FINE_LIMIT: SIZE_SCHEME.fine.limit,
  FINE_BUCKETS: SIZE_SCHEME.fine.limit / SIZE_SCHEME.fine.step,
  FINE_MESSAGE: 2 ** SHIFTS.fine,
  COARSE_STEP: SIZE_SCHEME.coarse.step,
  COARSE_LIMIT: SIZE_SCHEME.coarse.limit,
  COARSE_MESSAGE: 2 ** SHIFTS.coarse,
  OVERFLOW_BUCKET: BUCKETS.length - 1,
  OVERFLOW_MESSAGE: 2 ** SHIFTS.overflow,
};

/** What a bucket's sums are made of. `shift`: where the messages begin in the sum's upper 32 bits. */
interface Cell {
  readonly bound: number;
  readonly shift: number;
}

const CELLS: readonly Cell[] = BUCKETS.map(bound => {
  const { fine, coarse } = SIZE_SCHEME;
  const shift = bound < fine.limit ? SHIFTS.fine : bound < coarse.limit ? SHIFTS.coarse : SHIFTS.overflow;
  return { bound, shift: shift - 32 };
});

/**
 * Messages in the sum of a bucket, given by its number; 0 when there is no such bucket.
 * @param high the sum divided by 2^32, an integer < 2^32
 */
export function messagesIn(bucket: number, high: number): number {
  const cell = CELLS[bucket];
  return cell === undefined ? 0 : high >>> cell.shift;
}

/** Bytes of these messages, an exact integer. `low`: the rest of the sum, < 2^32. */
export function bytesIn(bucket: number, high: number, low: number): number {
  const cell = CELLS[bucket];
  if (cell === undefined) return 0;
  const rest = high & ((1 << cell.shift) - 1);
  return (high >>> cell.shift) * cell.bound + rest * 2 ** 32 + low;
}
