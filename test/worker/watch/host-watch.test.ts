import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FRAMES_RULE } from '../../../alert/silent-host.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createInlineQueue } from '../../../queue/inline.ts';
import type { State } from '../../../state/contract.ts';
import type { Store } from '../../../store/contract.ts';
import { OwnedLane } from '../../../worker/lane.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { limitFold, openFiles, webFrame } from '../fixture.ts';

const SILENT_AFTER_MS = 60_000;
const HOUR_MS = 3_600_000;
const ALL = { from: 0, to: Number.MAX_SAFE_INTEGER };

let folder: ReturnType<typeof temporaryFolder>;
let clock: ManualClock;
let store: Store;
let state: State;
let said: Incident[];
let token = 0;

beforeEach(async () => {
  folder = temporaryFolder();
  clock = new ManualClock(webFrame(0, 0).start);
  ({ store, state } = openFiles(folder.path, clock, HOUR_MS));
  await store.open();
  await state.open();
  said = [];
});

afterEach(async () => {
  await store.close();
  await state.close();
  folder.remove();
});

/** The lane's next owner. */
async function owner(): Promise<OwnedLane> {
  const { log } = recordingLog();
  token++;
  const lease = await state.acquire('lane-0', `owner-${token}`, 30 * 86_400_000);
  if (!lease) throw new Error('the lane is not free');
  return new OwnedLane(0, lease, {
    ...{ fold: limitFold(1e9), store, state, clock, log, checkpointMs: 30_000 },
    queue: createInlineQueue({ lanes: 1, clock, log }),
    silentAfterMs: SILENT_AFTER_MS,
    onIncident: incident => said.push(incident),
  });
}

async function come(lane: OwnedLane, ...frames: readonly Frame[]): Promise<void> {
  for (const frame of frames) await store.writeFrames([frame]);
  await lane.sweep();
  await lane.watch();
}

/** Look every five seconds. */
async function pass(lane: OwnedLane, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5000) {
    clock.advance(5000);
    await lane.sweep();
    await lane.watch();
  }
}

const shown = () => said.map(({ host, resolvedAt, severity }) => [host, severity, resolvedAt !== null]);

