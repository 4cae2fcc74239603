import { expect, it } from '@jest/globals';
import { createInlineQueue } from '../../queue/inline.ts';
import { OwnedLane } from '../../worker/lane.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { temporaryFolder } from '../parts/process.ts';
import { limitFold, openFiles } from './fixture.ts';

it('a store that is away is a warning once, however often it is swept', async () => {
  const folder = temporaryFolder();
  const clock = new ManualClock();
  const { log, lines } = recordingLog();
  const { store, state } = openFiles(folder.path, clock);
  await store.open();
  let isAway = true;
  store.hosts = async () => {
    if (isAway) throw new Error('no connection');
    return [];
  };
  const queue = createInlineQueue({ lanes: 1, clock, log });
  const lease = { name: 'lane-0', owner: 'a', token: 1 };
  const fold = limitFold(1000);
  const lane = new OwnedLane(0, lease, {
    fold,
    store,
    state,
    queue,
    clock,
    log,
    checkpointMs: 30_000,
    silentAfterMs: 60_000,
  });
  const warnings = () => lines.filter(({ level }) => level === 'warn').length;
  for (let i = 0; i < 3; i++) await lane.sweep();
  expect(warnings()).toBe(1);
  isAway = false;
  await lane.sweep();
  isAway = true;
  await lane.sweep();
  expect(warnings()).toBe(2);
  await lane.stop(false);
  await store.close();
  await state.close();
  folder.remove();
});
