import { beforeEach, expect, it } from '@jest/globals';
import { notificationKey } from '../../core/incident/incident.ts';
import type { Deliveries, Incidents, Lease, Leases, StateAdmin } from '../../state/contract.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { describeStates, HOSTILE, HOUR, T0 } from './states.ts';

describeStates('deliveries', users => {
  let state: Incidents & Deliveries & Leases & StateAdmin;
  let other: Incidents & Deliveries;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  const done = { status: 'delivered', attempts: 1, nextAttempt: 0, lastError: null } as const;
  const queue = (...notifications: ReturnType<typeof notificationOf>[]) =>
    state.commit(lease, { incidents: [], notifications });
  const due = async (receiver: string, now = T0, limit = 10) =>
    (await other.dueDeliveries(receiver, now, limit)).map(delivery => delivery.notification);

  it('are pending at once, oldest first, each for its receiver', async () => {
    const [a, b, c] = [2, 1, 3].map(n => notificationOf(incidentOf(T0 + n), 'hook'));
    const elsewhere = notificationOf(incidentOf(T0), 'mail');
    if (!a || !b || !c) throw new Error('three were made');
    await queue(a, b, elsewhere);
    await queue(c);
    expect(await due('hook')).toEqual([a, b, c]);
    expect(await due('hook', T0, 2)).toEqual([a, b]);
    expect(await due('mail')).toEqual([elsewhere]);
    expect(await due('nobody')).toEqual([]);
    expect((await other.dueDeliveries('mail', T0, 1))[0]).toEqual({
      notification: elsewhere,
      status: 'pending',
      attempts: 0,
      nextAttempt: 0,
      lastError: null,
    });
  });

  it('are left as they are when their key comes again: pending, delivered or dead', async () => {
    const notifications = [1, 2, 3].map(n => notificationOf(incidentOf(T0 + n), 'hook'));
    await queue(...notifications);
    const [, second, third] = notifications;
    await state.updateDelivery(lease, second?.key ?? '', done);
    await state.updateDelivery(lease, third?.key ?? '', { ...done, status: 'dead', lastError: 'gone' });
    await queue(...notifications, ...notifications);
    expect(await due('hook')).toEqual(notifications.slice(0, 1));
    expect(await other.deliveries('delivered', 10)).toHaveLength(1);
    expect(await other.deliveries('dead', 10)).toMatchObject([{ lastError: 'gone', notification: third }]);
  });

  it('are found by their keys in one read, and incidents by their ids', async () => {
    const incidents = HOSTILE.map((name, n) => incidentOf(T0 + n, { id: name }));
    const notifications = incidents.map(one => notificationOf(one, 'hook'));
    await state.commit(lease, { incidents, notifications });
    const found = await other.deliveriesOf([...notifications.map(({ key }) => key), 'nobody']);
    expect([...found.keys()].sort()).toEqual(notifications.map(({ key }) => key).sort());
    expect(found.get(notifications[0]?.key ?? '')?.notification).toEqual(notifications[0]);
    const known = await other.incidentsOf([...HOSTILE, 'nobody']);
    expect([...known].sort()).toEqual(incidents.map(one => [one.id, one]).sort());
    expect([(await other.deliveriesOf([])).size, (await other.incidentsOf([])).size]).toEqual([0, 0]);
  });

  it('become one message in one step: what goes out with another is not due, and keeps its own end back', async () => {
    const [a, b] = [1, 2].map(n => notificationOf(incidentOf(T0 + n), 'hook'));
    if (!a || !b) throw new Error('two were made');
    const end = notificationOf(resolved(b.incident), 'hook');
    await queue(a, b, end);
    const waiting = { status: 'pending', attempts: 0, nextAttempt: 0, lastError: null } as const;
    const assigned = [
      { key: a.key, outcome: { ...waiting, members: [b.key] } },
      { key: b.key, outcome: { ...waiting, status: 'grouped' as const, within: a.key } },
    ];
    expect(await state.updateDeliveries(lease, assigned)).toBe(true);
    expect(await due('hook')).toEqual([a]);
    expect((await other.delivery(a.key))?.members).toEqual([b.key]);
    expect(await other.deliveries('grouped', 10)).toMatchObject([{ notification: b, within: a.key }]);
    await state.updateDeliveries(lease, [
      { key: a.key, outcome: done },
      { key: b.key, outcome: { ...done, within: a.key } },
    ]);
    expect(await due('hook')).toEqual([end]);
    const lost = { ...lease, token: lease.token - 1 };
    expect(await state.updateDeliveries(lost, [{ key: end.key, outcome: done }])).toBe(false);
    expect(await due('hook')).toEqual([end]);
  });

  it('the end of one that fired again waits for that it did', async () => {
    const again = { ...incidentOf(T0), reopenedAt: T0 + 60_000 };
    const of = (status: 'firing' | 'resolved') => ({
      key: notificationKey(again.id, 'hook', status, 2),
      ...{ receiver: 'hook', status, incident: again },
    });
    await queue(of('resolved'), of('firing'));
    expect(await due('hook')).toEqual([of('firing')]);
    await state.updateDelivery(lease, of('firing').key, done);
    expect(await due('hook')).toEqual([of('resolved')]);
  });

  it('know until when a receiver asked to be left alone, until that is over and forgotten', async () => {
    for (const name of HOSTILE) expect(await other.pauseOf(name)).toBeNull();
    for (const [n, name] of HOSTILE.entries())
      expect(await state.savePause(lease, name, T0 + n + 0.5)).toBe(true);
    for (const [n, name] of HOSTILE.entries()) expect(await other.pauseOf(name)).toBe(T0 + n + 1);
    const [first = '', second = ''] = HOSTILE;
    await state.savePause(lease, second, T0 + HOUR);
    await state.prune(T0 + 2, 0);
    expect(await other.pauseOf(first)).toBeNull();
    expect(await other.pauseOf(second)).toBe(T0 + HOUR);
    await state.release(lease);
    expect(await state.savePause(lease, second, T0)).toBe(false);
    expect(await other.pauseOf(second)).toBe(T0 + HOUR);
  });

  it('come back when their time has come, with what happened', async () => {
    const notification = notificationOf(incidentOf(T0), 'hook');
    await queue(notification);
    const outcome = {
      status: 'pending',
      attempts: 3,
      nextAttempt: T0 + 1000.5,
      lastError: 'HTTP 503 "\n"',
    } as const;
    expect(await state.updateDelivery(lease, notification.key, outcome)).toBe(true);
    expect(await due('hook', T0 + 1000)).toEqual([]);
    expect(await other.dueDeliveries('hook', T0 + 1001, 10)).toEqual([{ notification, ...outcome }]);
  });

  it('give what was never tried before what failed, and of that what has waited longest', async () => {
    const [a, b, c, d] = [1, 2, 3, 4].map(n => notificationOf(incidentOf(T0 + n), 'hook'));
    if (!a || !b || !c || !d) throw new Error('four were made');
    await queue(a, b, c, d);
    await state.updateDelivery(lease, a.key, { ...done, status: 'pending', nextAttempt: T0 - 1 });
    await state.updateDelivery(lease, b.key, { ...done, status: 'pending', nextAttempt: T0 - 2 });
    expect(await due('hook')).toEqual([c, d, b, a]);
    expect(await due('hook', T0, 3)).toEqual([c, d, b]);
  });

  it('give an alarm before the end of another', async () => {
    const over = notificationOf(resolved(incidentOf(T0)), 'hook');
    const alarm = notificationOf(incidentOf(T0 + 1), 'hook');
    await queue(over, alarm);
    expect(await due('hook')).toEqual([alarm, over]);
    expect(await due('hook', T0, 1)).toEqual([alarm]);
    await state.updateDelivery(lease, alarm.key, { ...done, status: 'pending', nextAttempt: T0 - 1 });
    expect(await due('hook')).toEqual([alarm, over]);
  });

  it('remember since when they fail', async () => {
    const notification = notificationOf(incidentOf(T0), 'hook');
    await queue(notification);
    expect(await other.delivery(notification.key)).not.toHaveProperty('failingSince');
    await state.updateDelivery(lease, notification.key, { ...done, status: 'pending', failingSince: T0 });
    expect(await other.delivery(notification.key)).toMatchObject({ failingSince: T0 });
  });

  it('keep resolved back until firing is done with, one way or the other', async () => {
    const incident = incidentOf(T0);
    const [firing, over] = [notificationOf(incident, 'hook'), notificationOf(resolved(incident), 'hook')];
    const alone = notificationOf(resolved(incidentOf(T0 + 1)), 'hook');
    await queue(firing, over, alone, notificationOf(incident, 'mail'));
    expect(await due('hook')).toEqual([firing, alone]);
    await state.updateDelivery(lease, firing.key, { ...done, status: 'pending', nextAttempt: T0 + HOUR });
    expect(await due('hook')).toEqual([alone]);
    await state.updateDelivery(lease, firing.key, done);
    expect(await due('hook')).toEqual([over, alone]);
    await state.updateDelivery(lease, firing.key, { ...done, status: 'pending' });
    expect(await due('hook')).toEqual([firing, alone]);
    await state.updateDelivery(lease, firing.key, { ...done, status: 'dead' });
    expect(await due('hook')).toEqual([over, alone]);
  });

  it('are listed by status, newest first', async () => {
    const notifications = [1, 2, 3].map(n => notificationOf(incidentOf(T0 + n), 'hook'));
    await queue(...notifications);
    for (const { key } of [...notifications].reverse()) await state.updateDelivery(lease, key, done);
    const listed = async (limit: number) =>
      (await other.deliveries('delivered', limit)).map(delivery => delivery.notification);
    expect(await listed(10)).toEqual([...notifications].reverse());
    expect(await listed(1)).toEqual(notifications.slice(2));
    expect(await listed(0)).toEqual([]);
    expect(await other.deliveries('pending', 10)).toEqual([]);
  });

  it('are found by their incident, whatever became of them, in order of arrival', async () => {
    const incidents = HOSTILE.map((id, n) => incidentOf(T0 + n, { id }));
    const of = (receiver: string) => incidents.map(one => notificationOf(one, receiver));
    await queue(...of('hook'));
    await queue(...of('hook'), ...of('mail'));
    for (const [n, { key }] of of('hook').entries())
      await state.updateDelivery(lease, key, { ...done, status: n % 2 === 0 ? 'held' : 'delivered' });
    for (const [n, { id }] of incidents.entries()) {
      const found = await other.deliveriesAbout(id);
      expect(found.map(({ notification }) => notification)).toEqual([of('hook')[n], of('mail')[n]]);
      expect(found.map(({ status }) => status)).toEqual([n % 2 === 0 ? 'held' : 'delivered', 'pending']);
    }
    expect(await other.deliveriesAbout('nobody')).toEqual([]);
  });

  it('are known by their keys alone, all of a status, in order of arrival', async () => {
    const notifications = HOSTILE.map((id, n) => notificationOf(incidentOf(T0 + n, { id }), id));
    await queue(...notifications);
    const keys = notifications.map(({ key }) => key);
    for (const key of [...keys].reverse())
      await state.updateDelivery(lease, key, { ...done, status: 'held' });
    expect(await other.deliveryKeys('held')).toEqual(keys);
    expect(await other.deliveryKeys('pending')).toEqual([]);
  });

  it('are forgotten with their incident, and no longer found by it', async () => {
    const incident = resolved(incidentOf(T0));
    const [over, waiting] = ['hook', 'mail'].map(receiver => notificationOf(incident, receiver));
    if (!over || !waiting) throw new Error('two were made');
    await state.commit(lease, { incidents: [incident], notifications: [over, waiting] });
    await state.updateDelivery(lease, over.key, done);
    await state.prune(T0 + 2 * HOUR, T0 + HOUR);
    expect((await other.deliveriesAbout(incident.id)).map(({ notification }) => notification)).toEqual([
      waiting,
    ]);
  });

  it('take an outcome for a key nobody knows without making one up', async () => {
    expect(await state.updateDelivery(lease, 'unknown', done)).toBe(true);
    expect(await other.deliveries('delivered', 10)).toEqual([]);
  });

  it('go to receivers of any name', async () => {
    const notifications = HOSTILE.map((name, n) => notificationOf(incidentOf(T0 + n, { host: name }), name));
    await queue(...notifications);
    for (const notification of notifications) {
      expect(await due(notification.receiver)).toEqual([notification]);
      await state.updateDelivery(lease, notification.key, done);
      expect(await due(notification.receiver)).toEqual([]);
    }
  });
});
