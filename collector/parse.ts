import type { MapMeaning, Probe } from '../bpf/contract.ts';
import { MESSAGE } from '../bpf/flows.ts';
import { printable } from '../core/errors.ts';
import { BUCKETS, isBucket, upperBound } from '../core/histogram.ts';
import { CONNECTION_KINDS, type ConnectionKind, type Counts, type Event } from './contract.ts';
import { bucketNumber, decodeTalk, readAddress, type Talk } from './flows/talk.ts';
import { decodePath, isCut } from './path.ts';

/** bpftrace's output, line by line. Pure; never throws, whatever the line is. */

/** Longest line that a map of this capacity can print, characters; at most 256 MiB. */
export function lineCap(mapKeys: number): number {
  // Two entries of one key print at most all 64 buckets between them, at up to 64 characters each.
  return Math.min(64 * 1024 + mapKeys * 2048, 256 * 1024 * 1024);
}

/** What a line says. Empty lines and maps that are the probe's own business say nothing. */
export function parseLine(probe: Probe, text: string): readonly Event[] {
  if (text.trim() === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(quoteLong(text));
  } catch {
    return [garbage('no JSON', text)];
  }
  if (!isObject(value)) return [garbage('no object', text)];
  switch (value.type) {
    case 'printf':
      return [typeof value.data === 'string' ? printed(value.data) : garbage('printf without text', text)];
    case 'hist':
    case 'map':
      return mapEvents(probe, value.data, text);
    case 'attached_probes':
      return [{ kind: 'attached' }];
    case 'lost_events': {
      const events = isObject(value.data) ? countFrom(value.data.events) : null;
      return [events === null ? garbage('lost_events without number', text) : { kind: 'lost', events }];
    }
    default:
      return [garbage('unknown type', text)];
  }
}

