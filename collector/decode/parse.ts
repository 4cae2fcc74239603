import type { MapMeaning, Probe } from '../../bpf/contract.ts';
import { eventsSet } from '../../bpf/program.ts';
import { printable } from '../../core/errors.ts';
import type { Counts, Event } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import { TrafficColumns } from './columns.ts';
import { type ObjectReader, readClients, readConnections, readEnds, readFlows } from './flow-maps.ts';
import { countsOf, type MapReader, readBytes, readPacked, readSizes } from './maps.ts';
import { decodePath, isCut } from './path.ts';
import { mapHead, Scanner } from './scan.ts';

/** bpftrace's output, line by line. Pure; never throws, whatever the line is. */

/** Longest line that a map of this capacity can print, characters; at most 256 MiB. */
export function lineCap(mapKeys: number): number {
  // Two entries of one key print at most all 64 buckets between them, at up to 64 characters each.
  return Math.min(64 * 1024 + mapKeys * 2048, 256 * 1024 * 1024);
}

/**
 * What a line says. Empty lines and maps that are the probe's own business say nothing.
 * @param scan reads maps; pass the same one for many lines to reuse its memory
 */
export function parseLine(probe: Probe, text: string, scan = new Scanner()): readonly Event[] {
  if (text.trim() === '') return [];
  const traffic = readTraffic(probe, text, scan);
  if (traffic) return [traffic];
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
  // Where bpftrace could not read the path: of a birth it is looked up by its id, of a death the id is enough.
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
      const messages = countFrom(content);
      events.push(messages === null ? garbage('no count of events', text) : { kind: 'total', set, messages });
      continue;
    }
    const meaning = probe.maps.get(map);
    const counts = meaning && isObject(content) ? readCounts(map, meaning, content) : null;
    events.push(counts ?? garbage(meaning ? 'map out of shape' : 'unknown map', text));
  }
  return events;
}

/** Maps with an entry for each bucket are read as text: as objects they would cost several times as much. */
const TRAFFIC: Partial<Readonly<Record<MapMeaning['holds'], MapReader>>> = {
  packed: readPacked,
  sizes: readSizes,
  bytes: readBytes,
  flows: readFlows,
};

/** Maps of connections are small. */
const CONNECTIONS: Partial<Readonly<Record<MapMeaning['holds'], ObjectReader>>> = {
  ends: readEnds,
  clients: readClients,
  connections: readConnections,
};

/** A line with a map of traffic; null when it is none, or not of the expected shape. */
function readTraffic(probe: Probe, text: string, scan: Scanner): Counts | null {
  const head = mapHead(text);
  const meaning = head && probe.maps.get(head.name);
  const read = meaning && TRAFFIC[meaning.holds];
  return read ? read(scan.load(text, head.at), head, meaning) : null;
}

/** The content of another map; null when it is not of the expected shape. */
function readCounts(map: string, meaning: MapMeaning, content: Record<string, unknown>): Counts | null {
  const read = CONNECTIONS[meaning.holds];
  if (read) return read(map, meaning, content);
  // readTraffic has read every valid map of traffic, except an empty one, which no bpftrace so far prints.
  return Object.keys(content).length > 0 ? null : countsOf({ name: map }, meaning, new TrafficColumns());
}

/** A count as bpftrace prints it: a number, or text where a double could not hold it. Null when it is none. */
function countFrom(value: unknown): number | null {
  const n = typeof value === 'string' && /^\d{1,20}$/.test(value) ? Number(value) : value;
  return typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= LIMITS.count ? n : null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const garbage = (what: string, text: string): Event => ({
  kind: 'garbage',
  reason: `${what}: ${printable(text.slice(0, 200), 120)}`,
});
