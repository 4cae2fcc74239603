import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Interval } from '../../../core/interval.ts';

/** u64 released, u64 shipped, f64 start and f64 end of the newest (NaN: none), u32 CRC-32 of all that; little-endian. */
const BYTES = 36;
/** Of the second version: without the end. */
const ENDLESS_BYTES = 28;
/** Of the first version: u64 released, u32 CRC-32 of it. */
const OLD_BYTES = 12;

/** How far a spool is. */
export interface SpoolPosition {
  /** All records before this number are done with: shipped or given up. */
  readonly released: number;
  /** One more than the number of the newest record that was shipped; `released` less it is how many were lost since. */
  readonly shipped: number;
  /** When the newest frame was that ever was in the spool; null when there was none. */
  readonly newest: Interval | null;
}

/**
 * The position of a spool, in a file of its own that is overwritten in place. One that is missing or damaged only means
 * that frames are shipped again, which changes nothing, and that what was given up before them is not known any more.
 */
export class Cursor {
  readonly #descriptor: number;
  readonly #record = Buffer.alloc(BYTES);
  /** What was found in the file; null: nothing of use. */
  readonly found: SpoolPosition | null;

  private constructor(descriptor: number, found: SpoolPosition | null) {
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
  write({ released, shipped, newest }: SpoolPosition): void {
    const record = this.#record;
    record.writeBigUInt64LE(BigInt(released), 0);
    record.writeBigUInt64LE(BigInt(shipped), 8);
    record.writeDoubleLE(newest?.from ?? Number.NaN, 16);
    record.writeDoubleLE(newest?.to ?? Number.NaN, 24);
    record.writeUInt32LE(crc32(record.subarray(0, BYTES - 4)), BYTES - 4);
    writeSync(this.#descriptor, record, 0, BYTES, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function decode(record: Buffer): SpoolPosition | null {
  const bytes = [BYTES, ENDLESS_BYTES, OLD_BYTES].find(
    one => record.length >= one && crc32(record.subarray(0, one - 4)) === record.readUInt32LE(one - 4),
  );
  if (bytes === undefined) return null;
  const released = Number(record.readBigUInt64LE(0));
  const shipped = bytes === OLD_BYTES ? released : Number(record.readBigUInt64LE(8));
  const start = bytes === OLD_BYTES ? Number.NaN : record.readDoubleLE(16);
  const end = bytes === BYTES ? record.readDoubleLE(24) : start + 1;
  if (!Number.isSafeInteger(released) || !Number.isSafeInteger(shipped)) return null;
  const isKnown = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  return { released, shipped, newest: isKnown ? { from: start, to: end } : null };
}
