import { expect, it } from '@jest/globals';
import { HostList } from '../../worker/host-list.ts';
import { ManualClock } from '../parts/clock.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A store with a frame of each host at some time, that notes since when it was asked for hosts. */
function storeOf(frames: Record<string, number>) {
  const asked: (number | undefined)[] = [];
  return {
    asked,
    frames,
    async hosts(since?: number) {
      asked.push(since);
      return Object.keys(frames).filter(host => (frames[host] ?? 0) >= (since ?? Number.NEGATIVE_INFINITY));
    },
  };
}

it('hosts are listed from all that is stored once in ten minutes, in between from the last hour', async () => {
  const clock = new ManualClock();
  const store = storeOf({ old: 0, now: clock.now() });
  const list = new HostList({ store, clock });
  expect(await list.names()).toEqual(['now', 'old']);
  for (let second = 0; second < 590; second += 10) {
    clock.advance(10_000);
    expect(await list.names()).toEqual(['now', 'old']);
  }
  expect(store.asked.filter(since => since === undefined)).toHaveLength(1);
  expect(Math.min(...store.asked.map(since => since ?? clock.now()))).toBeGreaterThanOrEqual(
    clock.now() - HOUR - 12 * MINUTE,
  );
});

it('a host with new frames is listed at once, one with old frames with the next full list, and one without any no longer', async () => {
  const clock = new ManualClock();
  const store = storeOf({ first: clock.now() });
  const list = new HostList({ store, clock });
  await list.names();
  Object.assign(store.frames, { late: clock.now() - 2 * HOUR, fresh: clock.now() });
  delete store.frames.first;
  expect(await list.names()).toEqual(['first', 'fresh']);
  clock.advance(10 * MINUTE);
  expect(await list.names()).toEqual(['fresh', 'late']);
});
