import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../core/clock.ts';
import type { State } from '../../state/contract.ts';
import { createRedisState } from '../../state/redis/state.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';

describeWith(['redis'], 'redis state when things break', () => {
  let redis: RedisServer;
  let runs = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const opened = async (log = recordingLog().log, prefix = `fault-${runs++}`) => {
    const state = createRedisState({ url: redis.url, prefix, clock: systemClock, log });
    await state.open();
    return { state, prefix };
  };
  const take = async (state: State, name = 'lane-0') => {
    const lease = await state.acquire(name, 'worker-a', 60_000);
    if (!lease) throw new Error(`${name} is held by somebody else`);
    return lease;
  };

  it('rejects soon, to be tried again, while Redis is away, and goes on with what was written', async () => {
    const { log, lines } = recordingLog();
    const { state } = await opened(log);
    const lease = await take(state);
    const incident = incidentOf(1_700_000_000_000);
    await state.commit(lease, { incidents: [incident], notifications: [notificationOf(incident, 'hook')] });
    const admin = new Redis(redis.url);
    await admin.config('SET', 'appendfsync', 'always');
    await state.agreeOnLanes(8);
    admin.disconnect();
    await redis.child.stop('SIGKILL');
    const start = performance.now();
    for (const request of [
      () => state.acquire('lane-1', 'a', 1000),
      () => state.renew(lease, 1000),
      () => state.commit(lease, { incidents: [], notifications: [] }),
      () => state.dueDeliveries('hook', 0, 1),
      () => state.incidents({ from: 0, to: 1 }, 1),
      () => state.loadCheckpoint('h', 'f'),
      () => state.prune(0, 0),
      () => state.agreeOnLanes(1),
    ]) {
      await expect(request()).rejects.toMatchObject({ retry: true });
    }
    // None of them has waited for Redis to come back.
    expect(performance.now() - start).toBeLessThan(20_000);
    await until('the outage in the log', () => lines.length > 0);
    await redis.restart();
    await until('Redis', () =>
      state.agreeOnLanes(1).then(
        lanes => lanes === 8,
        () => false,
      ),
    );
    // The restarted server may have forgotten writes: the owner must start again from what it has.
    expect(await state.renew(lease, 60_000)).toBe(false);
    expect(await state.commit(lease, { incidents: [], notifications: [] })).toBe(false);
    expect(await state.acquire('lane-0', 'worker-b', 60_000)).toBeNull();
    expect(await state.acquire('lane-0', 'worker-a', 60_000)).toMatchObject({ token: lease.token + 1 });
    expect((await state.dueDeliveries('hook', 0, 10)).map(d => d.notification.incident)).toEqual([incident]);
    expect(lines.map(line => line.message)).toEqual([
      'lost contact with Redis; trying again',
      'in contact with Redis again',
    ]);
    await state.close();
  });

  it('keeps an owner out whose lease Redis has forgotten, even when tokens start anew', async () => {
    const { state, prefix } = await opened();
    const lease = await take(state);
    const admin = new Redis(redis.url);
    const keys = await admin.keys(`{${prefix}}*`);
    await admin.del(...keys);
    expect(await state.renew(lease, 60_000)).toBe(false);
    const successor = await state.acquire('lane-0', 'worker-b', 60_000);
    expect(successor?.token).toBe(lease.token);
    expect(await state.commit(lease, { incidents: [], notifications: [] })).toBe(false);
    admin.disconnect();
    await state.close();
  });

  it('has all keys under its prefix, in one hash slot', async () => {
    const { state, prefix } = await opened();
    const lease = await take(state, 'a:b}{');
    const incident = incidentOf(1, { host: '}{' });
    await state.commit(lease, { incidents: [incident], notifications: [notificationOf(incident, '{x}')] });
    await state.saveCheckpoint(lease, { host: '}{', last: 1, fingerprint: '{', data: '' });
    await state.agreeOnLanes(4);
    const admin = new Redis(redis.url);
    const keys = (await admin.keys('*')).filter(key => key.includes(prefix));
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter(key => !key.startsWith(`{${prefix}}:state:`))).toEqual([]);
    admin.disconnect();
    await state.close();
  });

  it('reads no more of deliveries than is due, however many wait for their time or for a firing one', async () => {
    const { state } = await opened();
    const lease = await take(state);
    const admin = new Redis(redis.url);
    /** Commands that one question takes, those of scripts included, and bytes that answer it. */
    const costOf = async () => {
      await admin.config('RESETSTAT');
      expect(await state.dueDeliveries('hook', 1000, 16)).toHaveLength(1);
      const [stats, commands] = [await admin.info('stats'), await admin.info('commandstats')];
      const calls = [...commands.matchAll(/^cmdstat_(?!info|config).*?:calls=(\d+)/gm)];
      return {
        calls: calls.reduce((sum, [, count]) => sum + Number(count), 0),
        kib: Math.ceil(Number(/total_net_output_bytes:(\d+)/.exec(stats)?.[1]) / 1024),
      };
    };
    const add = async (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        const incident = incidentOf(n);
        const notifications = [incident, resolved(incident)].map(one => notificationOf(one, 'hook'));
        await state.commit(lease, { incidents: [], notifications });
        const outcome = { status: 'pending', attempts: 1, nextAttempt: 2000, lastError: 'x' } as const;
        if (n > 0) await state.updateDelivery(lease, notifications[0]?.key ?? '', outcome);
      }
    };
    await add(0, 2);
    await costOf();
    const few = await costOf();
    await add(2, 200);
    expect(await costOf()).toEqual(few);
    admin.disconnect();
    await state.close();
  });

  it('finds deliveries again of a version that kept none by incident, when it prunes', async () => {
    const { state, prefix } = await opened();
    const lease = await take(state);
    const incident = incidentOf(1);
    const notifications = ['a', 'b', 'c'].map(receiver => notificationOf(incident, receiver));
    await state.commit(lease, { incidents: [incident], notifications });
    const outcome = { attempts: 1, nextAttempt: 0, lastError: null };
    const [, second, third] = notifications;
    await state.updateDelivery(lease, second?.key ?? '', { ...outcome, status: 'held' });
    await state.updateDelivery(lease, third?.key ?? '', { ...outcome, status: 'delivered' });
    const admin = new Redis(redis.url);
    expect(await admin.del(`{${prefix}}:state:deliveries-about:${incident.id}`)).toBe(1);
    await state.prune(0, 0);
    expect((await state.deliveriesAbout(incident.id)).map(d => d.notification)).toEqual(notifications);
    admin.disconnect();
    await state.close();
  });

  it('finds deliveries again of a version that kept none by due time, when it prunes', async () => {
    const { state, prefix } = await opened();
    const lease = await take(state);
    const incident = incidentOf(1);
    const [firing, over] = [incident, resolved(incident)].map(one => notificationOf(one, 'hook'));
    if (!firing || !over) throw new Error('two were made');
    await state.commit(lease, { incidents: [], notifications: [firing, over] });
    const admin = new Redis(redis.url);
    await admin.del(`{${prefix}}:state:deliveries-due-of:hook`);
    await state.prune(0, 0);
    expect((await state.dueDeliveries('hook', 0, 10)).map(d => d.notification)).toEqual([firing]);
    admin.disconnect();
    await state.close();
  });

  it('says which answer it cannot read', async () => {
    const { state, prefix } = await opened();
    const admin = new Redis(redis.url);
    await admin.set(`{${prefix}}:state:lanes`, 'many');
    await expect(state.agreeOnLanes(8)).rejects.toMatchObject({ retry: false });
    await admin.lpush(`{${prefix}}:state:lease:lane-0`, 'not a lease');
    await expect(state.acquire('lane-0', 'a', 1000)).rejects.toMatchObject({
      retry: false,
      problem: { found: expect.stringContaining('WRONGTYPE') },
    });
    admin.disconnect();
    await state.close();
  });
});
