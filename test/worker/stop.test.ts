import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Frame } from '../../core/traffic/frame.ts';
import type { DeliveryResult, Receiver } from '../../notify/contract.ts';
import { createInlineQueue } from '../../queue/inline.ts';
import { Worker } from '../../worker/worker.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { LIMITS, limitFold, openFiles, refusing, STORY, UNGROUPED } from './fixture.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Workers of one state and store, one after the other; `away` says which methods of the state reject, and counts. */
async function installation(receivers: readonly Receiver[] = []) {
  const clock = new ManualClock();
  const { log } = recordingLog();
  const { store, state } = openFiles(folder.path, clock);
  await store.open();
  await state.open();
  const queue = createInlineQueue({ lanes: 1, clock, log });
  const away = { from: (_method: string) => false, asked: 0 };
  const shared = refusing(state, method => {
    if (!away.from(method)) return false;
    away.asked++;
    return true;
  });
  return {
    ...{ clock, store, state, queue, away },
    async start(owner: string): Promise<Worker> {
      const worker = Worker.start({
        ...{
          fold: limitFold(1_000_000),
          store,
          queue,
          state: shared,
          receivers,
          policy: UNGROUPED,
          clock,
          log,
        },
        ...{ owner, leaseMs: 60_000, checkpointMs: 1000, silentAfterMs: 60_000 },
      });
      await until('the lane', () => worker.status().lanes === 1);
      return worker;
    },
    async publish(frames: readonly Frame[]): Promise<void> {
      for (const frame of frames) {
        await store.writeFrames([frame]);
        await queue.publish(frame);
      }
    },
    /** Returns how long it took, ms. */
    async stop(worker: Worker): Promise<number> {
      const started = clock.now();
      let ended = false;
      const stopped = worker.stop().then(() => {
        ended = true;
      });
      await until('the end', () => {
        // Only while somebody sleeps: what is done meanwhile takes the time of the machine, not of this clock.
        if (!ended && clock.sleeping > 0) clock.advance(500);
        return ended;
      });
      await stopped;
      return clock.now() - started;
    },
    async close(): Promise<void> {
      await Promise.all([queue.close(), state.close(), store.close()]);
    },
  };
}

it('a worker ends in time though the state rejects everything, in the middle of a frame', async () => {
  const { start, publish, stop, close, away, clock } = await installation();
  const worker = await start('a');
  away.from = () => true;
  await publish(STORY.slice(0, 10));
  await until('a write to be tried again', () => away.asked > 0 && clock.sleeping > 0);
  expect(await stop(worker)).toBeLessThanOrEqual(11_000);
  await close();
});

it('a worker that ends before it could write what a frame gave leaves that frame to its successor', async () => {
  const { start, publish, stop, close, away, state } = await installation();
  const worker = await start('a');
  await publish(STORY.slice(0, 5));
  await until('them to be folded', () => worker.status().frames === 5);
  away.from = method => method === 'commit';
  await publish(STORY.slice(5, 6));
  await until('the incident to be refused', () => away.asked > 0);
  await stop(worker);
  away.from = () => false;
  const successor = await start('b');
  const incidents = () => state.incidents({ from: 0, to: Number.MAX_SAFE_INTEGER }, 10);
  await until('the incident', async () => (await incidents()).length === 1);
  await stop(successor);
  await close();
});

it('what a worker has counted is neither missing nor there twice while it ends', async () => {
  const seen: string[] = [];
  let worker: Worker | null = null;
  const look = () => {
    const status = worker?.status();
    if (status) seen.push(`${status.frames} frames, ${status.delivered} delivered`);
  };
  // Accepts the first message; the next one is under way when the worker ends.
  const answers: ((signal: AbortSignal) => Promise<DeliveryResult>)[] = [async () => ({ kind: 'accepted' })];
  let underWay = false;
  const untilCutShort = (signal: AbortSignal): Promise<DeliveryResult> => {
    underWay = true;
    return new Promise(resolve => {
      signal.addEventListener('abort', () => {
        look();
        resolve({ kind: 'retry', reason: 'cut short' });
      });
    });
  };
  const chat: Receiver = {
    ...{ name: 'chat', address: 'nowhere', limits: LIMITS },
    deliver: (_, signal) => (answers.shift() ?? untilCutShort)(signal),
  };
  const { start, publish, stop, close, away, clock } = await installation([chat]);
  worker = await start('a');
  away.from = method => {
    if (method === 'release') look();
    return false;
  };
  await publish(STORY.slice(0, 15));
  await until('the second message', () => {
    clock.advance(250);
    return underWay && worker?.status().frames === 15;
  });
  await stop(worker);
  look();
  expect(seen.length).toBeGreaterThanOrEqual(4);
  expect(new Set(seen)).toEqual(new Set(['15 frames, 1 delivered']));
  await close();
});
