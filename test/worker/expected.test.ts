import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { learntFrom } from '../../app/api/learnt.ts';
import { makeFold, SCHEMA } from '../../app/wire.ts';
import { type ExpectedRange, thousandths } from '../../core/incident/normal.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { METRICS, UNIT_OF } from '../../core/traffic/series.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { HostWorker } from '../../worker/host.ts';
import { LiveStore } from '../../worker/rows/live-store.ts';
import { container, frame, window } from '../detector/data/frames.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder } from '../parts/process.ts';
import { openFiles } from './fixture.ts';

const CONFIG = SCHEMA.parse({
  detectors: [{ use: 'dynamic-threshold', name: 'traffic', warm_up: '1m' }],
});
const FOLD = makeFold(CONFIG);
const HOST = 'host-a';
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** Half an hour of one container. */
const FRAMES = Array.from({ length: 360 }, (_, i) =>
  frame(
    i,
    [container('web')],
    [window('web', 'send', 50 + (i % 7), 700), window('web', 'receive', 40 + (i % 5), 300)],
  ),
);

/** What one owner that nothing happens to says of these frames. */
function undisturbed(): ExpectedRange[] {
  let state = FOLD.init();
  return FRAMES.flatMap(one => {
    const { expected, state: next } = FOLD.step(state, one);
    state = next;
    return expected;
  });
}

describe('a host worker stores what is expected', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: Store;
  let state: State;
  const clock = new ManualClock();

  beforeEach(async () => {
    folder = temporaryFolder();
    ({ store, state } = openFiles(folder.path, clock));
    await store.open();
    await state.open();
  });
  afterEach(async () => {
    await store.close();
    await state.close();
    folder.remove();
  });

  /** A new owner; whoever had the lane before was killed. */
  async function start(owner: string): Promise<{ worker: HostWorker; die(): Promise<void> }> {
    const lease = await state.acquire('lane-0', owner, 1e9);
    if (!lease) throw new Error('the lease is held');
    const { log } = recordingLog();
    const { signal } = new AbortController();
    const live = new LiveStore({ store, clock, signal });
    const deps = { fold: FOLD, store, live, state, clock, log, signal, checkpointMs: 1e9 };
    const worker = await HostWorker.start(HOST, lease, deps);
    return { worker, die: () => state.release(lease) };
  }

  async function take(worker: HostWorker, frames: readonly Frame[]): Promise<void> {
    for (const one of frames) await worker.take(one);
  }

  it('once, however often its owner is killed and frames are delivered again', async () => {
    const ends = [0, 150, 205, 300, FRAMES.length];
    for (const [n, end] of ends.entries()) {
      const { worker, die } = await start(`owner-${n}`);
      await store.writeFrames(FRAMES.slice(ends[n - 1] ?? 0, end));
      await take(worker, FRAMES.slice(Math.max(0, (ends[n - 1] ?? 0) - 30), end));
      // Others are killed before their first checkpoint: who comes next folds their frames again.
      if (n === 2) await worker.checkpoint(true);
      await die();
    }
    const rows = await store.readExpected(HOST, ALWAYS);
    expect(rows.length).toBeGreaterThan(50);
    const byKey = (all: readonly ExpectedRange[]) => all.map(row => JSON.stringify(row)).sort();
    expect(byKey(rows)).toEqual(byKey(undisturbed()));
  });

  it('as the page tells it from the checkpoint of that moment', async () => {
    const { worker } = await start('a');
    const until = FRAMES.findLastIndex(({ start }) => new Date(start).getUTCSeconds() === 55) + 1;
    await store.writeFrames(FRAMES.slice(0, until));
    await take(worker, FRAMES.slice(0, until));
    await worker.checkpoint(true);
    const learnt = await learntFrom(CONFIG, { state, store })(HOST, 'web');
    const told = learnt?.rules.flatMap(({ rule, normals }) =>
      normals.map(({ direction, side, unit, now }) => {
        const limit = thousandths(now?.limit ?? -1);
        const metric = METRICS.find(one => UNIT_OF[one] === unit);
        return {
          rule,
          direction,
          metric,
          ...(side === 'low' ? { low: limit, high: null } : { low: 0, high: limit }),
        };
      }),
    );
    const from = learnt?.at ?? 0;
    const rows = await store.readExpected(HOST, { from, to: from + 1 });
    expect(rows).toHaveLength(4);
    expect(told).toHaveLength(4);
    for (const one of told ?? [])
      expect(rows).toContainEqual({ host: HOST, service: 'web', container: 'web', start: from, ...one });
  });
});
