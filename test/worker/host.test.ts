import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ExchangeError } from '../../core/errors.ts';
import type { Frame } from '../../core/traffic/frame.ts';

import type { Lease, State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { type HostDeps, HostWorker } from '../../worker/host.ts';
import { LiveStore } from '../../worker/rows/live-store.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { incidentsOf, limitFold, openFiles, STORY } from './fixture.ts';

const FOLD = limitFold(1_000_000);
const EXPECTED = incidentsOf(FOLD, STORY);
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

describe('a host worker', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let store: Store;
  let state: State;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
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
    fold: FOLD,
    store,
    live: new LiveStore({ store, clock, signal: new AbortController().signal }),
    state,
    clock,
    log: recordingLog().log,
    signal: new AbortController().signal,
    checkpointMs: 1000,
    ...changes,
  });

  async function lease(owner: string): Promise<Lease> {
    const taken = await state.acquire('lane-0', owner, 10_000);
    if (!taken) throw new Error('the lease is held');
    return taken;
  }

  /** The first `count` only: a store that is cut off. */
  async function* some(frames: AsyncIterable<Frame>, count: number): AsyncIterable<Frame> {
    let n = 0;
    for await (const frame of frames) if (n++ < count) yield frame;
  }

  /** The store, read in another way. */
  const withReading = (readFrames: Store['readFrames']): Store =>
    new Proxy(store, {
      get(target, name) {
        const method: unknown = name === 'readFrames' ? readFrames : Reflect.get(target, name);
        return typeof method === 'function' ? method.bind(target) : method;
      },
    });

  /** The store, of which only so many frames can be read. */
  const cutOff = (count: number) => withReading((host, range) => some(store.readFrames(host, range), count));

  async function storeAndTake(worker: HostWorker, frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) {
      await store.writeFrames([frame]);
      await worker.take(frame);
    }
  }

  const told = async () =>
    [...(await state.deliveries('pending', 100))].reverse().map(({ notification }) => notification.key);

  const expectedKeys = EXPECTED.flatMap(({ id }) => [`${id}-chat-firing`, `${id}-chat-resolved`]);

  it('folds frames into incidents, annotations, detections and notifications', async () => {
    const worker = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(worker, STORY);
    expect(EXPECTED).toHaveLength(2);
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    expect((await store.readAnnotations(ALWAYS)).map(({ id, state }) => [id, state])).toEqual(
      EXPECTED.map(({ id }) => [id, 'resolved']),
    );
    expect(await store.readDetections('box', ALWAYS)).toHaveLength(STORY.length);
    expect((await told()).sort()).toEqual([...expectedKeys].sort());
  });

  it('says what it has made up for, but for the first frames of a host, which nobody could know of', async () => {
    const { log, lines } = recordingLog();
    const said = () => lines.filter(({ message }) => message.startsWith('judged frames')).length;
    await store.writeFrames(STORY.slice(0, 2));
    const first = await HostWorker.start('box', await lease('a'), deps({ log }));
    expect([first.frames, said()]).toEqual([2, 0]);
    await first.checkpoint(true);
    await store.writeFrames(STORY.slice(2, 3));
    await HostWorker.start('box', await lease('a'), deps({ log }));
    expect(said()).toBe(1);
    await store.writeFrames(STORY.slice(0, 5).map(frame => ({ ...frame, host: 'other' })));
    await HostWorker.start('other', await lease('a'), deps({ log }));
    expect(said()).toBe(2);
  });

  it('reads frames that the queue lost from the store', async () => {
    const worker = await HostWorker.start('box', await lease('a'), deps());
    await store.writeFrames(STORY);
    for (const n of [0, 6, 29]) await worker.take(STORY[n] as Frame);
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    expect(worker.frames).toBe(STORY.length);
  });

  it.each([1, 6, 8, 21])('writes what it has read when the store breaks off after %d frames', async count => {
    await store.writeFrames(STORY);
    let breaks = 0;
    async function* breaking(frames: AsyncIterable<Frame>): AsyncIterable<Frame> {
      breaks++;
      yield* some(frames, count);
      const problem = { place: 'store', expected: 'an answer', found: 'none', remedy: 'Wait.' };
      throw new ExchangeError(problem, { retry: true });
    }
    const readFrames: Store['readFrames'] = (host, range) =>
      breaks === 0 ? breaking(store.readFrames(host, range)) : store.readFrames(host, range);
    const worker = await HostWorker.start('box', await lease('a'), deps({ store: withReading(readFrames) }));
    expect(worker.last).toBe(STORY[count - 1]?.start);
    expect(await worker.catchUp()).toBeNull();
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    expect(await store.readDetections('box', ALWAYS)).toHaveLength(STORY.length);
    expect((await told()).sort()).toEqual([...expectedKeys].sort());
  });

  it('gives up when what it has read cannot be written: it would be lost in a state that knows the frames', async () => {
    await store.writeFrames(STORY);
    const problem = { place: 'state', expected: 'success', found: 'ERR', remedy: 'See its log.' };
    const refusing = new Proxy(state, {
      get(target, name) {
        if (name === 'commit') return () => Promise.reject(new ExchangeError(problem, { retry: false }));
        const method: unknown = Reflect.get(target, name);
        return typeof method === 'function' ? method.bind(target) : method;
      },
    });
    const refused = HostWorker.start('box', await lease('a'), deps({ state: refusing }));
    let outcome = '';
    refused.then(
      () => (outcome = 'started'),
      error => (outcome = String(error)),
    );
    await until('its end, or a pause before it tries again', () => outcome !== '' || clock.sleeping > 0);
    expect(outcome).toContain('found ERR');
    await HostWorker.start('box', await lease('a'), deps());
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
  });

  it('ignores frames that it has seen', async () => {
    const worker = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(worker, STORY.slice(0, 10));
    await storeAndTake(worker, STORY.slice(0, 10));
    expect(worker.frames).toBe(10);
    await storeAndTake(worker, STORY.slice(10));
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
  });

  it.each([0, 4, 6, 8, 19, 20, 25])('a successor after a kill at frame %d tells the same, once', async at => {
    const first = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(first, STORY.slice(0, at));
    clock.advance(11_000);
    const second = await HostWorker.start('box', await lease('b'), deps());
    await storeAndTake(second, STORY.slice(at));
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    expect((await told()).sort()).toEqual([...expectedKeys].sort());
    expect((await store.readAnnotations(ALWAYS)).map(({ id, state }) => [id, state])).toEqual(
      EXPECTED.map(({ id }) => [id, 'resolved']),
    );
  });

  it('an owner who was paused past his lease changes nothing any more', async () => {
    const paused = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(paused, STORY.slice(0, 5));
    clock.advance(11_000);
    await lease('b');
    await store.writeFrames([STORY[5] as Frame]);
    await expect(paused.take(STORY[5] as Frame)).rejects.toThrow(
      'another worker owns lane-0, or the state did not answer in time',
    );
    expect(await state.incidents(ALWAYS, 100)).toEqual([]);
  });

  it('state that is lost is rebuilt from stored history: the same incidents', async () => {
    const first = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(first, STORY);
    const fresh = temporaryFolder();
    const other = openFiles(fresh.path, clock).state;
    await other.open();
    const taken = await other.acquire('lane-0', 'b', 10_000);
    if (!taken) throw new Error('the lease is held');
    await HostWorker.start('box', taken, deps({ state: other }));
    expect((await other.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    // All of it was told before; whoever was told then is not told again.
    expect(await other.deliveries('pending', 100)).toEqual([]);
    await other.close();
    fresh.remove();
  });

  it('state that is lost in the middle of an incident: its end is told, by whoever finishes the rebuilding', async () => {
    const first = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(first, STORY.slice(0, 8));
    const fresh = temporaryFolder();
    const other = openFiles(fresh.path, clock).state;
    await other.open();
    const take = (owner: string) => other.acquire('lane-0', owner, 10_000);
    const lane = await take('b');
    if (!lane) throw new Error('the lease is held');
    // Dies before its first checkpoint: what it found out must not be forgotten.
    await HostWorker.start('box', lane, deps({ state: other, checkpointMs: 1e9 }));
    clock.advance(11_000);
    const next = await take('c');
    if (!next) throw new Error('the lease is held');
    await storeAndTake(await HostWorker.start('box', next, deps({ state: other })), STORY.slice(8));
    const keys = [...(await other.deliveries('pending', 100))].reverse().map(d => d.notification.key);
    // Its beginning too, under the key that it had: nobody knows any more whether it was told.
    expect(keys.sort()).toEqual([...expectedKeys].sort());
    expect((await other.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    await other.close();
    fresh.remove();
  });

  it('what was found just before state was lost is told again, under the same key: it may have been under way', async () => {
    const first = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(first, STORY.slice(0, 6));
    const fresh = temporaryFolder();
    const other = openFiles(fresh.path, clock).state;
    await other.open();
    const lane = await other.acquire('lane-0', 'b', 10_000);
    if (!lane) throw new Error('the lease is held');
    await HostWorker.start('box', lane, deps({ state: other }));
    expect((await other.deliveries('pending', 100)).map(d => d.notification.key)).toEqual(await told());
    expect(await told()).toEqual(expectedKeys.slice(0, 1));
    await other.close();
    fresh.remove();
  });

  it('a rebuilding that is broken off goes on in silence, and says how far it is', async () => {
    const first = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(first, STORY);
    await first.checkpoint(true);
    clock.advance(11_000);
    const before = await told();
    const other = limitFold(1_500_000);
    const seen: number[] = [];
    const onProgress = ({ frames }: { frames: number }) => seen.push(frames);
    const broken = await HostWorker.start(
      'box',
      await lease('b'),
      deps({ fold: other, store: cutOff(12), onProgress }),
    );
    await broken.checkpoint(true);
    expect(seen.at(-1)).toBe(12);
    clock.advance(11_000);
    await HostWorker.start('box', await lease('c'), deps({ fold: other }));
    expect(await told()).toEqual(before);
  });

  it.each([
    ['are back', 1_000_000],
    ['were changed', 1_500_000],
  ])('what a rebuilding of lost state left open is closed in silence when settings %s', async (_, limit) => {
    const first = await HostWorker.start('box', await lease('a'), deps({ fold: limitFold(1_500_000) }));
    await storeAndTake(first, STORY.slice(0, 12));
    const fresh = temporaryFolder();
    const lost = openFiles(fresh.path, clock).state;
    await lost.open();
    const take = async (owner: string) => (await lost.acquire('lane-0', owner, 10_000)) as Lease;
    await HostWorker.start('box', await take('b'), deps({ state: lost, store: cutOff(7) }));
    expect(await lost.openIncidents('box')).toHaveLength(1);
    clock.advance(11_000);
    await HostWorker.start('box', await take('c'), deps({ state: lost, fold: limitFold(limit) }));
    expect(await lost.openIncidents('box')).toEqual([]);
    expect(await lost.deliveries('pending', 100)).toEqual([]);
    await lost.close();
    fresh.remove();
  });

  it('leaves an incident alone that was seen in frames which cannot be read yet', async () => {
    const first = await HostWorker.start('box', await lease('a'), deps());
    await storeAndTake(first, STORY.slice(0, 4));
    await first.checkpoint(true);
    await storeAndTake(first, STORY.slice(4, 7));
    clock.advance(11_000);
    const second = await HostWorker.start('box', await lease('b'), deps({ store: cutOff(1) }));
    expect(await state.openIncidents('box')).toHaveLength(1);
    for (const frame of STORY.slice(5)) await second.take(frame);
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
  });

  it('a frame that a detector cannot digest is counted and skipped', async () => {
    const failing = {
      ...FOLD,
      step: (s: never, frame: Frame) => {
        if (frame === STORY[2]) throw new Error('no idea');
        return FOLD.step(s, frame);
      },
    } as typeof FOLD;
    const worker = await HostWorker.start('box', await lease('a'), deps({ fold: failing }));
    await storeAndTake(worker, STORY);
    expect(worker.failedFrames).toBe(1);
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
  });

  it('an unreadable checkpoint is no obstacle: history is folded again', async () => {
    const mine = await lease('a');
    await store.writeFrames(STORY);
    await state.saveCheckpoint(mine, {
      host: 'box',
      last: (STORY[9] as Frame).start,
      fingerprint: FOLD.fingerprint,
      data: '{',
    });
    const worker = await HostWorker.start('box', mine, deps());
    expect(worker.frames).toBe(STORY.length);
  });
});
