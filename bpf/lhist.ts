import { SIZE_SCHEME } from '../core/traffic/histogram.ts';
import type { Probe } from './contract.ts';
import { INTERNAL, mapsOf, renderProgram, statementsOf } from './program.ts';

const maps = mapsOf([
  ['fine_', 'sizes'],
  ['coarse_', 'sizes'],
  ['bytes_', 'bytes'],
]);

/** The readable reference probe; lhist.bt is its manual. */
export const lhist: Probe = {
  name: 'lhist',
  summary: "bpftrace's own lhist() and sum() per cgroup and direction: the readable reference",
  hooks: ['tracepoint', 'fentry', 'kprobe'],
  tracepoints: [],
  cost: 2.1,
  maps,
  internal: INTERNAL,
  render: parameters =>
    renderProgram(
      {
        name: 'lhist',
        record: statementsOf('lhist.bt'),
        maps,
        numbers: {
          FINE_STEP: SIZE_SCHEME.fine.step,
          FINE_LIMIT: SIZE_SCHEME.fine.limit,
          COARSE_STEP: SIZE_SCHEME.coarse.step,
          COARSE_LIMIT: SIZE_SCHEME.coarse.limit,
        },
        partMs: Number.POSITIVE_INFINITY,
      },
      parameters,
    ),
};
