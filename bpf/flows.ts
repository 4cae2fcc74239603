import { readFileSync } from 'node:fs';
import { DIRECTIONS } from '../core/frame.ts';
import { BUCKETS, SIZE_SCHEME } from '../core/histogram.ts';
import { type MapMeaning, type Probe, SETS } from './contract.ts';
import { fill } from './template.ts';

/** What one message adds to an entry, on top of its bytes: the count is above bit 37. */
export const MESSAGE = 2 ** 37;

/** Messages, bytes and sizes between whom, in one map update; flows.bt is its manual. */
export const flows: Probe = {
  name: 'flows',
  summary: 'counts, bytes and sizes per peer and service port in one packed map, and TCP connections',
  hooks: ['tracepoint'],
  tracepoints: ['sock/inet_sock_set_state', 'fib/fib_table_lookup', 'fib6/fib6_table_lookup'],
  cost: 1.8,
  maps: new Map(SETS.flatMap(mapsOf)),
  internal: ['@set', '@reading', '@to', '@to6_ports', '@to6_high', '@to6_low'],
  render: parameters =>
    fill(readFileSync(new URL('flows.bt', import.meta.url), 'utf8'), {
      INTERVAL_MS: parameters.intervalMs,
      MAP_KEYS: parameters.mapKeys,
      FINE_STEP: SIZE_SCHEME.fine.step,
      FINE_LIMIT: SIZE_SCHEME.fine.limit,
      FINE_BUCKETS: SIZE_SCHEME.fine.limit / SIZE_SCHEME.fine.step,
      COARSE_STEP: SIZE_SCHEME.coarse.step,
      COARSE_LIMIT: SIZE_SCHEME.coarse.limit,
      OVERFLOW_BUCKET: BUCKETS.length - 1,
      MESSAGE,
    }),
};

function mapsOf(set: MapMeaning['set']): [name: string, meaning: MapMeaning][] {
  return [
    ...DIRECTIONS.map((direction): [string, MapMeaning] => [
      `@${direction}_${set}`,
      { holds: 'flows', set, direction },
    ]),
    [`@ends_${set}`, { holds: 'ends', set, direction: 'send' }],
    [`@conns_${set}`, { holds: 'connections', set, direction: 'send' }],
  ];
}
