import type { MapMeaning, Probe } from '../bpf/contract.ts';
import { unpack } from '../bpf/packing.ts';
import { eventsSet } from '../bpf/program.ts';
import { printable } from '../core/errors.ts';
import { isBucket, upperBound } from '../core/histogram.ts';
import type { CgroupTraffic, Counts, Event } from './contract.ts';
import { readConnections, readEnds, readTalks } from './flows/parse.ts';
import { decodePath, isCut } from './path.ts';
import { scanSums } from './scan.ts';
import { TrafficSums } from './sums.ts';

/** bpftrace's output, line by line. Pure; never throws, whatever the line is. */

/** Longest line that a map of this capacity can print, characters; at most 256 MiB. */
export function lineCap(mapKeys: number): number {
  // Two entries of one key print at most all 64 buckets between them, at up to 64 characters each.
  return Math.min(64 * 1024 + mapKeys * 2048, 256 * 1024 * 1024);
}

/** What a line says. Empty lines and maps that are the probe's own business say nothing. */
export function parseLine(probe: Probe, text: string): readonly Event[] {
  if (text.trim() === '') return [];
  const packed = readPacked(probe, text) ?? readTalks(probe, text);
  if (packed) return [packed];
  let value: unknown;
  try {
    value = JSON.parse(text);
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

function printed(data: string): Event {
  const [, word, ns, rest] = /^([a-z]+) (\d{1,19})(?: (.*))?\n$/s.exec(data) ?? [];
  const time = Number(ns);
  switch (word) {
    case 'begin': {
      const [, probe, intervalMs, mapKeys] = /^([a-z0-9_-]+) (\d{1,6}) (\d{1,8})$/.exec(rest ?? '') ?? [];
      if (!probe) break;
      return { kind: 'begin', ns: time, probe, intervalMs: Number(intervalMs), mapKeys: Number(mapKeys) };
    }
    case 'detach':
      return { kind: 'detach' };
    case 'flip':
      if (rest === 'a' || rest === 'b') return { kind: 'flip', ns: time, set: rest };
      break;
    case 'end':
    case 'more':
      if (rest === undefined) return { kind: word, ns: time };
      break;
    case 'mkdir':
    case 'rmdir':
      return cgroupEvent(word, time, rest ?? '') ?? garbage('unknown text', data);
  }
  return garbage('unknown text', data);
}

/** Birth or death of a cgroup: `ID PATH`; null when it is none. */
function cgroupEvent(word: 'mkdir' | 'rmdir', ns: number, rest: string): Event | null {
  const [, cgroup, path] = /^(\d{1,20}) (\/.*|)$/s.exec(rest) ?? [];
  if (!cgroup || path === undefined) return null;
  // bpftrace 0.23 cannot read the path: of a birth it is looked up by its id, of a death the id is enough.
  if (path === '' && word === 'mkdir') return { kind: 'birth', ns, cgroup, path: '/?', cut: true };
  const kind = word === 'mkdir' ? 'birth' : 'death';
  return { kind, ns, cgroup, path: decodePath(path), cut: isCut(path) };
}

function mapEvents(probe: Probe, data: unknown, text: string): readonly Event[] {
  if (!isObject(data)) return [garbage('map without data', text)];
  const events: Event[] = [];
  for (const [map, content] of Object.entries(data)) {
    if (probe.internal.includes(map)) continue;
    const set = eventsSet(map);
    if (set) {
      const messages = totalFrom(content);
      events.push(messages === null ? garbage('no count of events', text) : { kind: 'total', set, messages });
      continue;
    }
    const meaning = probe.maps.get(map);
    const counts = meaning && isObject(content) ? READERS[meaning.holds](map, meaning, content) : null;
    events.push(counts ?? garbage(meaning ? 'map out of shape' : 'unknown map', text));
  }
  return events;
}

/** A map of packed sums; null when the line is none, or not of the expected shape. */
function readPacked(probe: Probe, text: string): Counts | null {
  const sums = new TrafficSums();
  const map = scanSums(text, (key, high, low) => {
    const comma = key.indexOf(',');
    const number = key.slice(comma + 1);
    const cell = /^\d{1,2}$/.test(number) ? unpack(Number(number), high, low) : null;
    return cell !== null && sums.add(key.slice(0, comma), cell);
  });
  const meaning = map === null ? undefined : probe.maps.get(map);
  if (map === null || meaning?.holds !== 'packed') return null;
  const { set, direction } = meaning;
  return { kind: 'counts', map, set, direction, entries: sums.entries, ...NOTHING, traffic: sums.traffic };
}

/** The sum over all processors, or null. */
function totalFrom(content: unknown): number | null {
  if (!isObject(content)) return null;
  let total = 0;
  for (const value of Object.values(content)) total += countFrom(value) ?? Number.NaN;
  return Number.isSafeInteger(total) ? total : null;
}

type Reader = (map: string, meaning: MapMeaning, content: Record<string, unknown>) => Counts | null;

/** How the content of a map is read, by what it holds; null when it is not of the expected shape. */
const READERS: Readonly<Record<MapMeaning['holds'], Reader>> = {
  // readPacked has read those that are in shape.
  packed: () => null,
  sizes(map, { set, direction }, content) {
    const traffic: CgroupTraffic[] = [];
    let entries = 0;
    for (const [key, buckets] of Object.entries(content)) {
      const cgroup = cgroupOf(key);
      if (cgroup === null || !Array.isArray(buckets)) return null;
      const sizes: [bound: number, count: number][] = [];
      for (const bucket of buckets) {
        const read = readBucket(bucket);
        if (read === null) return null;
        if (read.count > 0) sizes.push([read.bound, read.count]);
      }
      entries += sizes.length;
      if (sizes.length > 0) traffic.push({ cgroup, bytes: 0, sizes });
    }
    return { kind: 'counts', map, set, direction, entries, ...NOTHING, traffic };
  },
  bytes(map, { set, direction }, content) {
    const traffic: CgroupTraffic[] = [];
    for (const [key, value] of Object.entries(content)) {
      const cgroup = cgroupOf(key);
      const bytes = countFrom(value);
      if (cgroup === null || bytes === null) return null;
      traffic.push({ cgroup, bytes, sizes: [] });
    }
    return { kind: 'counts', map, set, direction, entries: traffic.length, ...NOTHING, traffic };
  },
  // readTalks has read those that are in shape.
  flows: () => null,
  ends: readEnds,
  connections: readConnections,
};

/** A key is a cgroup, or a cgroup and a processor (bpf/racy-keys.ts). */
const cgroupOf = (key: string): string | null => /^(\d{1,20})(?:,\d{1,5})?$/.exec(key)?.[1] ?? null;

const NOTHING = { traffic: [], talks: [], ends: [], connections: [] };

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

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const garbage = (what: string, text: string): Event => ({
  kind: 'garbage',
  reason: `${what}: ${printable(text.slice(0, 200), 120)}`,
});
