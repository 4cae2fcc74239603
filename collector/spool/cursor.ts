import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** u64 number, u32 CRC-32 of it, little-endian. */
const BYTES = 12;

/**
 * How far a spool was released, in a file of its own that is overwritten in place. One that is missing or damaged only
 * means that frames are shipped again, which changes nothing.
 */
export class Cursor {
  readonly #descriptor: number;
  readonly #record = Buffer.alloc(BYTES);
  #released: number;

  private constructor(descriptor: number, released: number) {
    this.#descriptor = descriptor;
    this.#released = released;
  }

  /** Throws what the file system says. */
  static open(file: string): Cursor {
    const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
    const record = Buffer.alloc(BYTES);
    const read = readSync(descriptor, record, 0, BYTES, 0);
    const good = read === BYTES && crc32(record.subarray(0, 8)) === record.readUInt32LE(8);
    const released = good ? Number(record.readBigUInt64LE(0)) : 0;
    return new Cursor(descriptor, Number.isSafeInteger(released) ? released : 0);
  }

  /** All records before this number were released. */
  get released(): number {
    return this.#released;
  }

  /** Throws what the file system says. */
  write(released: number): void {
    this.#record.writeBigUInt64LE(BigInt(released), 0);
    this.#record.writeUInt32LE(crc32(this.#record.subarray(0, 8)), 8);
    writeSync(this.#descriptor, this.#record, 0, BYTES, 0);
    this.#released = released;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
