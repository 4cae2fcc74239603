import type { Probe } from './contract.ts';
import { BUCKET_BITS, PACKING, PART_MS } from './packing.ts';
import { INTERNAL, mapsOf, renderProgram, statementsOf } from './program.ts';

const maps = mapsOf([['', 'packed']]);

/** Messages, bytes and sizes in one map update; packed.bt is its manual. */
export const packed: Probe = {
  name: 'packed',
  summary: 'counts, bytes and sizes in one packed map',
  hooks: ['tracepoint', 'fentry', 'kprobe'],
  tracepoints: [],
  cost: 1.5,
  maps,
  internal: INTERNAL,
  render: parameters =>
    renderProgram(
      {
        name: 'packed',
        prepare: statementsOf('packing.bt'),
        record: statementsOf('packed.bt'),
        maps,
        numbers: { ...PACKING, BUCKET_BITS },
        partMs: PART_MS,
      },
      parameters,
    ),
};
