import { readFileSync } from 'node:fs';
import { DIRECTIONS } from '../core/frame.ts';
import { SIZE_SCHEME } from '../core/histogram.ts';
import { type MapMeaning, type Probe, SETS } from './contract.ts';
import { fill } from './template.ts';

/** The readable reference probe; lhist.bt is its manual. */
export const lhist: Probe = {
  name: 'lhist',
  summary: "bpftrace's own lhist() and sum() per cgroup and direction: the readable reference",
  hook: 'tracepoint',
  tracepoints: [
    'sock/sock_send_length',
    'sock/sock_recv_length',
    'cgroup/cgroup_mkdir',
    'cgroup/cgroup_rmdir',
  ],
  kernel: '6.3',
  cost: 2.0,
  maps: new Map(SETS.flatMap(set => DIRECTIONS.flatMap(direction => mapsOf(set, direction)))),
  internal: ['@set', '@reading'],
  render: parameters =>
    fill(readFileSync(new URL('lhist.bt', import.meta.url), 'utf8'), {
      INTERVAL_MS: parameters.intervalMs,
      MAP_KEYS: parameters.mapKeys,
      FINE_STEP: SIZE_SCHEME.fine.step,
      FINE_LIMIT: SIZE_SCHEME.fine.limit,
      COARSE_STEP: SIZE_SCHEME.coarse.step,
      COARSE_LIMIT: SIZE_SCHEME.coarse.limit,
    }),
};

function mapsOf(
  set: MapMeaning['set'],
  direction: MapMeaning['direction'],
): [name: string, meaning: MapMeaning][] {
  return [
    [`@${direction}_fine_${set}`, { holds: 'sizes', set, direction }],
    [`@${direction}_coarse_${set}`, { holds: 'sizes', set, direction }],
    [`@${direction}_bytes_${set}`, { holds: 'bytes', set, direction }],
  ];
}
