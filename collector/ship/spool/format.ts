import { crc32 } from 'node:zlib';

/**
 * A segment is a header and records, one after the other. All numbers little-endian.
 *
 * header: `tgspool` and one byte, the version
 * record: u32 bytes of the payload, u32 CRC-32 of all that follows, u64 sequence number, f64 start of the frame
 *         (epoch ms), payload (a frame's JSON, UTF-8)
 */
export const VERSION = 1;
export const HEADER_BYTES = 8;
export const RECORD_BYTES = 24;

const MAGIC = Buffer.from('tgspool');

/** Where a record is in its segment, and what is known of it without reading its payload. */
export interface RecordLocation {
  readonly seq: number;
  /** Start of its frame, epoch ms. */
  readonly start: number;
  /** Of the record, from the segment's beginning. */
  readonly offset: number;
  /** Bytes of the payload. */
  readonly bytes: number;
}

export interface Scan {
  /** Ascending sequence numbers. */
  readonly records: readonly RecordLocation[];
  /** Places at which something else than a good record was found. */
  readonly damaged: number;
  /** What lies beyond is of no use. */
  readonly goodBytes: number;
}

export const encodeHeader = (): Buffer => Buffer.concat([MAGIC, Buffer.from([VERSION])]);

/** The version in a segment's header, or null when it is no segment of ours. */
export function versionOf(segment: Buffer): number | null {
  if (segment.length < HEADER_BYTES || !segment.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  return segment[MAGIC.length] ?? null;
}

export function encodeRecord(seq: number, start: number, payload: Buffer): Buffer {
  const record = Buffer.allocUnsafe(RECORD_BYTES + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeBigUInt64LE(BigInt(seq), 8);
  record.writeDoubleLE(start, 16);
  payload.copy(record, RECORD_BYTES);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

/** The payload of a record, or null when its checksum or number is wrong. */
export function decodeRecord(record: Buffer, seq: number): Buffer | null {
  const place = recordAt(record, 0);
  return place?.seq === seq ? record.subarray(RECORD_BYTES, RECORD_BYTES + place.bytes) : null;
}

/**
 * Find the good records of a segment. One damaged record is passed over when a good one follows where it says that it
 * ends; otherwise the rest of the segment is given up: after a kill or a power cut that is the torn tail.
 */
export function scanSegment(segment: Buffer): Scan {
  const records: RecordLocation[] = [];
  let offset = HEADER_BYTES;
  let damaged = 0;
  let goodBytes = Math.min(segment.length, HEADER_BYTES);
  while (offset < segment.length) {
    const record = recordAt(segment, offset);
    const newest = records.at(-1)?.seq ?? -1;
    if (record && record.seq > newest) {
      records.push(record);
      offset += RECORD_BYTES + record.bytes;
      goodBytes = offset;
      continue;
    }
    damaged++;
    const next = endOf(segment, offset);
    if (next === null || !recordAt(segment, next)) break;
    offset = next;
  }
  return { records, damaged, goodBytes };
}

/** The good record at an offset, or null. */
function recordAt(segment: Buffer, offset: number): RecordLocation | null {
  const end = endOf(segment, offset);
  if (end === null || end > segment.length) return null;
  if (crc32(segment.subarray(offset + 8, end)) !== segment.readUInt32LE(offset + 4)) return null;
  const seq = Number(segment.readBigUInt64LE(offset + 8));
  const start = segment.readDoubleLE(offset + 16);
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(start)) return null;
  return { seq, start, offset, bytes: end - offset - RECORD_BYTES };
}

/** Where the record at an offset says that it ends, or null when not even its head is there. */
function endOf(segment: Buffer, offset: number): number | null {
  if (offset + RECORD_BYTES > segment.length) return null;
  return offset + RECORD_BYTES + segment.readUInt32LE(offset);
}
