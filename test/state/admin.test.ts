import { beforeEach, expect, it } from '@jest/globals';
import type { Lease, State } from '../../state/contract.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { describeStates, HOUR, T0 } from './states.ts';

describeStates('administration', users => {
  let state: State;
  let other: State;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  it('opens twice and says what it is', async () => {
    expect(await state.open()).toMatch(/^(SQLite|Redis) \d+\.\d+/);
  });

  it('forgets resolved incidents and their finished deliveries, nothing that is going on', async () => {
    const old = incidentOf(T0);
    const oldOver = resolved(old, 10_000);
    const recent = resolved(incidentOf(T0 + HOUR), 10_000);
    const open = incidentOf(T0 - HOUR, { container: 'open' });
    const stuck = resolved(incidentOf(T0 - HOUR, { container: 'stuck' }), 10_000);
    const notifications = [old, oldOver, recent, open, stuck].map(i => notificationOf(i, 'hook'));
    await state.commit(lease, { incidents: [oldOver, recent, open, stuck], notifications });
    for (const { key } of notifications.slice(0, 4)) {
      await state.updateDelivery(lease, key, {
        status: 'delivered',
        attempts: 1,
        nextAttempt: 0,
        lastError: null,
      });
    }
    await state.prune(T0 + 2 * HOUR, T0 + HOUR);
    expect(await other.incidents({ from: 0, to: T0 + 10 * HOUR }, 10)).toEqual([recent, open]);
    expect((await other.deliveries('delivered', 10)).map(d => d.notification.incident)).toEqual([
      open,
      recent,
    ]);
    expect((await other.deliveries('pending', 10)).map(d => d.notification.incident)).toEqual([stuck]);
    await state.commit(lease, { incidents: [], notifications: notifications.slice(2, 4) });
    expect(await other.deliveries('pending', 10)).toHaveLength(1);
  });
});
