import { isDeepStrictEqual } from 'node:util';
import { expect, it } from '@jest/globals';
import { createHostFold } from '../../alert/host.ts';
import { createPipeline } from '../../alert/pipeline.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../detector/index.ts';
import type { Checkpoint } from '../../state/contract.ts';
import { HostWorker } from '../../worker/host.ts';
import { LiveStore } from '../../worker/rows/live-store.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { rules } from '../detector/data/frames.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder } from '../parts/process.ts';
import { openFiles } from './fixture.ts';

const FOLD = createHostFold({
  fold: createFold({ rules: rules(DEFAULT_RULES), detectors: DETECTORS }),
  pipeline: createPipeline({ alert: { resolve_after: 60_000, critical_score: 3 }, receivers: [] }),
});
/** Frames of a host whose containers have more traffic from one to the next. */
const FRAMES = Array.from({ length: 6 }, (_, n) => {
  const { containers, windows } = busyParts(400);
  const more = windows.map(one => ({ ...one, bytes: one.bytes * (n + 1) }));
  return frameOf('box', n, { containers, windows: more });
});

it('a checkpoint of a large host, which is made in pieces, is the state after one frame', async () => {
  const folder = temporaryFolder();
  const clock = new ManualClock();
  const { log } = recordingLog();
  const { signal } = new AbortController();
  const { store, state } = openFiles(folder.path, clock);
  await Promise.all([store.open(), state.open()]);
  const lease = await state.acquire('lane-0', 'a', 1e9);
  if (!lease) throw new Error('the lease is held');
  const saved: Checkpoint[] = [];
  const save = state.saveCheckpoint.bind(state);
  state.saveCheckpoint = (held, checkpoint) => {
    saved.push(checkpoint);
    return save(held, checkpoint);
  };
  const live = new LiveStore({ store, clock, signal });
  const deps = { fold: FOLD, store, live, state, clock, log, signal, checkpointMs: 0 };
  const worker = await HostWorker.start('box', lease, deps);
  await store.writeFrames(FRAMES);
  for (const frame of FRAMES) await worker.take(frame);
  let known = FOLD.init();
  for (const frame of FRAMES) {
    known = FOLD.step(known, frame).state;
    const kept = saved.filter(({ last }) => last === frame.start);
    expect(kept).not.toEqual([]);
    for (const { data } of kept)
      expect(isDeepStrictEqual(FOLD.decode(data), JSON.parse(JSON.stringify(known)))).toBe(true);
  }
  await store.close();
  await state.close();
  folder.remove();
});
