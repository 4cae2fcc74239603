import type { MapSet, Probe } from '../../../bpf/contract.ts';
import type { Input } from '../../../collector/contract.ts';
import { DIRECTIONS } from '../../../core/traffic/frame.ts';
import { BUCKETS, upperBound } from '../../../core/traffic/histogram.ts';

/** What bpftrace prints with each probe on a host of many containers. */

/** Capacity of each map, entries: more than any of these lines holds. */
export const MAP_KEYS = 131_072;

/** Kernel time at which all lines are read, milliseconds: after all of them were written. */
export const READ_AT = 10_000_000;

/** Size buckets that each container uses in each direction. */
const USED = 8;

/** A line of bpftrace: `": "` and `", "` as it writes them. */
const line = (type: string, data: unknown): string =>
  JSON.stringify({ type, data }).replaceAll('":', '": ').replaceAll(',"', ', "');

/** What a probe prints of the maps of one set and direction, when these cgroups have had traffic. */
const MAPS: Readonly<Record<string, (direction: string, set: string, ids: readonly string[]) => string[]>> = {
  lhist(direction, set, ids) {
    const map = (name: string, value: unknown) => ({
      [name]: Object.fromEntries(ids.map(id => [id, value])),
    });
    const hist = (bounds: readonly number[], width: number): unknown[] =>
      bounds.map(min => ({
        min,
        ...(Number.isFinite(upperBound(min)) ? { max: min + width - 1 } : {}),
        count: 1 + ((min * 31) % 250),
      }));
    return [
      line('hist', map(`@${direction}_fine_${set}`, hist(BUCKETS.slice(1, 1 + USED / 2), 64))),
      line('hist', map(`@${direction}_coarse_${set}`, hist(BUCKETS.slice(64, 64 + USED / 2), 4096))),
      line('map', map(`@${direction}_bytes_${set}`, 1_234_567)),
    ];
  },
  packed: (direction, set, ids) => [
    sums(direction, set, ids, (id, _, bucket) => `${Number(id) * 128 + bucket}`),
  ],
  flows: (direction, set, ids) => [
    // Each container is a TCP client of 10.0.0.1:80.
    sums(direction, set, ids, (id, i, bucket) => {
      const both = addressOf(i).map(BigInt).concat([10n, 0n, 0n, 1n]);
      const inMemory = both.map((byte, place) => byte << BigInt(8 * (place < 4 ? place + 4 : place - 4)));
      return `${id},${80 * 2 ** 24 + bucket},${inMemory.reduce((sum, part) => sum + part)},0`;
    }),
  ],
};

/** The i-th container has an IPv4 address of its own. */
const addressOf = (i: number): number[] => [10, 1, i >> 8, i & 255];

/** A map of packed sums, in the order of a hash. */
function sums(
  direction: string,
  set: string,
  ids: readonly string[],
  key: (id: string, i: number, bucket: number) => string,
): string {
  const buckets = Array.from({ length: USED }, (_, i) => i * 9);
  const entries = buckets.flatMap(bucket =>
    ids.map((id, i) => [key(id, i, bucket), (bucket < 64 ? 2 ** 35 : 2 ** 38) * (1 + ((i * 31) % 250))]),
  );
  return line('map', { [`@${direction}_${set}`]: Object.fromEntries(entries) });
}

/** Cgroup ids of so many containers. */
const idsOf = (containers: number): string[] =>
  Array.from({ length: containers }, (_, i) => String(1000 + i));

/** When intervals are: kernel time of the first one's start and length of each, nanoseconds. */
export interface Pace {
  readonly start: number;
  readonly interval: number;
}

/** Long ago, when bench lines are read. */
const LONG_AGO: Pace = { start: 1e12, interval: 5e9 };

const at = ({ start, interval }: Pace, number: number): number => start + number * interval;

/** What the probe says first: when it began, and so many containers. */
export function beginning(probe: Probe, containers: number, pace = LONG_AGO): string[] {
  const { start } = pace;
  const births = idsOf(containers).map(id => `mkdir ${start} ${id} /docker/${id.padEnd(64, 'a')}`);
  return [`begin ${start} ${probe.name} ${pace.interval / 1e6} ${MAP_KEYS}`, ...births].map(mark);
}

/** What the host says of their networks. */
export const networks = (containers: number): Input[] =>
  idsOf(containers).map((cgroup, i) => {
    const network = { netns: 4_026_532_000 + i, addresses: [addressOf(i).join('.')] };
    return { kind: 'networked', cgroup, network };
  });

/** The maps of a set in which each of them has traffic. */
export function mapsOf(probe: Probe, set: MapSet, containers: number): string[] {
  const ids = idsOf(containers);
  return DIRECTIONS.flatMap(direction => MAPS[probe.name]?.(direction, set, ids) ?? []);
}

/** The readout of an interval, counted from 1; `maps`: of each set. */
export function readout(
  interval: number,
  maps: Readonly<Record<MapSet, readonly string[]>>,
  pace = LONG_AGO,
): string[] {
  const set = interval % 2 === 1 ? 'a' : 'b';
  const ns = at(pace, interval);
  return [mark(`flip ${ns} ${set}`), ...maps[set], mark(`end ${ns}`)];
}

const mark = (text: string): string => line('printf', `${text}\n`);
