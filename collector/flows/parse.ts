import type { MapMeaning, Probe } from '../../bpf/contract.ts';
import { unpack } from '../../bpf/packing.ts';
import { CONNECTION_KINDS, type ConnectionKind, type Counts } from '../contract.ts';
import { scanSums } from '../scan.ts';
import { bucketNumber, decodeTalk, readAddress, type Talk } from './talk.ts';

/** What the maps of bpf/flows.bt say. Null for what is not of their shape. */

type Meant = Pick<MapMeaning, 'set' | 'direction'>;

const NOTHING = { kind: 'counts', sizes: [], bytes: [], talks: [], ends: [], connections: [] } as const;

/** A line with a map of packed sums between whom; null when the line is none. */
export function readTalks(probe: Probe, text: string): Counts | null {
  const known = new Map<string, Talk>();
  const sizes: Counts['sizes'][number][] = [];
  const talks: Counts['talks'][number][] = [];
  const map = scanSums(text, (key, high, low) => {
    const [, cgroup, wordText, a, b] = /^(\d{1,20}),(\d{1,10}),(-?\d{1,20}),(-?\d{1,20})$/.exec(key) ?? [];
    const word = Number(wordText);
    const cell = unpack(bucketNumber(word), high, low);
    if (!cgroup || !a || !b || word > 0xffff_ffff || cell === null) return false;
    const id = `${word - bucketNumber(word)},${a},${b}`;
    const talk = known.get(id) ?? decodeTalk(word, unsigned(a), unsigned(b));
    known.set(id, talk);
    sizes.push({ cgroup, bound: cell.bound, count: cell.messages, bytes: cell.bytes });
    talks.push({ cgroup, id, talk, messages: cell.messages, bytes: cell.bytes });
    return true;
  });
  const meaning = map === null ? undefined : probe.maps.get(map);
  if (map === null || meaning?.holds !== 'flows') return null;
  const { set, direction } = meaning;
  return { ...NOTHING, map, set, direction, entries: talks.length, sizes, talks };
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

/** 64 bits that bpftrace may have printed with a sign. */
const unsigned = (text: string): bigint => BigInt.asUintN(64, BigInt(text));

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
