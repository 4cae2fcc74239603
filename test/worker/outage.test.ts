import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ExchangeError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createInlineQueue, type InlineQueue } from '../../queue/inline.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { OwnedLane } from '../../worker/lane.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { incidentsOf, limitFold, openFiles, STORY } from './fixture.ts';

const FOLD = limitFold(1_000_000);
const EXPECTED = incidentsOf(FOLD, STORY);
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
/** Before, in and after the two incidents. */
const MOMENTS = [0, 4, 6, 8, 14, 20, 25];

const FAULTS = {
  refuses: (): Promise<never> => {
    const problem = { place: 'store', expected: 'an answer', found: 'HTTP 503', remedy: 'Wait.' };
    return Promise.reject(new ExchangeError(problem, { retry: true }));
  },
  denies: (): Promise<never> => {
    const problem = { place: 'store', expected: 'an answer', found: 'HTTP 403', remedy: 'Check the token.' };
    return Promise.reject(new ExchangeError(problem, { retry: false }));
  },
  hangs: (): Promise<never> => new Promise(() => {}),
} as const;

describe('a lane while the store is away', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let store: Store;
  let state: State;
  let queue: InlineQueue;
  let fault: (() => Promise<never>) | null;
  let lines: ReturnType<typeof recordingLog>['lines'];
  let log: ReturnType<typeof recordingLog>['log'];
  let shown: Incident[];
  const lanes: OwnedLane[] = [];

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    ({ log, lines } = recordingLog());
    ({ store, state } = openFiles(folder.path, clock));
    await Promise.all([store.open(), state.open()]);
    queue = createInlineQueue({ lanes: 1, clock, log });
    fault = null;
    shown = [];
  });

  afterEach(async () => {
    await Promise.all(lanes.splice(0).map(lane => lane.stop(false)));
    await queue.close();
    await Promise.all([store.close(), state.close()]);
    folder.remove();
  });

  /** The store as workers see it: with the fault. */
  const faulty = (): Store =>
    new Proxy(store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          if (!fault) return method.apply(target, args);
          if (name !== 'readFrames') return fault();
          const { refuses } = FAULTS;
          return { [Symbol.asyncIterator]: () => ({ next: fault === FAULTS.hangs ? refuses : fault }) };
        };
      },
    });

  async function take(owner: string): Promise<OwnedLane> {
    const lease = await state.acquire('lane-0', owner, 1e9);
    if (!lease) throw new Error('the lease is held');
    const lane = new OwnedLane(0, lease, {
      ...{ fold: FOLD, store: faulty(), state, queue, clock, log, checkpointMs: 1000, silentAfterMs: 60_000 },
      onIncident: incident => shown.push(incident),
    });
    lanes.push(lane);
    lane.start();
    return lane;
  }

  /** Frames of the queue, each judged before the next one; `stored`: in the store before. */
  async function publish(lane: OwnedLane, frames: readonly Frame[], { stored }: { stored: boolean }) {
    for (const frame of frames) {
      if (stored) await store.writeFrames([frame]);
      const { frames: before } = lane.status();
      await queue.publish(frame);
      await until('the frame to be judged', () => {
        if (fault) clock.advance(100);
        return lane.status().frames > before;
      });
      clock.advance(1000);
    }
  }

  const told = async () =>
    [...(await state.deliveries('pending', 100))].map(({ notification }) => notification.key).sort();
  const expectedKeys = EXPECTED.flatMap(({ id }) => [`${id}-chat-firing`, `${id}-chat-resolved`]).sort();

  async function recovered(lane: OwnedLane): Promise<void> {
    await until('the rows to be written', () => {
      clock.advance(500);
      return lane.status().unwritten === 0;
    });
  }

  async function expectAllAsUndisturbed(): Promise<void> {
    expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
    expect((await store.readAnnotations(ALWAYS)).map(({ id, state }) => [id, state])).toEqual(
      EXPECTED.map(({ id }) => [id, 'resolved']),
    );
    expect(await store.readDetections('box', ALWAYS)).toHaveLength(STORY.length);
    expect(await told()).toEqual(expectedKeys);
  }

  describe.each(['refuses', 'hangs'] as const)('that %s', kind => {
    it.each(MOMENTS)('from frame %d on: all is told meanwhile, and written afterwards, once', async at => {
      const lane = await take('a');
      await lane.sweep();
      await publish(lane, STORY.slice(0, at), { stored: true });
      // Of a host that is new, the store is asked once.
      await publish(lane, STORY.slice(at, at + 1), { stored: false });
      fault = FAULTS[kind];
      await publish(lane, STORY.slice(at + 1), { stored: false });
      expect(await told()).toEqual(expectedKeys);
      expect((await state.incidents(ALWAYS, 100)).reverse()).toEqual(EXPECTED);
      const seen = shown.length;
      await store.writeFrames(STORY.slice(at));
      fault = null;
      await recovered(lane);
      await expectAllAsUndisturbed();
      expect(shown.length).toBe(seen);
      expect(lane.status()).toMatchObject({ waiting: [], frames: STORY.length });
    });
  });

  it('saves nothing that the store has not acknowledged: neither rows nor frames', async () => {
    const lane = await take('a');
    await publish(lane, STORY.slice(0, 4), { stored: true });
    const before = await state.loadCheckpoint('box', FOLD.fingerprint);
    expect(before?.last).toBe(STORY[3]?.start);
    // Rows are taken, but these frames are in the queue only.
    await publish(lane, STORY.slice(4, 8), { stored: false });
    expect((await state.loadCheckpoint('box', FOLD.fingerprint))?.last).toBe(STORY[3]?.start);
    fault = FAULTS.refuses;
    await publish(lane, STORY.slice(8, 10), { stored: false });
    await lane.stop(true);
    expect((await state.loadCheckpoint('box', FOLD.fingerprint))?.last).toBe(STORY[3]?.start);
  });

  it.each([6, 9, 16, 21])(
    'a successor after frame %d says that it waits for history, then does the rest',
    async at => {
      const first = await take('a');
      await publish(first, STORY.slice(0, 4), { stored: true });
      fault = FAULTS.refuses;
      await publish(first, STORY.slice(4, at), { stored: false });
      await first.stop(false);
      const second = await (async () => {
        await state.release(first.lease);
        return take('b');
      })();
      await queue.publish(STORY[at] as Frame);
      await until('it to wait', () => second.status().waiting.length > 0);
      expect(second.status().waiting).toEqual(['box']);
      await queue.publish(STORY[at + 1] as Frame);
      await until('the frame to be taken off the queue', async () => (await queue.depth()) === 0);
      const warnings = lines.filter(({ message }) => message.includes('waits for history'));
      expect(warnings).toHaveLength(1);
      await store.writeFrames(STORY);
      fault = null;
      await second.sweep();
      expect(second.status().waiting).toEqual([]);
      await recovered(second);
      await expectAllAsUndisturbed();
    },
  );

  it('goes on over a gap once the store has a later frame: what is missing was given up', async () => {
    const lane = await take('a');
    await publish(lane, STORY.slice(0, 4), { stored: true });
    await queue.publish(STORY[6] as Frame);
    await until('it to wait', () => lane.status().waiting.length > 0);
    await store.writeFrames([STORY[6] as Frame]);
    await lane.sweep();
    expect(lane.status()).toMatchObject({ waiting: [], frames: 5 });
  });

  it('a host of which nothing is known waits for the store without holding up others', async () => {
    const lane = await take('a');
    await publish(lane, STORY.slice(0, 4), { stored: true });
    fault = FAULTS.refuses;
    await queue.publish({ ...(STORY[0] as Frame), host: 'new' });
    await until('it to wait', () => lane.status().waiting.length > 0);
    expect(lane.status().waiting).toEqual(['new']);
    await publish(lane, STORY.slice(4, 7), { stored: false });
    expect(await told()).toHaveLength(1);
    await store.writeFrames([{ ...(STORY[0] as Frame), host: 'new' }]);
    fault = null;
    await lane.sweep();
    expect(lane.status().waiting).toEqual([]);
  });

  it('a host whose frames never come to the store does not hold up the rows of others', async () => {
    const lane = await take('a');
    const gone = STORY.slice(0, 8).map(frame => ({ ...frame, host: 'gone' }));
    await publish(lane, gone.slice(0, 4), { stored: true });
    await publish(lane, STORY.slice(0, 4), { stored: true });
    fault = FAULTS.refuses;
    await publish(lane, gone.slice(4), { stored: false });
    await publish(lane, STORY.slice(4), { stored: false });
    expect(lane.status().unwritten).toBe(2);
    await store.writeFrames(STORY.slice(4));
    fault = null;
    await until('the rows of the other to be written', () => {
      clock.advance(500);
      return lane.status().unwritten === 1;
    });
    expect(await store.readDetections('box', ALWAYS)).toHaveLength(STORY.length);
  });

  it('a store that answers with an error for good does not end the lane, and nothing is saved', async () => {
    const lane = await take('a');
    await publish(lane, STORY.slice(0, 4), { stored: true });
    fault = FAULTS.denies;
    await publish(lane, STORY.slice(4, 8), { stored: false });
    expect(lane.failed).toBeNull();
    expect((await state.loadCheckpoint('box', FOLD.fingerprint))?.last).toBe(STORY[3]?.start);
  });

  it('rows wait for a store that came back with an error for good', async () => {
    const lane = await take('a');
    await publish(lane, STORY.slice(0, 4), { stored: true });
    fault = FAULTS.refuses;
    await publish(lane, STORY.slice(4), { stored: false });
    let asked = 0;
    fault = () => {
      asked++;
      return FAULTS.denies();
    };
    await until('it to be asked again and again', () => {
      clock.advance(500);
      return asked > 2;
    });
    await store.writeFrames(STORY.slice(4));
    fault = null;
    await recovered(lane);
    await expectAllAsUndisturbed();
  });

  it.each(['lastInTurn', 'writeDetections'] as const)(
    'no host waits for what did not answer another: %s',
    async method => {
      const hosts = ['a', 'b', 'c', 'd', 'e'];
      const frames = (n: number) => hosts.map(host => ({ ...(STORY[n] as Frame), host }));
      const lane = await take('a');
      for (let n = 0; n < 4; n++) await publish(lane, frames(n), { stored: true });
      const normal = { hosts: store.hosts, [method]: store[method] };
      let calls = 0;
      store.hosts = FAULTS.hangs;
      store[method] = () => {
        calls++;
        return FAULTS.hangs();
      };
      for (const frame of frames(4)) await queue.publish(frame);
      await until('all to be judged', async () => {
        clock.advance(500);
        return lane.status().frames === 5 * hosts.length && (await queue.depth()) === 0;
      });
      expect(calls).toBe(1);
      Object.assign(store, normal);
      await store.writeFrames(frames(4));
      await recovered(lane);
      for (let n = 5; n < 7; n++) await publish(lane, frames(n), { stored: true });
      await until('all to be saved', async () => {
        const saved = await Promise.all(hosts.map(host => state.loadCheckpoint(host, FOLD.fingerprint)));
        return saved.every(checkpoint => (checkpoint?.last ?? 0) >= (STORY[5]?.start ?? 0));
      });
      expect(await store.readDetections('e', ALWAYS)).toHaveLength(7);
    },
  );
});
