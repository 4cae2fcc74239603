import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Lease, State } from '../../state/contract.ts';
import { createRedisState } from '../../state/redis/state.ts';
import type { Store } from '../../store/contract.ts';
import { type HostDeps, HostWorker } from '../../worker/host.ts';
import { LiveStore } from '../../worker/rows/live-store.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { limitFold, openFiles, STORY, webFrame } from './fixture.ts';

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
/** Sees both bursts of STORY; sees neither; sees also what is ordinary. */
const FITTING = limitFold(1_000_000);
const BLIND = limitFold(50_000_000);
const NERVOUS = limitFold(50_000);

/** What was said under one configuration when the next one comes, for each kind of state. */
function whatWasSaidStaysSaid(openState: (folder: string, clock: ManualClock) => State): void {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let store: Store;
  let state: State;
  let owners = 0;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    store = openFiles(folder.path, clock).store;
    state = openState(folder.path, clock);
    await store.open();
    await state.open();
  });
  afterEach(async () => {
    await store.close();
    await state.close();
    folder.remove();
  });

  /** A worker that takes over; who had the lane before is stopped with a checkpoint, or has been killed. */
  async function start(
    fold: HostDeps['fold'],
    before?: { worker: HostWorker; lease: Lease; killed?: boolean },
  ) {
    if (before && !before.killed) await before.worker.checkpoint(true);
    if (before) await state.release(before.lease);
    const lease = await state.acquire('lane-0', `owner-${owners++}`, 60_000);
    if (!lease) throw new Error('the lease is held');
    const { log } = recordingLog();
    const { signal } = new AbortController();
    const worker = await HostWorker.start('box', lease, {
      ...{ fold, store, state, clock, log, signal },
      ...{ live: new LiveStore({ store, clock, signal }), checkpointMs: 1e9 },
    });
    return { worker, lease };
  }

  async function take(worker: HostWorker, frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) {
      await store.writeFrames([frame]);
      await worker.take(frame);
    }
  }

  const said = async (to = Number.MAX_SAFE_INTEGER) => ({
    incidents: await state.incidents({ from: 0, to }, 100),
    annotations: await store.readAnnotations({ from: 0, to }),
    detections: await store.readDetections('box', { from: 0, to }),
    told: (await state.deliveries('pending', 100)).map(({ notification }) => notification.key),
  });

  it.each([
    ['a rule that saw less', BLIND],
    ['a rule that saw more', NERVOUS],
  ])('is neither taken back nor added to by %s', async (_, fold) => {
    const first = await start(FITTING);
    await take(first.worker, STORY);
    const before = await said();
    expect([before.incidents.length, before.detections.length]).toEqual([2, STORY.length]);
    const second = await start(fold, first);
    expect(second.worker.frames).toBe(STORY.length);
    expect(await said()).toEqual(before);
    await take(second.worker, [webFrame(STORY.length, 100_000)]);
    const { start: next } = webFrame(STORY.length, 0);
    expect((await said(next)).detections).toEqual(before.detections);
    expect((await said()).incidents.slice(-2)).toEqual(before.incidents);
    expect((await said()).incidents).toHaveLength(fold === NERVOUS ? 3 : 2);
  });

  it('goes on when it is still firing: with what is seen from now on, until nothing is', async () => {
    const first = await start(FITTING);
    await take(first.worker, STORY.slice(0, 7));
    const [firing] = await state.openIncidents('box');
    const second = await start(BLIND, first);
    expect(await state.openIncidents('box')).toEqual([firing]);
    await take(second.worker, STORY.slice(7, 9));
    expect(await state.openIncidents('box')).toEqual([]);
    const [over] = await state.incidents(ALWAYS, 100);
    expect(over).toEqual({ ...firing, resolvedAt: expect.any(Number) });
    expect((await said()).told.sort()).toEqual([`${firing?.id}-chat-firing`, `${firing?.id}-chat-resolved`]);
  });

  it('is one incident when the next configuration sees the same', async () => {
    const first = await start(FITTING);
    await take(first.worker, STORY.slice(0, 7));
    const second = await start(limitFold(1_500_000), first);
    await take(second.worker, STORY.slice(7, 15));
    const [only, ...others] = await state.incidents(ALWAYS, 100);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ start: STORY[5]?.start, end: STORY[8]?.start });
  });

  it('is judged anew only from the first frame on that nobody has judged', async () => {
    const first = await start(BLIND);
    await take(first.worker, STORY.slice(0, 6));
    const second = await start(FITTING, first);
    expect((await said()).incidents).toEqual([]);
    await take(second.worker, STORY.slice(6));
    expect((await said()).incidents.map(incident => incident.start).sort()).toEqual([
      STORY[6]?.start,
      STORY[20]?.start,
    ]);
  });

  it.each([6, 7, 8, 9, 12, 21])('is the same when the next owner is killed at frame %d', async at => {
    const first = await start(FITTING);
    await take(first.worker, STORY.slice(0, 6));
    const next = limitFold(1_500_000);
    const second = await start(next, first);
    await take(second.worker, STORY.slice(6, at));
    const third = await start(next, { ...second, killed: true });
    await take(third.worker, STORY.slice(at));
    const { incidents, told } = await said();
    expect(incidents.map(one => [one.start, one.end]).reverse()).toEqual([
      [STORY[5]?.start, STORY[8]?.start],
      [STORY[20]?.start, STORY[21]?.start],
    ]);
    expect(new Set(told).size).toBe(4);
  });

  it('holds for the last frames of an owner who was killed before he could save what he knew', async () => {
    const first = await start(FITTING);
    await first.worker.checkpoint(true);
    await take(first.worker, STORY.slice(0, 2));
    await first.worker.checkpoint(true);
    await take(first.worker, STORY.slice(2, 25));
    const before = await state.incidents(ALWAYS, 100);
    const second = await start(BLIND, { ...first, killed: true });
    await take(second.worker, STORY.slice(25));
    const strip = (all: typeof before) => all.map(incident => ({ ...incident, resolvedAt: null }));
    expect(strip(await state.incidents(ALWAYS, 100))).toEqual(strip(before));
  });
}

describe('what was said, with state in SQLite', () => {
  whatWasSaidStaysSaid((folder, clock) => openFiles(folder, clock).state);
});

describeWith(['redis'], 'what was said, with state in Redis', () => {
  let redis: RedisServer;
  let runs = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  whatWasSaidStaysSaid((_, clock) =>
    createRedisState({ url: redis.url, prefix: `said-${runs++}`, clock, log: recordingLog().log }),
  );
});
