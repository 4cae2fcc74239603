import type { MapMeaning } from '../../bpf/contract.ts';
import { CONNECTION_KINDS, type ConnectionKind } from '../../core/traffic/connection.ts';
import type { ClientPort, Counts, EndCount } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import { TrafficColumns } from './columns.ts';
import { FLOW_KEY_WORDS, FlowColumns } from './flow-columns.ts';
import { bucketNumber, readAddress, withoutBucket } from './flow-key.ts';
import { countsOf, type MapReader, scanCell } from './maps.ts';
import { type Scanner, scanEntries } from './scan.ts';

/** What the maps of bpf/flows.bt say. Null for what is not of their shape. */

type Meant = Pick<MapMeaning, 'set' | 'direction'>;

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
    if (!scan.is(COMMA) || !scan.unsigned() || scan.high > 0) return false;
    bucket = bucketNumber(scan.low);
    of[2] = withoutBucket(scan.low);
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
export function readEnds(
  map: string,
  { set, direction }: Meant,
  content: Readonly<Record<string, unknown>>,
): Counts | null {
  const ends: EndCount[] = [];
  for (const [key, count] of Object.entries(content)) {
    const between = endsOf(key);
    if (!between || !isCount(count)) return null;
    ends.push({ ...between, count });
  }
  return { ...NOTHING, map, set, direction, entries: 0, ends };
}

/** The client's port of the latest of these connections. */
export function readClients(
  map: string,
  { set, direction }: Meant,
  content: Readonly<Record<string, unknown>>,
): Counts | null {
  const clients: ClientPort[] = [];
  for (const [key, port] of Object.entries(content)) {
    const between = endsOf(key);
    if (!between || !isPort(port)) return null;
    clients.push({ ...between, clientPort: port });
  }
  return { ...NOTHING, map, set, direction, entries: 0, clients };
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

const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= LIMITS.count;
