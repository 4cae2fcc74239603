import type { Probe } from '../bpf/contract.ts';
import { BUCKETS, upperBound } from '../core/histogram.ts';

/** What bpftrace prints with each probe on a host of many containers. */

/** Capacity of each map, entries: more than any of these lines holds. */
export const MAP_KEYS = 131_072;

/** Kernel time at which all lines are read, milliseconds: after all of them were written. */
export const READ_AT = 10_000_000;

/** Size buckets that each container uses in each direction. */
const USED = 8;

const DIRECTIONS = ['send', 'receive'] as const;

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
  packed: (direction, set, ids) => [sums(direction, set, ids, (id, _, bucket) => `${id},${bucket}`)],
  flows: (direction, set, ids) => [
    // Each container has an address of its own, and is a TCP client of 10.0.0.1:80.
    sums(direction, set, ids, (id, i, bucket) => {
      const own = BigInt(10 + (1 << 8) + ((i >> 8) << 16)) + (BigInt(i & 255) << 24n);
      return `${id},${80 * 2 ** 24 + bucket},${(own << 32n) + 0x0100_000an},0`;
    }),
  ],
};

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

const at = (interval: number): number => 1_000_000_000_000 + interval * 5_000_000_000;

/** What the probe says first: when it began, and so many containers. */
export function beginning(probe: Probe, containers: number): string[] {
  const births = idsOf(containers).map(id => `mkdir ${at(0)} ${id} /docker/${id.padEnd(64, 'a')}\n`);
  return [`begin ${at(0)} ${probe.name} 5000 ${MAP_KEYS}\n`, ...births].map(text => line('printf', text));
}

/** A readout in which each of them has traffic; intervals are counted from 1. */
export function readout(probe: Probe, interval: number, containers: number): string[] {
  const set = interval % 2 === 1 ? 'a' : 'b';
  const ids = idsOf(containers);
  return [
    line('printf', `flip ${at(interval)} ${set}\n`),
    ...DIRECTIONS.flatMap(direction => MAPS[probe.name]?.(direction, set, ids) ?? []),
    line('printf', `end ${at(interval)}\n`),
  ];
}
