import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createInlineQueue } from '../../queue/inline.ts';
import { Worker } from '../../worker/worker.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { limitFold, openFiles, refusing, STORY } from './fixture.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

it('a worker ends in time though the state rejects everything, in the middle of a frame', async () => {
  const clock = new ManualClock();
  const { log } = recordingLog();
  const { store, state } = openFiles(folder.path, clock);
  await store.open();
  await state.open();
  const queue = createInlineQueue({ lanes: 1, clock, log });
  const away = { now: false, asked: 0 };
  const shared = refusing(state, () => {
    if (away.now) away.asked++;
    return away.now;
  });
  const worker = Worker.start({
    ...{ fold: limitFold(1_000_000), store, queue, state: shared, receivers: [], clock, log },
    ...{ owner: 'a', leaseMs: 8000, checkpointMs: 1000 },
  });
  await until('the lane', () => worker.status().lanes === 1);
  away.now = true;
  for (const frame of STORY.slice(0, 10)) {
    await store.writeFrames([frame]);
    await queue.publish(frame);
  }
  await until('a write to be tried again', () => away.asked > 0 && clock.sleeping > 0);
  let ended = false;
  const started = clock.now();
  const stopped = worker.stop().then(() => {
    ended = true;
  });
  await until('the end', () => {
    if (!ended) clock.advance(500);
    return ended;
  });
  await stopped;
  expect(clock.now() - started).toBeLessThanOrEqual(11_000);
  await queue.close();
  await state.close();
  await store.close();
});
