import type { MapMeaning } from '../../bpf/contract.ts';
import { CONNECTION_KINDS, type ConnectionKind } from '../../core/traffic/connection.ts';
import type { Counts, EndCount } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import { TrafficColumns } from './columns.ts';
import { FLOW_KEY_WORDS, FlowColumns } from './flow-columns.ts';
import { bucketNumber, readAddress, withoutBucket } from './flow-key.ts';
import { countsOf, type MapReader, scanCell } from './maps.ts';
import { type Scanner, scanEntries } from './scan.ts';

/** What the maps of bpf/flows.bt say. Null for what is not of their shape. */

/** Reads a map from its parsed content; null when it is out of shape. */
export type ObjectReader = (
  map: string,
  meaning: MapMeaning,
  content: Readonly<Record<string, unknown>>,
) => Counts | null;

const NOTHING = {
  kind: 'counts',
  traffic: null,
  flows: null,
  ends: [],
  clients: [],
  connections: [],
} as const;

const COMMA = ','.charCodeAt(0);

/** `flows` of bpf/flows.bt: `"CGROUP,WORD,A,B": SUM`. */
export const readFlows: MapReader = (scan, head, meaning) => {
  const cells = new TrafficColumns(scan.length);
  const flows = new FlowColumns();
  const of = new Uint32Array(FLOW_KEY_WORDS);
  let flow = 0;
  let row = 0;
  let bucket = 0;
  const key = (scan: Scanner): boolean => {
    if (!scan.unsigned()) return false;
    of[0] = scan.high;
    of[1] = scan.low;
    if (!scan.is(COMMA) || !scan.signed()) return false;
    bucket = bucketNumber(scan.low);
    of[2] = withoutBucket(scan.low);
    of[7] = scan.high;
    if (!scanAddress(scan, of, 3) || !scanAddress(scan, of, 5)) return false;
    flow = flows.numberOf(of);
    row = flows.rows[flow] ??= cells.rowOf(of[0], of[1]);
    return true;
  };
  const sum = (scan: Scanner): boolean => {
    const before = cells.bytes[row] ?? 0;
    const messages = scanCell(scan, cells, row, bucket);
    flows.add(flow, messages, (cells.bytes[row] ?? 0) - before);
    return messages > 0;
  };
  if (head.type !== 'map' || !scanEntries(scan, key, sum)) return null;
  return { ...countsOf(head, meaning, cells), flows };
};

/** `,A` at the scanner, into two words of a key. */
function scanAddress(scan: Scanner, key: Uint32Array, index: number): boolean {
  if (!scan.is(COMMA) || !scan.signed()) return false;
  key[index] = scan.high;
  key[index + 1] = scan.low;
  return true;
}

/** TCP connections by their ends. The map may be full without loss: `readConnections` has the totals. */
export const readEnds: ObjectReader = (map, meaning, content) =>
  readAll(map, meaning, content, 'ends', (key, count) => {
    const ends = endsOf(key);
    return ends && isCount(count) ? { ...ends, count } : null;
  });

/** The client's port of the latest of these connections. */
export const readClients: ObjectReader = (map, meaning, content) =>
  readAll(map, meaning, content, 'clients', (key, port) => {
    const ends = endsOf(key);
    return ends && isPort(port) ? { ...ends, clientPort: port } : null;
  });

/** TCP connections of each cgroup, at most three entries for each: the map is never fuller than that of messages. */
export const readConnections: ObjectReader = (map, meaning, content) =>
  readAll(map, meaning, content, 'connections', (key, count) => {
    const [, cgroup, kindText] = /^(\d{1,20}),([123])$/.exec(key) ?? [];
    const kind = connectionKind(kindText);
    return cgroup && kind && isCount(count) ? { cgroup, kind, count } : null;
  });

/** All entries of a map as one field of its counts; null when any of them is out of shape. */
function readAll<F extends 'ends' | 'clients' | 'connections'>(
  map: string,
  { set, direction }: MapMeaning,
  content: Readonly<Record<string, unknown>>,
  field: F,
  read: (key: string, value: unknown) => Counts[F][number] | null,
): Counts | null {
  const entries = Object.entries(content).map(([key, value]) => read(key, value));
  return entries.includes(null) ? null : { ...NOTHING, map, set, direction, entries: 0, [field]: entries };
}

/** A key of both: `CGROUP,KIND,PORT,NETNS,OWN,PEER`. */
function endsOf(key: string): Omit<EndCount, 'count'> | null {
  const [, cgroup, kindText, portText, netns, own, peer] =
    /^(\d{1,20}),([123]),(\d{1,5}),(\d{1,10}),([0-9a-f:.]{2,45}),([0-9a-f:.]{2,45})$/.exec(key) ?? [];
  const kind = connectionKind(kindText);
  const port = Number(portText);
  if (!cgroup || !kind || !own || !peer || !isPort(port)) return null;
  return { cgroup, kind, port, netns: Number(netns), own: readAddress(own), peer: readAddress(peer) };
}

/** Kinds are numbered from 1 on in the probe. */
const connectionKind = (text: string | undefined): ConnectionKind | undefined =>
  CONNECTION_KINDS[Number(text) - 1];

const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= LIMITS.count;
