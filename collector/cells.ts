import type { CgroupId } from './contract.ts';

const FIRST_CAPACITY = 1024;

/**
 * What a map says of each cgroup, in columns and in the order in which it was read. A row is a cgroup, a cell is one
 * of its buckets; a bucket may have several cells. At 80,000 cells a map, objects would cost more than reading them.
 */
export class Cells {
  /** Cgroup of each row. */
  readonly cgroups: CgroupId[] = [];
  /** Bytes of each row. */
  readonly bytes: number[] = [];
  /** Number of cells; of each cell, in the columns below, what comes after them is unused. */
  size = 0;
  /** Its row. */
  row = new Int32Array(FIRST_CAPACITY);
  /** Number of its bucket in BUCKETS. */
  bucket = new Uint8Array(FIRST_CAPACITY);
  /** Its messages, > 0. */
  messages = new Float64Array(FIRST_CAPACITY);
  readonly #rows = new Map<number | CgroupId, number>();

  /** The row of a cgroup; `id` is a number where that is exact. */
  rowOf(id: number | CgroupId): number {
    let row = this.#rows.get(id);
    if (row === undefined) {
      row = this.cgroups.length;
      this.#rows.set(id, row);
      this.cgroups.push(String(id));
      this.bytes.push(0);
    }
    return row;
  }

  /** Messages of a row in a bucket. */
  add(row: number, bucket: number, messages: number): void {
    if (this.size === this.row.length) this.#grow();
    this.row[this.size] = row;
    this.bucket[this.size] = bucket;
    this.messages[this.size] = messages;
    this.size++;
  }

  addBytes(row: number, bytes: number): void {
    this.bytes[row] = (this.bytes[row] ?? 0) + bytes;
  }

  #grow(): void {
    const capacity = 2 * this.size;
    this.row = widened(this.row, new Int32Array(capacity));
    this.bucket = widened(this.bucket, new Uint8Array(capacity));
    this.messages = widened(this.messages, new Float64Array(capacity));
  }
}

/** The longer column, with what is in the shorter one. */
export function widened<C extends { set(from: C): void }>(from: C, to: C): C {
  to.set(from);
  return to;
}