describe('a host whose frames stop coming', () => {
  it('is an incident, once, which is over when they come again', async () => {
    const lane = await owner();
    await come(lane, webFrame(0, 10));
    await pass(lane, SILENT_AFTER_MS - 5000);
    expect(shown()).toEqual([]);
    await pass(lane, 200_000);
    expect(shown()).toEqual([['box', 'critical', false]]);
    expect(said[0]?.findings[0]?.rule).toBe(FRAMES_RULE);
    expect(said[0]?.title).toMatch(/^host box: no frames for 1m/);
    expect(lane.status().openIncidents).toBe(1);
    await come(lane, webFrame(60, 10));
    expect(shown().slice(1)).toEqual([['box', 'critical', true]]);
    await pass(lane, 30_000);
    expect(said.length).toBe(2);
    expect((await state.deliveries('pending', 10)).map(({ notification }) => notification.status)).toEqual(
      expect.arrayContaining(['firing', 'resolved']),
    );
    expect(await store.readAnnotations(ALL, 'box')).toMatchObject([{ state: 'resolved' }]);
    await lane.stop(false);
  });

  it('is none when its collector was stopped in good order', async () => {
    const lane = await owner();
    await come(lane, { ...webFrame(0, 10), faults: ['detach'] });
    await pass(lane, 300_000);
    expect(said).toEqual([]);
    await lane.stop(false);
  });

  it('stays the same incident for the next owner, who ends it', async () => {
    const first = await owner();
    await come(first, webFrame(0, 10));
    await pass(first, 100_000);
    await first.stop(true);
    await state.release(first.lease);
    const second = await owner();
    await pass(second, 100_000);
    expect(said.length).toBe(1);
    expect(await state.openIncidents('box')).toHaveLength(1);
    await come(second, webFrame(50, 10));
    expect(new Set(said.map(({ id }) => id)).size).toBe(1);
    expect(await state.openIncidents('box')).toEqual([]);
    await second.stop(false);
  });

  it('is told although the store does not take its annotation, which follows', async () => {
    const lane = await owner();
    await come(lane, webFrame(0, 10));
    const write = store.writeAnnotations;
    store.writeAnnotations = async () => {
      throw Object.assign(new Error('no connection'), { code: 'ECONNREFUSED', retry: true });
    };
    await pass(lane, 100_000);
    expect(await state.openIncidents('box')).toHaveLength(1);
    store.writeAnnotations = write;
    await pass(lane, 10_000);
    expect(await store.readAnnotations(ALL, 'box')).toMatchObject([{ state: 'firing' }]);
    await lane.stop(false);
  });

  it('cannot be told from a store that is away: nothing is raised then', async () => {
    const lane = await owner();
    await come(lane, webFrame(0, 10));
    const hosts = store.hosts;
    store.hosts = async () => {
      throw new Error('no connection');
    };
    await pass(lane, 300_000);
    expect(said).toEqual([]);
    store.hosts = hosts;
    await pass(lane, 10_000);
    expect(said.length).toBe(0);
    await pass(lane, SILENT_AFTER_MS);
    expect(said.length).toBe(1);
    await lane.stop(false);
  });

  it('is not expected any more after a week', async () => {
    const lane = await owner();
    await come(lane, webFrame(0, 10));
    await pass(lane, 100_000);
    clock.advance(7 * 86_400_000);
    await pass(lane, 5000);
    expect(said.at(-1)?.ended).toBe('the host is not expected any more');
    await pass(lane, 300_000);
    expect(said.length).toBe(2);
    await lane.stop(false);
  });

  describe('and are deleted', () => {
    /** The lane has a new owner after all frames are deleted. */
    async function outlive(lane: OwnedLane): Promise<OwnedLane> {
      await lane.stop(true);
      await state.release(lane.lease);
      clock.advance(2 * HOUR_MS);
      await store.expire(clock.now());
      expect(await store.hosts()).toEqual([]);
      return owner();
    }

    it('is missed by the next owner too, until a frame comes', async () => {
      const first = await owner();
      await come(first, webFrame(0, 10));
      await pass(first, 100_000);
      expect(shown()).toEqual([['box', 'critical', false]]);
      const second = await outlive(first);
      await pass(second, 100_000);
      expect(said.length).toBe(1);
      expect(second.status().openIncidents).toBe(1);
      expect(await state.openIncidents('box')).toHaveLength(1);
      await come(second, webFrame(1600, 10));
      expect(shown().slice(1)).toEqual([['box', 'critical', true]]);
      expect(said[1]?.ended).toBeUndefined();
      await second.stop(false);
    });

    it('is missed by the next owner when nobody looked while it went silent', async () => {
      const first = await owner();
      await come(first, webFrame(0, 10), webFrame(1, 10));
      const second = await outlive(first);
      await pass(second, SILENT_AFTER_MS - 5000);
      expect(said).toEqual([]);
      await pass(second, 10_000);
      expect(shown()).toEqual([['box', 'critical', false]]);
      expect(said[0]?.title).toMatch(/^host box: no frames for 2h/);
      expect(said[0]?.start).toBe(webFrame(2, 10).start);
      await second.stop(false);
    });

    it('is not expected any more after a week, for the next owner too', async () => {
      const first = await owner();
      await come(first, webFrame(0, 10));
      await pass(first, 100_000);
      const second = await outlive(first);
      clock.advance(7 * 86_400_000 - 3 * HOUR_MS);
      await pass(second, 5000);
      expect(said.length).toBe(1);
      clock.advance(HOUR_MS);
      await pass(second, 5000);
      expect(said.at(-1)?.ended).toBe('the host is not expected any more');
      await pass(second, 300_000);
      expect(said.length).toBe(2);
      await second.stop(false);
    });

    it('is none when its collector was stopped in good order', async () => {
      const first = await owner();
      await come(first, webFrame(0, 10), { ...webFrame(1, 10), faults: ['detach'] });
      const second = await outlive(first);
      await pass(second, 300_000);
      expect(said).toEqual([]);
      await second.stop(false);
    });
  });

  it('takes up no memory once it is not expected any more, and is watched when it comes again', async () => {
    const lane = await owner();
    await come(lane, webFrame(0, 10), webFrame(1, 10));
    expect(lane.status()).toMatchObject({ hosts: 1, frames: 2 });
    clock.advance(7 * 86_400_000);
    await pass(lane, 2 * SILENT_AFTER_MS);
    expect(said).toEqual([]);
    expect(lane.status()).toMatchObject({ hosts: 0, frames: 2 });
    const back = Math.ceil((clock.now() - webFrame(0, 0).start) / 5000);
    await come(lane, webFrame(back, 10));
    expect(lane.status()).toMatchObject({ hosts: 1, frames: 3 });
    await pass(lane, 2 * SILENT_AFTER_MS);
    expect(shown()).toEqual([['box', 'critical', false]]);
    await lane.stop(false);
  });
});
