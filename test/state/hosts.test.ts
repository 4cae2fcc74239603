import { beforeEach, expect, it } from '@jest/globals';
import type { Hosts, Lease, StateAdmin } from '../../state/contract.ts';
import { describeStates, HOSTILE, HOUR, T0 } from './states.ts';

describeStates('hosts', users => {
  let state: Hosts & StateAdmin;
  let other: Hosts & StateAdmin;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  const seen = (host: string, start = T0, stopped = false) => ({ host, start, durationMs: 5000, stopped });
  const byHost = (found: Awaited<ReturnType<Hosts['lastSeen']>>) => found.map(({ host }) => host).sort();

  it('are known to all by what was last seen of them, whatever their names', async () => {
    expect(await other.lastSeen()).toEqual([]);
    for (const host of HOSTILE) expect(await state.saveLastSeen(lease, seen(host))).toBe(true);
    expect(byHost(await other.lastSeen())).toEqual([...HOSTILE].sort());
    expect(await state.saveLastSeen(lease, seen('-', T0 + 5000, true))).toBe(true);
    const all = await other.lastSeen();
    expect(all).toHaveLength(HOSTILE.length);
    expect(all.find(({ host }) => host === '-')).toEqual(seen('-', T0 + 5000, true));
  });

  it('are forgotten with all else that is old', async () => {
    await state.saveLastSeen(lease, seen('old', T0 - 1));
    await state.saveLastSeen(lease, seen('new', T0));
    await state.prune(T0 + HOUR, T0);
    expect(byHost(await other.lastSeen())).toEqual(['new']);
  });
});
