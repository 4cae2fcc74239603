import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** u64 released, u64 shipped, f64 newest (NaN: none), u32 CRC-32 of what is before it; little-endian. */
const BYTES = 28;
/** Of the first version: u64 released, u32 CRC-32 of it. */
const OLD_BYTES = 12;

/** How far a spool is. */
export interface Position {
  /** All records before this number are done with: shipped or given up. */
  readonly released: number;
  /** One more than the number of the newest record that was shipped; `released` less it is how many were lost since. */
  readonly shipped: number;
  /** Start of the newest frame that ever was in the spool, epoch ms; null when there was none. */
  readonly newest: number | null;
}

/**
 * The position of a spool, in a file of its own that is overwritten in place. One that is missing or damaged only means
 * that frames are shipped again, which changes nothing, and that what was given up before them is not known any more.
 */
export class Cursor {
  readonly #descriptor: number;
  readonly #record = Buffer.alloc(BYTES);
  /** What was found in the file; null: nothing of use. */
  readonly found: Position | null;

  private constructor(descriptor: number, found: Position | null) {
    this.#descriptor = descriptor;
    this.found = found;
  }

  /** Throws what the file system says. */
  static open(file: string): Cursor {
    const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
    const record = Buffer.alloc(BYTES);
    const read = readSync(descriptor, record, 0, BYTES, 0);
    return new Cursor(descriptor, decode(record.subarray(0, read)));
  }

  /** Throws what the file system says. */
  write({ released, shipped, newest }: Position): void {
    const record = this.#record;
    record.writeBigUInt64LE(BigInt(released), 0);
    record.writeBigUInt64LE(BigInt(shipped), 8);
    record.writeDoubleLE(newest ?? Number.NaN, 16);
    record.writeUInt32LE(crc32(record.subarray(0, BYTES - 4)), BYTES - 4);
    writeSync(this.#descriptor, record, 0, BYTES, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function decode(record: Buffer): Position | null {
  const isWhole = (bytes: number) =>
    record.length >= bytes && crc32(record.subarray(0, bytes - 4)) === record.readUInt32LE(bytes - 4);
  if (!isWhole(BYTES) && !isWhole(OLD_BYTES)) return null;
  const released = Number(record.readBigUInt64LE(0));
  const shipped = isWhole(BYTES) ? Number(record.readBigUInt64LE(8)) : released;
  const newest = isWhole(BYTES) ? record.readDoubleLE(16) : Number.NaN;
  if (!Number.isSafeInteger(released) || !Number.isSafeInteger(shipped)) return null;
  return { released, shipped, newest: Number.isSafeInteger(newest) ? newest : null };
}
