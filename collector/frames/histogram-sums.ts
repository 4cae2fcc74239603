import type { Direction, Window } from '../../core/traffic/frame.ts';
import { BUCKETS, type Sizes } from '../../core/traffic/histogram.ts';
import type { TrafficColumns } from '../decode/columns.ts';
import { widened } from '../decode/key-table.ts';

const FIRST_CAPACITY = 1024;
const NONE = -1;

/**
 * Most buckets hold a few messages: all windows share one pair for each bucket and small count. Otherwise pairs would
 * take two thirds of a frame's memory.
 */
const SMALL: readonly Sizes[] = BUCKETS.map(bound =>
  Array.from({ length: 128 }, (_, count) => [bound, count] as const),
);

/** Sums of the traffic of many rows in one direction: each row has a linked list of its cells. */
export class HistogramSums {
  /** Messages of all rows. */
  messages = 0;
  readonly #bytes: number[] = [];
  /** Of each row: its last cell. */
  readonly #last: number[] = [];
  #size = 0;
  /** Of each cell: bucket, messages, the row's cell before it. */
  #bucket = new Uint8Array(FIRST_CAPACITY);
  #messages = new Float64Array(FIRST_CAPACITY);
  #before = new Int32Array(FIRST_CAPACITY);
  /** Messages by bucket of the window that is being made; 0 otherwise. */
  readonly #sums = new Float64Array(BUCKETS.length);

  /** A new row without traffic. Rows are numbered from 0 on. */
  addRow(): void {
    this.#bytes.push(0);
    this.#last.push(NONE);
  }

  /** Add a map's content; `rows`: the row here of each row there. */
  add(cells: TrafficColumns, rows: Int32Array): void {
    const { size, row, bucket, messages, bytes } = cells;
    this.#reserve(this.#size + size);
    for (let cell = 0; cell < size; cell++) {
      const to = rows[row[cell] ?? 0] ?? 0;
      const at = this.#size++;
      const count = messages[cell] ?? 0;
      this.#bucket[at] = bucket[cell] ?? 0;
      this.#messages[at] = count;
      this.#before[at] = this.#last[to] ?? NONE;
      this.#last[to] = at;
      this.messages += count;
    }
    for (const [from, more] of bytes.entries()) {
      const to = rows[from] ?? 0;
      this.#bytes[to] = (this.#bytes[to] ?? 0) + more;
    }
  }

  /** The traffic of these rows together; null when they have no messages. */
  window(container: string, direction: Direction, rows: readonly number[]): Window | null {
    const sums = this.#sums;
    let bytes = 0;
    let messages = 0;
    let used = 0;
    for (const row of rows) {
      bytes += this.#bytes[row] ?? 0;
      for (let cell = this.#last[row] ?? NONE; cell !== NONE; cell = this.#before[cell] ?? NONE) {
        const bucket = this.#bucket[cell] ?? 0;
        const count = this.#messages[cell] ?? 0;
        const sum = sums[bucket] ?? 0;
        if (sum === 0) used++;
        sums[bucket] = sum + count;
        messages += count;
      }
    }
    return used === 0 ? null : { container, direction, messages, bytes, sizes: this.#takeSizes(used) };
  }

  /** The histogram in `sums`, which has `used` buckets; clears it. */
  #takeSizes(used: number): Sizes {
    // Of the right length from the start: growing arrays would take twice the memory of a frame.
    const sizes = new Array<Sizes[number]>(used);
    for (let bucket = 0, taken = 0; taken < used; bucket++) {
      const count = this.#sums[bucket] ?? 0;
      if (count === 0) continue;
      sizes[taken++] = SMALL[bucket]?.[count] ?? [BUCKETS[bucket] ?? 0, count];
      this.#sums[bucket] = 0;
    }
    return sizes;
  }

  #reserve(size: number): void {
    if (size <= this.#bucket.length) return;
    const capacity = Math.max(size, 2 * this.#bucket.length);
    this.#bucket = widened(this.#bucket, new Uint8Array(capacity));
    this.#messages = widened(this.#messages, new Float64Array(capacity));
    this.#before = widened(this.#before, new Int32Array(capacity));
  }
}
