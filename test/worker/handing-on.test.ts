import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { frameEnd } from '../../core/traffic/frame.ts';
import { createInlineQueue, type InlineQueue } from '../../queue/inline.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { Worker } from '../../worker/worker.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { limitFold, openFiles, STORY, UNGROUPED } from './fixture.ts';

const LEASE_MS = 1000;
const FRAMES = STORY.slice(0, 4);
const END = Math.max(...FRAMES.map(frameEnd));

describe('a worker with a lane more than its share', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let store: Store;
  let state: State;
  let queue: InlineQueue;
  let worker: Worker;
  const { log } = recordingLog();

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(async () => {
    await worker.stop();
    await Promise.all([queue.close(), state.close(), store.close()]);
    folder.remove();
  });

  /** Has judged frames that are not stored, at this time, epoch ms. */
  async function start(now: number): Promise<void> {
    clock = new ManualClock(now);
    ({ store, state } = openFiles(folder.path, clock));
    await Promise.all([store.open(), state.open()]);
    queue = createInlineQueue({ lanes: 1, clock, log });
    worker = Worker.start({
      ...{ fold: limitFold(1_000_000), store, queue, state, receivers: [], policy: UNGROUPED, clock, log },
      ...{ owner: 'b', leaseMs: LEASE_MS, checkpointMs: 1e9, silentAfterMs: 60_000 },
    });
    for (const frame of FRAMES) await queue.publish(frame);
    await until('the frames to be judged', () => worker.status().frames === FRAMES.length);
  }

  /** A round of the worker after one of another, to whom the only lane is due. */
  async function round(): Promise<void> {
    await state.announce('a', LEASE_MS);
    clock.advance(LEASE_MS / 4);
    // The worker itself, and the review of what silences hold.
    await until('the worker to rest', () => clock.sleeping >= 2);
  }

  const handedOn = () =>
    until('the lane to be handed on', async () => {
      await round();
      return worker.status().lanes === 0;
    });

  it('keeps it while the store lacks frames that were judged, and then hands it on', async () => {
    await start(END);
    for (let i = 0; i < 8; i++) await round();
    expect(worker.status().lanes).toBe(1);
    await store.writeFrames(FRAMES);
    await handedOn();
  });

  it('keeps it while the store does not answer', async () => {
    await start(END + 600_000);
    const { lastInTurn } = store;
    store.lastInTurn = () => Promise.reject(new Error('no connection'));
    for (let i = 0; i < 8; i++) await round();
    expect(worker.status().lanes).toBe(1);
    store.lastInTurn = lastInTurn;
    await store.writeFrames(FRAMES);
    await handedOn();
  });

  it('hands it on when the frames that the store lacks are of a host that is gone', async () => {
    await start(END + 600_000);
    await handedOn();
  });
});
