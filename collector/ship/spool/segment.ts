import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TidegaugeError, UsageError } from '../../../core/errors.ts';
import {
  decodeRecord,
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  RECORD_BYTES,
  type RecordLocation,
  scanSegment,
  VERSION,
  versionOf,
} from './format.ts';

const NAME = /^(\d{16})\.seg$/;

/** Name of the segment whose first record has this number: names sort as numbers do. */
const nameOf = (seq: number): string => `${String(seq).padStart(16, '0')}.seg`;

export const isSegment = (name: string): boolean => NAME.test(name);

/** One file of a spool. Records are appended to the newest only; a file leaves when all its records were released. */
export class Segment {
  readonly file: string;
  readonly #descriptor: number;
  #size: number;
  /** Records that were not released. */
  live = 0;

  private constructor(file: string, descriptor: number, size: number) {
    this.file = file;
    this.#descriptor = descriptor;
    this.#size = size;
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** A new segment. Throws what the file system says. */
  static create(folder: string, firstSeq: number): Segment {
    const file = join(folder, nameOf(firstSeq));
    const descriptor = openSync(file, 'w+', 0o600);
    try {
      writeAll(descriptor, encodeHeader(), 0);
    } catch (error) {
      closeSync(descriptor);
      unlinkSync(file);
      throw error;
    }
    return new Segment(file, descriptor, HEADER_BYTES);
  }

  /**
   * A segment of an earlier process: its good records, and at how many places it was damaged. The tail after the last
   * good record is cut off. Throws a TidegaugeError when a newer version of tidegauge wrote it.
   */
  static open(
    folder: string,
    name: string,
  ): { segment: Segment; records: readonly RecordLocation[]; damaged: number } {
    const file = join(folder, name);
    const content = readFileSync(file);
    const version = versionOf(content);
    if (version !== null && version !== VERSION) throw unknownVersion(file, version);
    // The beginning of a header: its process died as it made the file.
    const isBegun = encodeHeader().subarray(0, content.length).equals(content);
    const foreign = { records: [], damaged: isBegun ? 0 : 1, goodBytes: 0 };
    const { records, damaged, goodBytes } = version === null ? foreign : scanSegment(content);
    const descriptor = openSync(file, 'r+');
    if (goodBytes < content.length) ftruncateSync(descriptor, goodBytes);
    return { segment: new Segment(file, descriptor, goodBytes), records, damaged };
  }

  /** Append a record; all of it, or the segment stays as it was. Throws what the file system says. */
  append(seq: number, start: number, payload: Buffer): RecordLocation {
    const record = encodeRecord(seq, start, payload);
    const offset = this.#size;
    try {
      writeAll(this.#descriptor, record, offset);
    } catch (error) {
      ftruncateSync(this.#descriptor, offset);
      throw error;
    }
    this.#size += record.length;
    this.live++;
    return { seq, start, offset, bytes: payload.length };
  }

  /** The payload of a record, or null when it is not there any more as it was written. */
  read({ seq, offset, bytes }: RecordLocation): Buffer | null {
    const record = Buffer.allocUnsafe(RECORD_BYTES + bytes);
    const read = readSync(this.#descriptor, record, 0, record.length, offset);
    return read === record.length ? decodeRecord(record, seq) : null;
  }

  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Remove the file, and only then close it: after a failure this can be tried again. Throws what the file system says. */
  remove(): void {
    rmSync(this.file, { force: true });
    closeSync(this.#descriptor);
  }
}

function writeAll(descriptor: number, data: Buffer, position: number): void {
  for (let done = 0; done < data.length; )
    done += writeSync(descriptor, data, done, data.length - done, position + done);
}

function unknownVersion(file: string, version: number): TidegaugeError {
  return new UsageError({
    place: file,
    found: `this is a spool of version ${version}; this tidegauge reads version ${VERSION}`,
    remedy:
      'Run the version of tidegauge that wrote it, or move the file away; its frames are then not shipped.',
  });
}
