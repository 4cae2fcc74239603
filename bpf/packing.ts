import { BUCKETS, SIZE_SCHEME } from '../core/histogram.ts';

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

/** Longest time between two readouts of packed maps, ms; longer intervals are added up of several. */
export const PART_MS = 5000;

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

/** A bucket's lower bound, and the value of one message in its sum. */
interface Cell {
  readonly bound: number;
  readonly message: number;
}

const CELLS: readonly Cell[] = BUCKETS.map(bound => {
  const { fine, coarse } = SIZE_SCHEME;
  const shift = bound < fine.limit ? SHIFTS.fine : bound < coarse.limit ? SHIFTS.coarse : SHIFTS.overflow;
  return { bound, message: 2 ** shift };
});

/** Messages and bytes in a bucket. */
export interface Unpacked {
  readonly bound: number;
  readonly messages: number;
  readonly bytes: number;
}

/**
 * A packed sum, as its value divided by 2^32 and the rest. Null when there is no such bucket, when no message is in it,
 * or when the sum cannot come from the bucket's sizes.
 */
export function unpack(bucket: number, high: number, low: number): Unpacked | null {
  const cell = CELLS[bucket];
  if (!cell) return null;
  const { bound, message } = cell;
  const unit = message / 2 ** 32;
  const messages = Math.floor(high / unit);
  const excess = (high % unit) * 2 ** 32 + low;
  const bytes = messages * bound + excess;
  if (messages === 0 || !Number.isSafeInteger(bytes)) return null;
  return { bound, messages, bytes };
}
