import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ExchangeError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { NewMark } from '../../core/incident/mark.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { limitsByHost } from '../../detector/fold/marks.ts';
import { reviewStore } from '../../review/review.ts';
import type { Lease, State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { type HostDeps, HostWorker } from '../../worker/host.ts';
import { LeaseLost } from '../../worker/retry-under-lease.ts';
import { LiveStore } from '../../worker/rows/live-store.ts';
import { newMarkOf } from '../data/marks.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { incidentsOf, limitFold, openFiles, refusing, STORY } from './fixture.ts';

const FOLD = limitFold(1_000_000);
const [FIRST, SECOND] = incidentsOf(FOLD, STORY) as [Incident, Incident];
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
const startOf = (n: number): number => STORY[n]?.start ?? 0;

describe('a host worker and what people say of its incidents', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let store: Store;
  let state: State;
  let log: ReturnType<typeof recordingLog>;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    log = recordingLog();
    ({ store, state } = openFiles(folder.path, clock));
    await store.open();
    await state.open();
  });
  afterEach(async () => {
    await store.close();
    await state.close();
    folder.remove();
  });

  const deps = (changes: Partial<HostDeps> = {}): HostDeps => ({
    ...{ fold: FOLD, store, state, clock, log: log.log, signal: new AbortController().signal },
    live: new LiveStore({ store, clock, signal: new AbortController().signal }),
    checkpointMs: 1e9,
    ...changes,
  });
  const take = async (owner: string): Promise<Lease> => (await state.acquire('lane-0', owner, 1e9)) as Lease;
  async function judge(worker: HostWorker, from: number, to: number): Promise<void> {
    for (const frame of STORY.slice(from, to) as Frame[]) {
      await store.writeFrames([frame]);
      await worker.take(frame);
    }
  }
  const say = async (parts: Partial<NewMark>) => {
    const saved = await state.saveMark(newMarkOf(FIRST, parts));
    if (!saved) throw new Error('a mark was refused');
    return saved;
  };
  const raised = async () => (await state.incidents(ALWAYS, 100)).reverse();

  /** What a worker without a checkpoint, and a review, make of the same frames and marks. */
  async function expectSameAgain(): Promise<void> {
    const before = await raised();
    const rows = await store.readDetections('box', ALWAYS);
    const [review] = await reviewStore(FOLD, store, ALWAYS, {
      marksOf: limitsByHost(await state.marks(null)),
    });
    expect(review?.incidents).toEqual(before);
    await state.release(await take('a'));
    await HostWorker.start('box', await take('b'), deps());
    expect(await raised()).toEqual(before);
    expect(await store.readDetections('box', ALWAYS)).toEqual(rows);
  }

  it('hears of a false alarm before the next frame: the same does not alarm again, and what was said stays', async () => {
    const worker = await HostWorker.start('box', await take('a'), deps());
    await judge(worker, 0, 10);
    expect(await raised()).toEqual([FIRST]);
    await say({ at: startOf(9) + 100 });
    await judge(worker, 10, 30);
    expect(await raised()).toEqual([FIRST]);
    expect(await state.marks('box')).toMatchObject([{ from: startOf(9) + 100 }]);
    const [detection] = await store.readDetections('box', { from: startOf(20), to: startOf(21) });
    expect(detection?.score).toBeCloseTo(1 / 1.1, 12);
    await expectSameAgain();
  });

  it('takes what is marked while it fires out of the incident from then on', async () => {
    const worker = await HostWorker.start('box', await take('a'), deps());
    await judge(worker, 0, 6);
    const [firing] = await raised();
    if (!firing) throw new Error('it fires');
    await state.saveMark(newMarkOf(firing, { at: startOf(5) + 1 }));
    await judge(worker, 6, 20);
    expect(await raised()).toMatchObject([{ id: FIRST.id, end: startOf(6), resolvedAt: startOf(8) }]);
    await expectSameAgain();
  });

  it('judges nothing again that it had judged when it heard of a mark, whatever the clocks say', async () => {
    const worker = await HostWorker.start('box', await take('a'), deps());
    await judge(worker, 0, 10);
    // Made by a clock that is behind: before the incident.
    await say({ at: startOf(3) });
    await judge(worker, 10, 30);
    expect(await raised()).toEqual([FIRST]);
    expect(await state.marks('box')).toMatchObject([{ from: startOf(9) + 1 }]);
    await expectSameAgain();
  });

  it('does not apply a mark to frames from before it was made that it judges later', async () => {
    await store.writeFrames(STORY);
    await say({ at: startOf(21) });
    await HostWorker.start('box', await take('a'), deps());
    expect(await raised()).toEqual([FIRST, SECOND]);
    expect(await state.marks('box')).toMatchObject([{ from: startOf(21) }]);
  });

  it('goes on by the marks that it knows while they cannot be read, says so once, and begins later', async () => {
    let isAway = false;
    const shared = refusing(state, method => isAway && method === 'marks');
    const worker = await HostWorker.start('box', await take('a'), deps({ state: shared }));
    await judge(worker, 0, 10);
    isAway = true;
    await say({ at: startOf(9) + 1 });
    await judge(worker, 10, 25);
    isAway = false;
    await judge(worker, 25, 30);
    expect(await raised()).toEqual([FIRST, SECOND]);
    expect(await state.marks('box')).toMatchObject([{ from: startOf(24) + 1 }]);
    const lines = log.lines.filter(({ message }) => /marks of incidents cannot be read/.test(message));
    expect(lines).toHaveLength(1);
    await expectSameAgain();
  });

  it('waits for the answer whether a mark has begun: it may have, though the answer was lost', async () => {
    let lost = 1;
    const shared = new Proxy(state, {
      get(target, name) {
        const method = Reflect.get(target, name) as unknown;
        if (name !== 'beginMarks' || lost === 0)
          return typeof method === 'function' ? method.bind(target) : method;
        return async (...args: Parameters<State['beginMarks']>) => {
          await target.beginMarks(...args);
          lost--;
          const problem = { place: 'state', expected: 'an answer', found: 'none', remedy: 'Wait.' };
          throw new ExchangeError(problem, { retry: true });
        };
      },
    });
    const worker = await HostWorker.start('box', await take('a'), deps({ state: shared }));
    await judge(worker, 0, 10);
    await say({ at: startOf(9) + 1 });
    let isDone = false;
    const judged = judge(worker, 10, 30).then(() => {
      isDone = true;
    });
    await until('all frames to be judged', () => {
      clock.advance(1000);
      return isDone;
    });
    await judged;
    expect(await raised()).toEqual([FIRST]);
    await expectSameAgain();
  });

  it('gives up when a mark cannot begin because the host is another worker’s', async () => {
    const worker = await HostWorker.start('box', await take('a'), deps());
    await judge(worker, 0, 10);
    await say({ at: startOf(9) + 1 });
    await take('a');
    await expect(worker.take(STORY[10] as Frame)).rejects.toThrow(LeaseLost);
    expect(await state.marks('box')).toMatchObject([{ from: null }]);
  });
});
