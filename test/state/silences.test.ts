import { beforeEach, expect, it } from '@jest/globals';
import { CAPS } from '../../core/caps.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Deliveries, Incidents, Lease, Silences, StateAdmin } from '../../state/contract.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { describeStates, HOUR, T0 } from './states.ts';

/** The n-th of many, which ends n ms after T0. */
const silenceOf = (n: number, parts: Partial<Silence> = {}): Silence => ({
  id: n.toString(16).padStart(8, '0'),
  match: { host: '*', service: '*', container: `c${n}` },
  from: T0 - HOUR,
  until: T0 + n,
  owner: 'anna',
  reason: 'deploy',
  ...parts,
});

describeStates('silences', users => {
  let state: Silences & Incidents & Deliveries & StateAdmin;
  let other: Silences & Incidents & Deliveries & StateAdmin;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  it('lists those that have not ended, the first to end first, with what a person wrote', async () => {
    const odd = silenceOf(2, {
      owner: 'an"na\\',
      reason: "it's\n{x}; DROP TABLE silences; ü💥\u0000",
      match: { host: 'a:b', service: '', container: "x'*" },
    });
    for (const silence of [silenceOf(3), odd, silenceOf(1)])
      expect(await state.saveSilence(silence, T0)).toBe(true);
    expect(await other.silences(T0)).toEqual([silenceOf(1), odd, silenceOf(3)]);
    expect(await other.silences(T0 + 1)).toEqual([odd, silenceOf(3)]);
    expect(await other.silences(T0 + 3)).toEqual([]);
  });

  it('replaces the one with the same id: so one is ended', async () => {
    await state.saveSilence(silenceOf(5), T0);
    await other.saveSilence(silenceOf(5, { until: T0 }), T0);
    expect(await state.silences(T0)).toEqual([]);
    expect(await state.silences(0)).toEqual([silenceOf(5, { until: T0 })]);
  });

  it('refuses one too many, not those that replace one, and counts none that has ended', async () => {
    const { limit } = CAPS.silences;
    const save = (n: number, now = T0) => state.saveSilence(silenceOf(n), now);
    for (let n = 1; n <= limit; n++) expect(await save(n)).toBe(true);
    expect(await save(limit + 1)).toBe(false);
    expect(await save(limit)).toBe(true);
    expect(await save(limit + 1, T0 + 1)).toBe(true);
    expect(await other.silences(T0 + 1)).toHaveLength(limit);
  });

  it('lists all that are remembered, however many have ended', async () => {
    // More than a script of Redis can hand to one command.
    const count = 9000;
    const ended = Array.from({ length: count }, (_, n) => silenceOf(n));
    for (const silence of ended) await state.saveSilence(silence, T0 + count);
    expect(await other.silences(0)).toHaveLength(count);
  });

  it('forgets those that ended long ago, and silenced deliveries with their incident, never what is held', async () => {
    const [over, open] = [resolved(incidentOf(T0), 10_000), incidentOf(T0, { container: 'open' })];
    const notifications = [over, open].map(incident => notificationOf(incident, 'hook'));
    await state.commit(lease, { incidents: [over, open], notifications });
    const set = (status: 'silenced' | 'held', n: number) =>
      state.updateDelivery(lease, notifications[n]?.key ?? '', {
        ...{ status, attempts: 0, nextAttempt: T0, lastError: 'by anna' },
      });
    await set('silenced', 0);
    await set('held', 1);
    await state.saveSilence(silenceOf(1), T0);
    await state.saveSilence(silenceOf(2 * HOUR), T0);
    await state.prune(T0 + HOUR, T0 + HOUR);
    expect(await other.silences(0)).toEqual([silenceOf(2 * HOUR)]);
    expect(await other.deliveries('silenced', 10)).toEqual([]);
    expect((await other.deliveries('held', 10)).map(({ notification }) => notification.incident)).toEqual([
      open,
    ]);
  });

  it('a delivery that is held is not due, keeps resolved back, and comes back when it is pending again', async () => {
    const [firing, over] = [incidentOf(T0), resolved(incidentOf(T0))].map(i => notificationOf(i, 'hook'));
    if (!firing || !over) throw new Error('two were made');
    await state.commit(lease, { incidents: [], notifications: [firing, over] });
    const outcome = { attempts: 2, nextAttempt: T0, lastError: 'silenced' };
    await state.updateDelivery(lease, firing.key, { ...outcome, status: 'held' });
    expect(await other.dueDeliveries('hook', T0 + HOUR, 10)).toEqual([]);
    expect(await other.delivery(firing.key)).toEqual({ notification: firing, ...outcome, status: 'held' });
    expect(await other.delivery('nobody')).toBeNull();
    await state.updateDelivery(lease, firing.key, { ...outcome, status: 'pending' });
    expect((await other.dueDeliveries('hook', T0, 10)).map(d => d.notification)).toEqual([firing]);
    await state.updateDelivery(lease, firing.key, { ...outcome, status: 'silenced' });
    expect((await other.dueDeliveries('hook', T0, 10)).map(d => d.notification)).toEqual([over]);
    await state.commit(lease, { incidents: [], notifications: [firing] });
    expect(await other.deliveries('silenced', 10)).toHaveLength(1);
  });
});
