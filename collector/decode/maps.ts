import type { MapMeaning } from '../../bpf/contract.ts';
import { BUCKET_BITS, bytesIn, messagesIn } from '../../bpf/packing.ts';
import { BUCKETS, upperBound } from '../../core/traffic/histogram.ts';
import type { Counts } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import { TrafficColumns } from './columns.ts';
import { type EntryReader, Literal, type MapHead, type Scanner, scanEntries } from './scan.ts';

/** Reads a map whose first entry is at the scanner; null when it is not of the expected shape. */
export type MapReader = (scan: Scanner, head: MapHead, meaning: MapMeaning) => Counts | null;

const COMMA = ','.charCodeAt(0);
const OPEN = '['.charCodeAt(0);
const CLOSE = ']'.charCodeAt(0);
const BRACE = '}'.charCodeAt(0);
const MIN = new Literal('{"min":');
const MAX = new Literal('"max":');
const COUNT = new Literal('"count":');
/** Most of the processors that a kernel can have, and more. */
const PROCESSORS = 100_000;

/** `packed` of bpf/packed.bt: `"NUMBER": SUM`, the bucket in the number's lowest bits and the cgroup above them. */
export const readPacked: MapReader = (scan, head, meaning) => {
  const cells = new TrafficColumns(scan.length);
  let row = 0;
  let bucket = 0;
  const key = (scan: Scanner): boolean => {
    if (!scan.unsigned()) return false;
    const { high, low } = scan;
    row = cells.rowOf(high >>> BUCKET_BITS, ((high << (32 - BUCKET_BITS)) | (low >>> BUCKET_BITS)) >>> 0);
    bucket = low & (2 ** BUCKET_BITS - 1);
    return true;
  };
  const sum = (scan: Scanner): boolean => scanCell(scan, cells, row, bucket) > 0;
  return head.type === 'map' && scanEntries(scan, key, sum) ? countsOf(head, meaning, cells) : null;
};

/** `sizes` of bpf/lhist.bt: `"CGROUP": [{"min": …, "max": …, "count": …}, …]`. */
export const readSizes: MapReader = (scan, head, meaning) => {
  const cells = new TrafficColumns(scan.length);
  let row = 0;
  const key = cgroupKey(cells, found => {
    row = found;
  });
  const sizes = (scan: Scanner): boolean => {
    if (!scan.is(OPEN)) return false;
    let bucket: number | null = -1;
    do {
      bucket = scanBucket(scan, cells, row, bucket);
    } while (bucket !== null && scan.skip(COMMA));
    return bucket !== null && scan.is(CLOSE);
  };
  return head.type === 'hist' && scanEntries(scan, key, sizes) ? countsOf(head, meaning, cells) : null;
};

/** `bytes` of bpf/lhist.bt: `"CGROUP": SUM`. */
export const readBytes: MapReader = (scan, head, meaning) => {
  const cells = new TrafficColumns(scan.length);
  let row = 0;
  let entries = 0;
  const key = cgroupKey(cells, found => {
    row = found;
  });
  const sum = (scan: Scanner): boolean => {
    if (!scanCount(scan)) return false;
    cells.addBytes(row, scan.value);
    entries++;
    return true;
  };
  if (head.type !== 'map' || !scanEntries(scan, key, sum)) return null;
  return { ...countsOf(head, meaning, cells), entries };
};

/** The content of a map; each cell is an entry of it. */
export function countsOf(
  { name }: Pick<MapHead, 'name'>,
  { set, direction }: MapMeaning,
  cells: TrafficColumns,
): Counts {
  const nothing = { flows: null, ends: [], clients: [], connections: [] };
  return { kind: 'counts', map: name, set, direction, entries: cells.size, traffic: cells, ...nothing };
}

/** Reads a key, which is a cgroup, or a cgroup and a processor (bpf/quirks.ts), and hands the row of the cgroup over. */
const cgroupKey =
  (cells: TrafficColumns, onRow: (row: number) => void): EntryReader =>
  scan => {
    if (!scan.unsigned()) return false;
    onRow(cells.rowOf(scan.high, scan.low));
    return !scan.is(COMMA) || (scan.unsigned() && scan.value < PROCESSORS);
  };

/** A packed sum at the scanner: the messages that it added to the row, 0 when it is none of this bucket. */
export function scanCell(scan: Scanner, cells: TrafficColumns, row: number, bucket: number): number {
  if (!scan.unsignedOrQuoted()) return 0;
  const messages = messagesIn(bucket, scan.high);
  if (messages === 0) return 0;
  cells.add(row, bucket, messages);
  cells.addBytes(row, bytesIn(bucket, scan.high, scan.low));
  return messages;
}

/** How bpftrace writes each bucket, up to its count. */
const PREFIXES = BUCKETS.map(bound => {
  const top = upperBound(bound) - 1;
  return new Literal(`{"min": ${bound},${Number.isFinite(top) ? ` "max": ${top},` : ''} "count": `);
});

/** Number of the bucket with this lower bound. */
const NUMBER_OF: ReadonlyMap<number, number> = new Map(BUCKETS.map((bound, number) => [bound, number]));

/**
 * A bucket of lhist() at the scanner, after the one with the number `before` or as the first one (-1): its number, or
 * null when it is none. Empty ones stand between others.
 */
function scanBucket(scan: Scanner, cells: TrafficColumns, row: number, before: number): number | null {
  // A list has no gaps: what comes next is known but for the count.
  const next = before < 0 ? undefined : PREFIXES[before + 1];
  const bucket = next && scan.literal(next) ? before + 1 : scanBounds(scan);
  if (bucket === null || !scanCount(scan)) return null;
  if (scan.value > 0) cells.add(row, bucket, scan.value);
  return scan.is(BRACE) ? bucket : null;
}

/** A bucket up to its count: its number or null. `max` is inclusive, and absent in the overflow bucket. */
function scanBounds(scan: Scanner): number | null {
  if (!scan.literal(MIN) || !scanNumber(scan)) return null;
  const bound = scan.value;
  const bucket = NUMBER_OF.get(bound);
  if (bucket === undefined || !scan.skip(COMMA)) return null;
  let top = Number.POSITIVE_INFINITY;
  if (scan.literal(MAX)) {
    if (!scanNumber(scan) || !scan.skip(COMMA)) return null;
    top = scan.value + 1;
  }
  if (top !== upperBound(bound) || !scan.literal(COUNT)) return null;
  scan.space();
  return bucket;
}

/** The number of a property, behind its colon. */
function scanNumber(scan: Scanner): boolean {
  scan.space();
  return scan.unsigned();
}

const scanCount = (scan: Scanner): boolean => scan.unsignedOrQuoted() && scan.value <= LIMITS.count;
