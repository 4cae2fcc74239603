import type { MapMeaning } from '../../bpf/contract.ts';
import { CONNECTION_KINDS, type ConnectionKind } from '../../core/connection.ts';
import { Cells } from '../cells.ts';
import type { Counts, TalkCount } from '../contract.ts';
import { countsOf, type MapReader, scanCell, scanCgroup } from '../maps.ts';
import { type Scanner, scanEntries } from '../scan.ts';
import { bucketNumber, decodeTalk, readAddress, withoutBucket } from './talk.ts';
import { WordTable } from './words.ts';

/** What the maps of bpf/flows.bt say. Null for what is not of their shape. */

type Meant = Pick<MapMeaning, 'set' | 'direction'>;

const NOTHING = { kind: 'counts', traffic: null, talks: [], ends: [], connections: [] } as const;

const COMMA = ','.charCodeAt(0);

/** `flows` of bpf/flows.bt: `"CGROUP,WORD,A,B": SUM`. */
export const readTalks: MapReader = (text, head, meaning) => {
  const cells = new Cells();
  const talks = new Talks();
  let row = 0;
  const key = (scan: Scanner): boolean => {
    const cgroup = scanCgroup(scan);
    if (cgroup === null) return false;
    row = cells.rowOf(cgroup);
    return talks.scanKey(scan, row);
  };
  const sum = (scan: Scanner): boolean => {
    const before = cells.bytes[row] ?? 0;
    const messages = scanCell(scan, cells, row, talks.bucket);
    talks.add(messages, (cells.bytes[row] ?? 0) - before);
    return messages > 0;
  };
  if (head.type !== 'map' || !scanEntries(text, head, key, sum)) return null;
  return { ...countsOf(head, meaning, cells), talks: talks.counts(cells.cgroups) };
};

/** Messages and bytes by row and talk. */
class Talks {
  /** Bucket in the key that was read last. */
  bucket = 0;
  /** Row, word without bucket, halves of the two addresses. */
  readonly #key = new Uint32Array(6);
  readonly #table = new WordTable(this.#key.length);
  readonly #messages: number[] = [];
  readonly #bytes: number[] = [];

  /** `,WORD,A,B` at the scanner. */
  scanKey(scan: Scanner, row: number): boolean {
    if (!scan.is(COMMA) || !scan.unsigned() || scan.high > 0) return false;
    this.bucket = bucketNumber(scan.low);
    this.#key[0] = row;
    this.#key[1] = withoutBucket(scan.low);
    return this.#scanAddress(scan, 2) && this.#scanAddress(scan, 4);
  }

  /** Messages with the key that was read last. */
  add(messages: number, bytes: number): void {
    const talk = this.#table.numberOf(this.#key);
    this.#messages[talk] = (this.#messages[talk] ?? 0) + messages;
    this.#bytes[talk] = (this.#bytes[talk] ?? 0) + bytes;
  }

  /** What was added up; `cgroups`: by row. */
  counts(cgroups: readonly string[]): TalkCount[] {
    return this.#messages.map((messages, talk) => {
      const word = (index: number) => this.#table.word(talk, index);
      return {
        cgroup: cgroups[word(0)] ?? '',
        talk: decodeTalk(word(1), [word(2), word(3)], [word(4), word(5)]),
        messages,
        bytes: this.#bytes[talk] ?? 0,
      };
    });
  }

  #scanAddress(scan: Scanner, index: number): boolean {
    if (!scan.is(COMMA) || !scan.signed()) return false;
    this.#key[index] = scan.high;
    this.#key[index + 1] = scan.low;
    return true;
  }
}

/** TCP connections by their ends. The map may be full without loss: `readConnections` has the totals. */
export function readEnds(
  map: string,
  { set, direction }: Meant,
  content: Readonly<Record<string, unknown>>,
): Counts | null {
  const ends: Counts['ends'][number][] = [];
  for (const [key, count] of Object.entries(content)) {
    const [, cgroup, kindText, portText, netns, own, peer] =
      /^(\d{1,20}),([123]),(\d{1,5}),(\d{1,10}),([0-9a-f:.]{2,45}),([0-9a-f:.]{2,45})$/.exec(key) ?? [];
    const kind = connectionKind(kindText);
    const port = Number(portText);
    if (!cgroup || !kind || !own || !peer || port > 65_535 || !isCount(count)) return null;
    const addresses = { own: readAddress(own), peer: readAddress(peer) };
    ends.push({ cgroup, kind, count, port, netns: Number(netns), ...addresses });
  }
  return { ...NOTHING, map, set, direction, entries: 0, ends };
}

/** TCP connections of each cgroup, at most three entries for each: the map is never fuller than that of messages. */
export function readConnections(
  map: string,
  { set, direction }: Meant,
  content: Readonly<Record<string, unknown>>,
): Counts | null {
  const connections: Counts['connections'][number][] = [];
  for (const [key, count] of Object.entries(content)) {
    const [, cgroup, kindText] = /^(\d{1,20}),([123])$/.exec(key) ?? [];
    const kind = connectionKind(kindText);
    if (!cgroup || !kind || !isCount(count)) return null;
    connections.push({ cgroup, kind, count });
  }
  return { ...NOTHING, map, set, direction, entries: 0, connections };
}

/** Kinds are numbered from 1 on in the probe. */
const connectionKind = (text: string | undefined): ConnectionKind | undefined =>
  CONNECTION_KINDS[Number(text) - 1];

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
