import { DIRECTIONS, type Window } from './frame.ts';
import { indexOf, type Sizes } from './histogram.ts';

/**
 * Windows as numbers, one after the other: direction, messages, bytes, how many buckets, and of each bucket its bound and
 * count. Whose they are is kept elsewhere. As objects they are dozens for each window: what remembers them for minutes, or
 * passes them to another thread, would spend more time on that than on what they say.
 */

/** Numbers of a window before those of its buckets. */
const PREFIX = 4;

/** How many numbers a window is. */
export const windowLength = ({ sizes }: Window): number => PREFIX + 2 * sizes.length;

/** How many numbers the window at `at` is. */
export const windowLengthAt = (numbers: Float64Array, at: number): number =>
  PREFIX + 2 * (numbers[at + PREFIX - 1] ?? 0);

/** Writes a window from `at` on; returns where the next one begins. */
export function writeWindow(numbers: Float64Array, at: number, window: Window): number {
  const { direction, messages, bytes, sizes } = window;
  let next = at;
  numbers[next++] = DIRECTIONS.indexOf(direction);
  numbers[next++] = messages;
  numbers[next++] = bytes;
  numbers[next++] = sizes.length;
  for (const [bound, count] of sizes) {
    numbers[next++] = bound;
    numbers[next++] = count;
  }
  return next;
}

/** The window at `at`, which is this container's. `pairs`: for who reads many. */
export function readWindow(numbers: Float64Array, at: number, container: string, pairs?: SizePairs): Window {
  const direction = DIRECTIONS[numbers[at] ?? 0] ?? 'send';
  const end = at + windowLengthAt(numbers, at);
  const sizes: Sizes[number][] = [];
  for (let i = at + PREFIX; i < end; i += 2) {
    const [bound, count] = [numbers[i] ?? 0, numbers[i + 1] ?? 0];
    sizes.push(pairs?.of(bound, count) ?? [bound, count]);
  }
  return { container, direction, messages: numbers[at + 1] ?? 0, bytes: numbers[at + 2] ?? 0, sizes };
}

/** Counts below this share their pairs: nearly all that there are. */
const SHARED = 256;

/** Pairs of a histogram, of which equal ones are one: there are millions of them in a day, and hardly any different ones. */
export class SizePairs {
  /** By bucket and count, made when they are first met. */
  readonly #shared: Sizes[number][][] = [];

  /** `bound`: of a bucket. */
  of(bound: number, count: number): Sizes[number] {
    if (count >= SHARED) return [bound, count];
    const index = indexOf(bound);
    const ofBucket = this.#shared[index] ?? [];
    this.#shared[index] = ofBucket;
    const pair = ofBucket[count] ?? [bound, count];
    ofBucket[count] = pair;
    return pair;
  }
}