/** Values of maps that a double cannot hold become text; up to 0.19 bpftrace prints them as bare numbers. */
const quoteLong = (text: string): string =>
  text.startsWith('{"type": "map"') ? text.replace(/": (-?\d{16,20})(?=[,}])/g, '": "$1"') : text;

function printed(data: string): Event {
  const [, word, ns, rest] = /^([a-z]+) (\d{1,19})(?: (.*))?\n$/s.exec(data) ?? [];
  const time = Number(ns);
  switch (word) {
    case 'begin': {
      const [, probe, intervalMs, mapKeys] = /^([a-z0-9_-]+) (\d{1,6}) (\d{1,8})$/.exec(rest ?? '') ?? [];
      if (!probe) break;
      return { kind: 'begin', ns: time, probe, intervalMs: Number(intervalMs), mapKeys: Number(mapKeys) };
    }
    case 'flip':
      if (rest === 'a' || rest === 'b') return { kind: 'flip', ns: time, set: rest };
      break;
    case 'end':
      if (rest === undefined) return { kind: 'end', ns: time };
      break;
    case 'mkdir':
    case 'rmdir': {
      const [, cgroup, path] = /^(\d{1,20}) (\/.*)$/s.exec(rest ?? '') ?? [];
      if (!cgroup || !path) break;
      const kind = word === 'mkdir' ? 'birth' : 'death';
      return { kind, ns: time, cgroup, path: decodePath(path), cut: isCut(path) };
    }
  }
  return garbage('unknown text', data);
}

function mapEvents(probe: Probe, data: unknown, text: string): readonly Event[] {
  if (!isObject(data)) return [garbage('map without data', text)];
  const events: Event[] = [];
  for (const [map, content] of Object.entries(data)) {
    if (probe.internal.includes(map)) continue;
    const meaning = probe.maps.get(map);
    const counts = meaning && isObject(content) ? READERS[meaning.holds](map, meaning, content) : null;
    events.push(counts ?? garbage(meaning ? 'map out of shape' : 'unknown map', text));
  }
  return events;
}

type Reader = (map: string, meaning: MapMeaning, content: Record<string, unknown>) => Counts | null;

/** How the content of a map is read, by what it holds; null when it is not of the expected shape. */
const READERS: Readonly<Record<MapMeaning['holds'], Reader>> = {
  sizes(map, { set, direction }, content) {
    const sizes: Counts['sizes'][number][] = [];
    for (const [cgroup, buckets] of Object.entries(content)) {
      if (!isCgroup(cgroup) || !Array.isArray(buckets)) return null;
      for (const bucket of buckets) {
        const read = readBucket(bucket);
        if (read === null) return null;
        if (read.count > 0) sizes.push({ cgroup, ...read });
      }
    }
    return { kind: 'counts', map, set, direction, entries: sizes.length, ...NOTHING, sizes };
  },
  bytes(map, { set, direction }, content) {
    const sums: Counts['bytes'][number][] = [];
    for (const [cgroup, value] of Object.entries(content)) {
      const bytes = countFrom(value);
      if (!isCgroup(cgroup) || bytes === null) return null;
      sums.push({ cgroup, bytes });
    }
    return { kind: 'counts', map, set, direction, entries: sums.length, ...NOTHING, bytes: sums };
  },
  flows(map, { set, direction }, content) {
    const known = new Map<string, Talk>();
    const sizes: Counts['sizes'][number][] = [];
    const bytes: Counts['bytes'][number][] = [];
    const talks: Counts['talks'][number][] = [];
    for (const [key, value] of Object.entries(content)) {
      const [, cgroup, wordText, a, b] = /^(\d{1,20}),(\d{1,10}),(-?\d{1,20}),(-?\d{1,20})$/.exec(key) ?? [];
      const word = Number(wordText);
      const bound = BUCKETS[bucketNumber(word)];
      const sum = packedFrom(value);
      if (!cgroup || !a || !b || word > 0xffff_ffff || bound === undefined || sum === null) return null;
      const id = `${word - bucketNumber(word)},${a},${b}`;
      const talk = known.get(id) ?? decodeTalk(word, unsigned(a), unsigned(b));
      known.set(id, talk);
      sizes.push({ cgroup, bound, count: sum.messages });
      bytes.push({ cgroup, bytes: sum.bytes });
      talks.push({ cgroup, id, talk, ...sum });
    }
    return { kind: 'counts', map, set, direction, entries: talks.length, ...NOTHING, sizes, bytes, talks };
  },
  ends(map, { set, direction }, content) {
    const ends: Counts['ends'][number][] = [];
    for (const [key, value] of Object.entries(content)) {
      const [, cgroup, kindText, portText, netns, own, peer] =
        /^(\d{1,20}),([123]),(\d{1,5}),(\d{1,10}),([0-9a-f:.]{2,45}),([0-9a-f:.]{2,45})$/.exec(key) ?? [];
      const kind = connectionKind(kindText);
      const count = countFrom(value);
      const port = Number(portText);
      if (!cgroup || !kind || !own || !peer || port > 65_535 || count === null) return null;
      const addresses = { own: readAddress(own), peer: readAddress(peer) };
      ends.push({ cgroup, kind, count, port, netns: Number(netns), ...addresses });
    }
    return { kind: 'counts', map, set, direction, entries: 0, ...NOTHING, ends };
  },
  connections(map, { set, direction }, content) {
    const connections: Counts['connections'][number][] = [];
    for (const [key, value] of Object.entries(content)) {
      const [, cgroup, kindText] = /^(\d{1,20}),([123])$/.exec(key) ?? [];
      const kind = connectionKind(kindText);
      const count = countFrom(value);
      if (!cgroup || !kind || count === null) return null;
      connections.push({ cgroup, kind, count });
    }
    // A full map of ends is no loss, and this one has at most three entries for each cgroup.
    return { kind: 'counts', map, set, direction, entries: 0, ...NOTHING, connections };
  },
};

const NOTHING = { sizes: [], bytes: [], talks: [], ends: [], connections: [] };

/** Kinds are numbered from 1 on in the probe. */
const connectionKind = (text: string | undefined): ConnectionKind | undefined =>
  CONNECTION_KINDS[Number(text) - 1];

/** 64 bits that bpftrace may have printed with a sign. */
const unsigned = (text: string): bigint => BigInt.asUintN(64, BigInt(text));

/** Messages and bytes of one sum, as flows.bt packs them; null when it is none. */
function packedFrom(value: unknown): { messages: number; bytes: number } | null {
  if (typeof value === 'number' ? !Number.isSafeInteger(value) : !/^-?\d{1,20}$/.test(String(value)))
    return null;
  const sum = unsigned(String(value));
  const messages = Number(sum / BigInt(MESSAGE));
  return messages > 0 ? { messages, bytes: Number(sum % BigInt(MESSAGE)) } : null;
}

/** A bucket of lhist(): `max` is inclusive, and absent in the overflow bucket. */
function readBucket(bucket: unknown): { bound: number; count: number } | null {
  if (!isObject(bucket)) return null;
  const { min, max } = bucket;
  const count = countFrom(bucket.count);
  if (typeof min !== 'number' || !isBucket(min) || count === null) return null;
  const top = max === undefined ? Number.POSITIVE_INFINITY : typeof max === 'number' ? max + 1 : Number.NaN;
  return top === upperBound(min) ? { bound: min, count } : null;
}

/** A count as bpftrace prints it: a number, or text where a double could not hold it. Null when it is no exact count. */
function countFrom(value: unknown): number | null {
  const n = typeof value === 'string' && /^\d{1,20}$/.test(value) ? Number(value) : value;
  return typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 ? n : null;
}

const isCgroup = (text: string): boolean => /^\d{1,20}$/.test(text);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const garbage = (what: string, text: string): Event => ({
  kind: 'garbage',
  reason: `${what}: ${printable(text.slice(0, 200), 120)}`,
});
