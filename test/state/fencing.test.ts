import { beforeEach, expect, it } from '@jest/globals';
import type { Lease, State } from '../../state/contract.ts';
import { incidentOf, notificationOf } from '../data/incidents.ts';
import { until } from '../parts/process.ts';
import { describeStates, HOUR, LONG, SHORT, T0, take } from './states.ts';

describeStates('fencing', users => {
  let state: State;
  let other: State;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  const incident = incidentOf(T0);
  const key = notificationOf(incident, 'hook').key;

  /** Everything that a lease is needed for; what was changed by it. */
  async function writeAll(held: Lease): Promise<boolean[]> {
    const other = incidentOf(T0 + 5000);
    return [
      await state.renew(held, LONG),
      await state.saveCheckpoint(held, { host: 'web-1', last: T0 + 5000, fingerprint: 'f', data: '2' }),
      await state.saveLastSeen(held, { host: 'web-1', start: T0 + 5000, durationMs: 5000, stopped: true }),
      await state.commit(held, { incidents: [other], notifications: [notificationOf(other, 'hook')] }),
      await state.updateDelivery(held, key, {
        status: 'dead',
        attempts: 9,
        nextAttempt: 0,
        lastError: 'x',
      }),
    ];
  }
  const everything = async () => ({
    checkpoint: await other.loadCheckpoint('web-1', 'f'),
    lastSeen: await other.lastSeen(),
    incidents: await other.incidents({ from: T0, to: T0 + HOUR }, 10),
    pending: await other.deliveries('pending', 10),
    dead: await other.deliveries('dead', 10),
  });

  beforeEach(async () => {
    await state.saveCheckpoint(lease, { host: 'web-1', last: T0, fingerprint: 'f', data: '1' });
    await state.commit(lease, { incidents: [incident], notifications: [notificationOf(incident, 'hook')] });
  });

  it('lets the holder write', async () => {
    expect(await writeAll(lease)).toEqual([true, true, true, true, true]);
  });

  it('lets an owner change nothing whose lease has run out, though nobody has taken it', async () => {
    const short = await take(state, 'lane-5', 'worker-a', SHORT);
    await until(
      'the lease to run out',
      async () => !(await state.commit(short, { incidents: [], notifications: [] })),
    );
    const before = await everything();
    expect(await writeAll(short)).toEqual([false, false, false, false, false]);
    expect(await everything()).toEqual(before);
  });

  it('lets an owner change nothing who has a successor, even if that is himself', async () => {
    await take(state, 'lane-0', 'worker-a');
    const before = await everything();
    expect(await writeAll(lease)).toEqual([false, false, false, false, false]);
    expect(await everything()).toEqual(before);
  });

  it('lets nobody write with a lease he made up', async () => {
    const before = await everything();
    expect(await writeAll({ ...lease, owner: 'worker-b' })).toEqual([false, false, false, false, false]);
    expect(await writeAll({ ...lease, token: lease.token + 1 })).toEqual([false, false, false, false, false]);
    expect(await writeAll({ ...lease, name: 'lane-7' })).toEqual([false, false, false, false, false]);
    expect(await everything()).toEqual(before);
  });
});
