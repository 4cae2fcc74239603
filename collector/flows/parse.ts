import type { MapMeaning, Probe } from '../../bpf/contract.ts';
import { unpack } from '../../bpf/packing.ts';
import { CONNECTION_KINDS, type ConnectionKind } from '../../core/connection.ts';
import type { Counts, TalkCount } from '../contract.ts';
import { scanSums } from '../scan.ts';
import { TrafficSums } from '../sums.ts';
import { bucketNumber, decodeTalk, readAddress, type Talk } from './talk.ts';

/** What the maps of bpf/flows.bt say. Null for what is not of their shape. */

type Meant = Pick<MapMeaning, 'set' | 'direction'>;

const NOTHING = { kind: 'counts', traffic: [], talks: [], ends: [], connections: [] } as const;

/** A line with a map of packed sums between whom; null when the line is none. */
export function readTalks(probe: Probe, text: string): Counts | null {
  const sums = new TrafficSums();
  const ids = new Map<string, Talk>();
  const talks = new Map<string, TalkSum>();
  const map = scanSums(text, (key, high, low) => {
    const first = key.indexOf(',');
    const second = key.indexOf(',', first + 1);
    const word = wordFrom(key.slice(first + 1, second));
    const cell = word === null ? null : unpack(bucketNumber(word), high, low);
    const cgroup = key.slice(0, first);
    if (word === null || cell === null || !sums.add(cgroup, cell)) return false;
    const id = `${word - bucketNumber(word)}${key.slice(second)}`;
    const whose = `${cgroup},${id}`;
    let sum = talks.get(whose);
    if (!sum) {
      const talk = ids.get(id) ?? talkFrom(word, key.slice(second + 1));
      if (talk === null) return false;
      ids.set(id, talk);
      sum = { cgroup, id, talk, messages: 0, bytes: 0 };
      talks.set(whose, sum);
    }
    sum.messages += cell.messages;
    sum.bytes += cell.bytes;
    return true;
  });
  const meaning = map === null ? undefined : probe.maps.get(map);
  if (map === null || meaning?.holds !== 'flows') return null;
  const { set, direction } = meaning;
  const { entries, traffic } = sums;
  return { ...NOTHING, map, set, direction, entries, traffic, talks: [...talks.values()] };
}

/** A talk's messages and bytes, still being added up. */
type TalkSum = { -readonly [K in keyof TalkCount]: TalkCount[K] };

/** 32 bits, or null. */
function wordFrom(text: string): number | null {
  const word = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return word <= 0xffff_ffff ? word : null;
}

function talkFrom(word: number, addresses: string): Talk | null {
  const [, a, b] = /^(-?\d{1,20}),(-?\d{1,20})$/.exec(addresses) ?? [];
  return a === undefined || b === undefined ? null : decodeTalk(word, unsigned(a), unsigned(b));
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
