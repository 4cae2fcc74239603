import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '../../core/clock.ts';
import type { Lease, State } from '../../state/contract.ts';
import { createRedisState } from '../../state/redis/state.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { incidentOf, notificationOf, resolved } from '../parts/incidents.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis.ts';

const HOUR = 3_600_000;
const T0 = 480_000 * HOUR;
const LONG = 60_000;
/** A lease that has run out a moment later; Redis' own clock counts, so there is no way but to let it pass. */
const SHORT = 40;

const HOSTILE = [
  'a:b',
  '',
  'x'.repeat(300),
  'new\nline',
  '"quoted"\\',
  '{tag}',
  'ü💥',
  'a\u0000b',
  'half\ud800',
  "it's",
  '%',
  '-',
];

/** What every state promises. `create` gives another user of the same shared state each time. */
function conformance(create: () => State): void {
  let state: State;
  let other: State;
  let lease: Lease;
  beforeEach(async () => {
    state = create();
    other = create();
    await state.open();
    await other.open();
    lease = await take(state, 'lane-0', 'worker-a');
  });
  afterEach(async () => {
    await state.close();
    await other.close();
  });

  async function take(from: State, name: string, owner: string, ttlMs = LONG): Promise<Lease> {
    const taken = await from.acquire(name, owner, ttlMs);
    if (!taken) throw new Error(`${name} is held by somebody else`);
    return taken;
  }

  /** Let the lease run out; its successor's. */
  const outlive = (owner: string) =>
    until('the lease to run out', async () => (await other.acquire('lane-0', owner, LONG)) ?? undefined);

  it('opens twice and says what it is', async () => {
    expect(await state.open()).toMatch(/^(SQLite|Redis) \d+\.\d+/);
  });

  it('records the number of lanes once', async () => {
    expect(await state.agreeOnLanes(8)).toBe(8);
    expect(await other.agreeOnLanes(4)).toBe(8);
  });

  describe('leases', () => {
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
      await until(
        'another lease to run out',
        async () => (await state.acquire('lane-2', 'x', LONG)) !== null,
      );
      expect(await other.renew(fresh, LONG)).toBe(false);
      expect(await other.acquire('lane-1', 'worker-b', LONG)).toBeNull();
      await take(state, 'lane-1', 'worker-a');
      expect(await state.renew(short, LONG)).toBe(false);
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

  describe('workers', () => {
    it('know of each other from announcement to end, and forget who has fallen silent', async () => {
      expect(await state.announce('b', LONG)).toEqual(['b']);
      expect(await other.announce('a', SHORT)).toEqual(['a', 'b']);
      expect(await other.announce('a', SHORT)).toEqual(['a', 'b']);
      await until('a to be forgotten', async () => (await state.announce('b', LONG)).length === 1);
      for (const owner of HOSTILE) await state.announce(owner, LONG);
      expect(await other.announce('b', LONG)).toEqual([...HOSTILE, 'b'].sort());
      for (const owner of HOSTILE) await other.leave(owner);
      await state.leave('never heard of');
      expect(await state.announce('b', LONG)).toEqual(['b']);
      await state.leave('b');
    });
  });

  describe('fencing', () => {
    const incident = incidentOf(T0);
    const key = notificationOf(incident, 'hook').key;

    /** Everything that a lease is needed for; what was changed by it. */
    async function writeAll(held: Lease): Promise<boolean[]> {
      const other = incidentOf(T0 + 5000);
      return [
        await state.renew(held, LONG),
        await state.saveCheckpoint(held, { host: 'web-1', last: T0 + 5000, fingerprint: 'f', data: '2' }),
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
      incidents: await other.incidents({ from: T0, to: T0 + HOUR }, 10),
      pending: await other.deliveries('pending', 10),
      dead: await other.deliveries('dead', 10),
    });

    beforeEach(async () => {
      await state.saveCheckpoint(lease, { host: 'web-1', last: T0, fingerprint: 'f', data: '1' });
      await state.commit(lease, { incidents: [incident], notifications: [notificationOf(incident, 'hook')] });
    });

    it('lets the holder write', async () => {
      expect(await writeAll(lease)).toEqual([true, true, true, true]);
    });

    it('lets an owner change nothing whose lease has run out, though nobody has taken it', async () => {
      const short = await take(state, 'lane-5', 'worker-a', SHORT);
      await until(
        'the lease to run out',
        async () => !(await state.commit(short, { incidents: [], notifications: [] })),
      );
      const before = await everything();
      expect(await writeAll(short)).toEqual([false, false, false, false]);
      expect(await everything()).toEqual(before);
    });

    it('lets an owner change nothing who has a successor, even if that is himself', async () => {
      await take(state, 'lane-0', 'worker-a');
      const before = await everything();
      expect(await writeAll(lease)).toEqual([false, false, false, false]);
      expect(await everything()).toEqual(before);
    });

    it('lets nobody write with a lease he made up', async () => {
      const before = await everything();
      expect(await writeAll({ ...lease, owner: 'worker-b' })).toEqual([false, false, false, false]);
      expect(await writeAll({ ...lease, token: lease.token + 1 })).toEqual([false, false, false, false]);
      expect(await writeAll({ ...lease, name: 'lane-7' })).toEqual([false, false, false, false]);
      expect(await everything()).toEqual(before);
    });
  });

  describe('checkpoints', () => {
    const checkpoint = (last: number, host = 'web-1', fingerprint = 'f', data = `state at ${last}`) => ({
      host,
      last,
      fingerprint,
      data,
    });

    it('come back, the newest of a host and fingerprint, in whatever order they were saved', async () => {
      for (const last of [T0 + 10_000, T0, T0 + 5000]) await state.saveCheckpoint(lease, checkpoint(last));
      await state.saveCheckpoint(lease, checkpoint(T0 + 90_000, 'web-1', 'other settings'));
      await state.saveCheckpoint(lease, checkpoint(T0 + 90_000, 'web-2'));
      expect(await other.loadCheckpoint('web-1', 'f')).toEqual(checkpoint(T0 + 10_000));
      expect(await other.loadCheckpoint('web-1', 'f', T0 + 10_000)).toEqual(checkpoint(T0 + 5000));
      expect(await other.loadCheckpoint('web-1', 'f', T0 + 10_001)).toEqual(checkpoint(T0 + 10_000));
      expect(await other.loadCheckpoint('web-1', 'f', T0)).toBeNull();
      expect(await other.loadCheckpoint('web-3', 'f')).toBeNull();
      expect(await other.foldedUpTo('web-1')).toBe(T0 + 90_000);
      expect(await other.foldedUpTo('web-3')).toBeNull();
    });

    it('are replaced by another of the same moment', async () => {
      await state.saveCheckpoint(lease, checkpoint(T0, 'web-1', 'f', 'first'));
      await state.saveCheckpoint(lease, checkpoint(T0, 'web-1', 'f', 'second'));
      expect((await state.loadCheckpoint('web-1', 'f'))?.data).toBe('second');
    });

    it('replace older ones of the same hour, of the same host and fingerprint', async () => {
      for (const last of [T0 - 1, T0, T0 + HOUR / 2, T0 + HOUR - 1, T0 + HOUR]) {
        await state.saveCheckpoint(lease, checkpoint(last));
        await state.saveCheckpoint(lease, checkpoint(last - 1000, 'web-2'));
      }
      const lasts: number[] = [];
      for (let at: number | undefined; ; at = lasts.at(-1)) {
        const found = await other.loadCheckpoint('web-1', 'f', at);
        if (!found) break;
        lasts.push(found.last);
      }
      expect(lasts).toEqual([T0 + HOUR, T0 + HOUR - 1, T0 - 1]);
      expect(await other.foldedUpTo('web-1')).toBe(T0 + HOUR);
    });

    it('are told apart for hosts and fingerprints of any text, and keep any data', async () => {
      const text = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 20 }));
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.tuple(text, text), { selector: String, maxLength: 4 }),
          text,
          async (ids, data) => {
            for (const [i, [host, fingerprint]] of ids.entries()) {
              await state.saveCheckpoint(lease, { host, fingerprint, last: T0 + i, data: data + i });
            }
            for (const [i, [host, fingerprint]] of ids.entries()) {
              const found = await other.loadCheckpoint(host, fingerprint, T0 + i + 1);
              expect(found).toEqual({ host, fingerprint, last: T0 + i, data: data + i });
            }
            await state.prune(T0 + 1000 * HOUR, T0 + HOUR);
          },
        ),
        { numRuns: 25 },
      );
    });

    it('are thinned out: one an hour for two days, one a day before, the newest always', async () => {
      const now = T0 + 40 * 24 * HOUR;
      const saved = Array.from({ length: 40 * 24 * 4 }, (_, i) => T0 + i * (HOUR / 4)).filter(
        last => last > now - 50 * HOUR || last % (6 * HOUR) === 0,
      );
      for (const last of saved) await state.saveCheckpoint(lease, checkpoint(last));
      await state.saveCheckpoint(lease, checkpoint(T0, 'gone'));
      const before = now - 30 * 24 * HOUR;
      await state.prune(now, before);
      const kept: number[] = [];
      for (let at: number | undefined; ; ) {
        const found = await other.loadCheckpoint('web-1', 'f', at);
        if (!found) break;
        kept.push(found.last);
        at = found.last;
      }
      expect(kept[0]).toBe(saved.at(-1));
      expect(kept.at(-1)).toBeGreaterThanOrEqual(before);
      expect(kept.filter(last => now - last < 48 * HOUR)).toHaveLength(48);
      const days = kept.filter(last => now - last >= 48 * HOUR);
      expect(days.length).toBeGreaterThanOrEqual(28);
      expect(new Set(days.map(last => Math.floor(last / 24 / HOUR))).size).toBe(days.length);
      expect(await other.loadCheckpoint('gone', 'f')).toEqual(checkpoint(T0, 'gone'));
    });
  });

  describe('incidents', () => {
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

  describe('deliveries', () => {
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

    it('take an outcome for a key nobody knows without making one up', async () => {
      expect(await state.updateDelivery(lease, 'unknown', done)).toBe(true);
      expect(await other.deliveries('delivered', 10)).toEqual([]);
    });

    it('go to receivers of any name', async () => {
      const notifications = HOSTILE.map((name, n) =>
        notificationOf(incidentOf(T0 + n, { host: name }), name),
      );
      await queue(...notifications);
      for (const notification of notifications) {
        expect(await due(notification.receiver)).toEqual([notification]);
        await state.updateDelivery(lease, notification.key, done);
        expect(await due(notification.receiver)).toEqual([]);
      }
    });
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
}

describe('sqlite state', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  let runs = 0;
  beforeEach(() => {
    runs++;
  });
  conformance(() =>
    createSqliteState({ file: join(folder.path, `deep/${runs}/state.db`), clock: systemClock }),
  );
});

describeWith(['redis'], 'redis state', () => {
  let redis: RedisServer;
  let runs = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(() => {
    runs++;
  });
  conformance(() =>
    createRedisState({ url: redis.url, prefix: `run-${runs}`, clock: systemClock, log: recordingLog().log }),
  );
});
