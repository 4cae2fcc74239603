import { KeyTable, widened } from './key-table.ts';

const LEAST_CAPACITY = 256;
/** So many characters of a line make a cell, roughly. */
const CHARACTERS = 24;

/**
 * What a map says of each cgroup, in columns and in the order in which it was read. A row is a cgroup, a cell is one
 * of its buckets; a bucket may have several cells. At 80,000 cells a map, objects would cost more than reading them.
 */
export class TrafficColumns {
  /** Bytes of each row. */
  readonly bytes: number[] = [];
  /** Number of cells; of each cell, in the columns below, what comes after them is unused. */
  size = 0;
  /** Its row. */
  row: Int32Array<ArrayBuffer>;
  /** Number of its bucket in BUCKETS. */
  bucket: Uint8Array<ArrayBuffer>;
  /** Its messages, > 0. */
  messages: Float64Array<ArrayBuffer>;
  /** Ids of cgroups, in two halves. */
  readonly #rows = new KeyTable(2);
  readonly #id = new Uint32Array(2);

  /** `length`: of the line that is read, characters. */
  constructor(length = 0) {
    const capacity = Math.max(LEAST_CAPACITY, Math.ceil(length / CHARACTERS));
    this.row = new Int32Array(capacity);
    this.bucket = new Uint8Array(capacity);
    this.messages = new Float64Array(capacity);
  }

  /** Number of rows. */
  get rows(): number {
    return this.#rows.size;
  }

  /** The row of a cgroup: high and low half of its id. */
  rowOf(high: number, low: number): number {
    this.#id[0] = high;
    this.#id[1] = low;
    const row = this.#rows.numberOf(this.#id);
    if (row === this.bytes.length) this.bytes.push(0);
    return row;
  }

  /** Writes the cgroup of a row, high half first. */
  cgroup(row: number, into: Uint32Array): void {
    this.#rows.key(row, into);
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
