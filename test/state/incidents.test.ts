import { beforeEach, expect, it } from '@jest/globals';
import type { Incidents, Lease } from '../../state/contract.ts';
import { incidentOf, resolved } from '../data/incidents.ts';
import { describeStates, HOSTILE, HOUR, T0 } from './states.ts';

describeStates('incidents', users => {
  let state: Incidents;
  let other: Incidents;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  const all = { from: T0, to: T0 + 1000 * HOUR };

  it('come back as they were, newest first, at most so many', async () => {
    const incidents = [3, 1, 2].map(n => incidentOf(T0 + n * HOUR, { title: HOSTILE.join('') }));
    await state.commit(lease, { incidents, notifications: [] });
    const [third, first, second] = incidents;
    expect(await other.incidents(all, 10)).toEqual([third, second, first]);
    expect(await other.incidents(all, 2)).toEqual([third, second]);
  });

  it('are found when they were firing at any moment of the range', async () => {
    const over = resolved(incidentOf(T0), HOUR);
    const open = incidentOf(T0 + 10 * HOUR, { container: 'open' });
    await state.commit(lease, { incidents: [over, open], notifications: [] });
    const found = async (from: number, to: number) =>
      (await other.incidents({ from, to }, 10)).map(incident => incident.container).sort();
    expect(await found(T0 - HOUR, T0)).toEqual([]);
    expect(await found(T0 - HOUR, T0 + 1)).toEqual(['shop']);
    expect(await found(T0 + HOUR - 1, T0 + 2 * HOUR)).toEqual(['shop']);
    expect(await found(T0 + HOUR, T0 + 2 * HOUR)).toEqual([]);
    expect(await found(T0 + 500 * HOUR, T0 + 501 * HOUR)).toEqual(['open']);
    expect(await found(T0, T0 + 501 * HOUR)).toEqual(['open', 'shop']);
  });

  it('fire again when they were seen after they were over, and are listed as such', async () => {
    const first = incidentOf(T0);
    const over = resolved(first, 60_000);
    const again = {
      ...first,
      end: T0 + 90_000,
      reopenedAt: T0 + 85_000,
      flapping: { times: 3, since: T0, last: T0 + 85_000 },
    };
    const commit = (incident: typeof first) =>
      state.commit(lease, { incidents: [incident], notifications: [] });
    for (const incident of [first, over, again, over, first]) await commit(incident);
    expect(await other.incident(first.id)).toEqual(again);
    expect(await other.openIncidents(first.host)).toEqual([again]);
    const end = { ...again, resolvedAt: T0 + 400_000 };
    await commit(end);
    expect(await other.incident(first.id)).toEqual(end);
    expect(await other.openIncidents(first.host)).toEqual([]);
  });

  it('grow and are resolved, but never go back to an earlier form', async () => {
    const first = incidentOf(T0);
    const grown = { ...first, end: T0 + 20_000, score: 4 };
    const over = resolved(grown);
    const commit = (incident: typeof first) =>
      state.commit(lease, { incidents: [incident], notifications: [] });
    for (const incident of [first, grown, first]) expect(await commit(incident)).toBe(true);
    expect(await other.incidents(all, 10)).toEqual([grown]);
    for (const incident of [over, first, grown]) expect(await commit(incident)).toBe(true);
    expect(await other.incidents(all, 10)).toEqual([over]);
  });

  it('are listed by host while they are firing, whatever its name', async () => {
    const open = HOSTILE.map((host, n) => incidentOf(T0 + n, { host }));
    const second = incidentOf(T0 + HOUR, { host: 'a:b' });
    await state.commit(lease, { incidents: [...open, second], notifications: [] });
    await state.commit(lease, {
      incidents: [...open.slice(1).map(one => resolved(one))],
      notifications: [],
    });
    expect(await other.openIncidents('a:b')).toEqual([second, open[0]]);
    for (const host of HOSTILE.slice(1)) expect(await other.openIncidents(host)).toEqual([]);
    await state.commit(lease, { incidents: [resolved(second), ...open], notifications: [] });
    expect(await other.openIncidents('a:b')).toEqual([open[0]]);
  });

  it('are more than one page of the database', async () => {
    const incidents = Array.from({ length: 1200 }, (_, n) => resolved(incidentOf(T0 + n * 1000), 500));
    await state.commit(lease, { incidents: [...incidents, incidentOf(T0 - HOUR)], notifications: [] });
    expect(await other.incidents({ from: T0 + 2000 * 1000, to: T0 + 3000 * 1000 }, 10)).toHaveLength(1);
    expect(await other.incidents(all, 5000)).toHaveLength(1201);
  });
});
