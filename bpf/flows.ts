import { type MapMeaning, type Probe, SETS } from './contract.ts';
import { PACKING, PART_MS } from './packing.ts';
import { INTERNAL, mapsOf, renderProgram, statementsOf, textOf } from './program.ts';

const maps: ReadonlyMap<string, MapMeaning> = new Map([
  ...mapsOf([['', 'flows']]),
  ...SETS.flatMap((set): [string, MapMeaning][] => [
    [`@ends_${set}`, { holds: 'ends', set, direction: 'send' }],
    [`@clients_${set}`, { holds: 'clients', set, direction: 'send' }],
    [`@conns_${set}`, { holds: 'connections', set, direction: 'send' }],
  ]),
]);

/** Messages, bytes and sizes by peer and port, in one map update; flows.bt is its manual. */
export const flows: Probe = {
  name: 'flows',
  summary: 'counts, bytes and sizes per peer and service port in one packed map, and TCP connections',
  hooks: ['tracepoint'],
  tracepoints: [
    'sock/inet_sock_set_state',
    'fib/fib_table_lookup',
    'fib6/fib6_table_lookup',
    'sched/sched_process_exit',
  ],
  cost: 1.9,
  maps,
  internal: [...INTERNAL, '@to', '@to_before', '@to6_ports', '@to6_high', '@to6_low'],
  render: parameters =>
    renderProgram(
      {
        name: 'flows',
        probes: textOf('flows-probes.bt'),
        prepare: statementsOf('packing.bt') + statementsOf('flows-key.bt'),
        prepareSend: statementsOf('flows-route.bt'),
        record: statementsOf('flows.bt'),
        maps,
        numbers: PACKING,
        partMs: PART_MS,
      },
      parameters,
    ),
};
