import { beforeEach, expect, it } from '@jest/globals';
import type { Lease, Leases } from '../../state/contract.ts';
import { until } from '../parts/process.ts';
import { describeStates, HOSTILE, LONG, SHORT, take } from './states.ts';

describeStates('leases', users => {
  let state: Leases;
  let other: Leases;
  let lease: Lease;
  beforeEach(() => {
    ({ state, other, lease } = users());
  });

  /** Let the lease run out; its successor's. */
  const outlive = (owner: string) =>
    until('the lease to run out', async () => (await other.acquire('lane-0', owner, LONG)) ?? undefined);

  it('belong to one owner at a time, by name', async () => {
    expect(await other.acquire('lane-0', 'worker-b', LONG)).toBeNull();
    expect(await other.acquire('lane-1', 'worker-b', LONG)).toMatchObject({ owner: 'worker-b' });
  });

  it('get a higher token with every ownership: taken again, released, run out', async () => {
    const tokens = [lease.token];
    const again = await take(state, 'lane-0', 'worker-a');
    tokens.push(again.token);
    await state.release(again);
    const second = await take(other, 'lane-0', 'worker-b', SHORT);
    tokens.push(second.token);
    tokens.push((await outlive('worker-c')).token);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('are extended by renewal, and only by their newest owner', async () => {
    // Before it has run out; on a machine that stands still for so long, at another attempt.
    const short = await until('a renewal in time', async () => {
      const taken = await take(state, 'lane-1', 'worker-a', SHORT);
      return (await state.renew(taken, LONG)) && taken;
    });
    const fresh = await take(other, 'lane-2', 'worker-b', SHORT);
    await until('another lease to run out', async () => (await state.acquire('lane-2', 'x', LONG)) !== null);
    expect(await other.renew(fresh, LONG)).toBe(false);
    expect(await other.acquire('lane-1', 'worker-b', LONG)).toBeNull();
    await take(state, 'lane-1', 'worker-a');
    expect(await state.renew(short, LONG)).toBe(false);
  });

  it('are extended several at once, each only by its newest owner', async () => {
    expect(await state.renewAll([], LONG)).toEqual([]);
    const expiring = await take(state, 'lane-1', 'worker-a', SHORT);
    // Renewed for less time than passes until it is asked again: each question would keep a longer one alive.
    await until('a lease to run out', async () => (await state.renew(expiring, 1)) === false);
    const short = await until('a renewal in time', async () => {
      const taken = await take(state, 'lane-2', 'worker-a', SHORT);
      const held = await state.renewAll([expiring, taken, { ...lease, owner: 'worker-b' }], LONG);
      return held[1] && { held };
    });
    expect(short.held).toEqual([false, true, false]);
    expect(await other.acquire('lane-2', 'worker-b', LONG)).toBeNull();
    expect(await other.acquire('lane-1', 'worker-b', LONG)).not.toBeNull();
    expect(await state.renewAll([lease, { ...lease, token: lease.token + 1 }], LONG)).toEqual([true, false]);
  });

  it('are not released by a former owner', async () => {
    const successor = await take(state, 'lane-0', 'worker-a');
    await state.release(lease);
    expect(await other.acquire('lane-0', 'worker-b', LONG)).toBeNull();
    await state.release(successor);
    expect(await other.acquire('lane-0', 'worker-b', LONG)).not.toBeNull();
  });

  it('go to exactly one of many who want them', async () => {
    const users = [state, other, state, other, state, other];
    const taken = await Promise.all(users.map((user, i) => user.acquire('lane-9', `worker-${i}`, LONG)));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  it('tell hostile names and owners apart', async () => {
    const tokens = [];
    for (const name of HOSTILE) {
      const taken = await take(state, name, name);
      tokens.push(taken.token);
      expect(await other.acquire(name, `${name} `, LONG)).toBeNull();
      expect(await state.renew({ ...taken, owner: `${name}x` }, LONG)).toBe(false);
      expect(await state.renew(taken, LONG)).toBe(true);
    }
    expect(tokens).toEqual(HOSTILE.map(() => 1));
  });
});
