import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createInhibition } from '../../../alert/policy/inhibit.ts';
import type { Incident, Notification } from '../../../core/incident/incident.ts';
import { isInForce, type Silence } from '../../../core/incident/silence.ts';
import type { Receiver } from '../../../notify/contract.ts';
import type { DeliveryStatus, Lease, State } from '../../../state/contract.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { Holding } from '../../../worker/deliveries/holding.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder, until } from '../../parts/process.ts';
import { LIMITS, openFiles, refusing, UNGROUPED } from '../fixture.ts';

const HOUR = 3_600_000;

describe('silences and deliveries', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let state: State;
  let lane: Lease;
  let policy: Lease;
  let deliverer: Deliverer;
  let got: string[];
  /** Attempts that were begun; they wait for this. */
  let begun: number;
  let first: Promise<void>;
  let windows: Silence[];
  let logged: ReturnType<typeof recordingLog>;

  const receiver: Receiver = {
    name: 'chat',
    address: 'test',
    limits: LIMITS,
    async deliver({ status, incident }) {
      begun++;
      await first;
      got.push(`${status} ${incident.container}`);
      return { kind: 'accepted' };
    },
  };
  const start = () => {
    logged = recordingLog();
    const { log } = logged;
    deliverer = new Deliverer(policy, {
      ...{ state, clock, log, leaseMs: 1e12, unrecorded: new Map(), receivers: [receiver] },
      policy: UNGROUPED,
      windows: now => windows.filter(window => isInForce(window, now)),
    });
    deliverer.start();
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    state = openFiles(folder.path, clock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e12)) as Lease;
    policy = (await state.acquire('policy', 'me', 1e12)) as Lease;
    got = [];
    begun = 0;
    first = Promise.resolve();
    windows = [];
    start();
  });
  afterEach(async () => {
    await deliverer.stop();
    await state.close();
    folder.remove();
  });

  const silence = (container: string, lengthMs = HOUR): Silence => ({
    id: '0000000a',
    match: { host: '*', service: '*', container },
    from: clock.now(),
    until: clock.now() + lengthMs,
    owner: 'anna',
    reason: 'deploy',
  });
  const incident = (container: string): Incident => incidentOf(clock.now(), { container });
  const raise = (...notifications: Notification[]) => state.commit(lane, { incidents: [], notifications });
  const told = (container: string) => got.filter(text => text.endsWith(` ${container}`));
  const count = async (status: DeliveryStatus) => (await state.deliveries(status, 100)).length;
  /** Move the clock in small steps until the condition holds. */
  const steps = (what: string, done: () => boolean | Promise<boolean>) =>
    until(what, async () => {
      clock.advance(250);
      return done();
    });

  it('what it covers is held and nobody else; over before the silence is: never sent, neither of the two', async () => {
    await state.saveSilence(silence('web-*'), clock.now());
    const [mine, theirs] = [incident('web-1'), incident('db')];
    await raise(notificationOf(mine, 'chat'), notificationOf(theirs, 'chat'));
    await steps('the other one', () => told('db').length === 1);
    await steps('it to be held', async () => (await count('held')) === 1);
    await steps('the silence to be known', () => deliverer.silences.held === 1);
    expect(deliverer.silences).toEqual({ active: 1, held: 1 });
    const [held] = await state.deliveries('held', 1);
    expect(held?.lastError).toMatch(/^silenced until .* by anna: deploy \(0000000a\)$/);
    await raise(notificationOf(resolved(mine), 'chat'));
    await steps('both to be silenced', async () => (await count('silenced')) === 2);
    clock.advance(2 * HOUR);
    await raise(notificationOf(incident('after'), 'chat'));
    await steps('the next one', () => told('after').length === 1);
    expect(told('web-1')).toEqual([]);
  });

  it('what still fires when it ends is sent then, and its end as well', async () => {
    const wish = silence('web-1', 10_000);
    await state.saveSilence(wish, clock.now());
    const mine = incident('web-1');
    await raise(notificationOf(mine, 'chat'));
    await steps('it to be held', async () => (await count('held')) === 1);
    await steps('it to be told', () => told('web-1').length === 1);
    expect(clock.now()).toBeGreaterThanOrEqual(wish.until);
    await raise(notificationOf(resolved(mine), 'chat'));
    await steps('its end to be told', () => told('web-1').length === 2);
    expect(told('web-1')).toEqual(['firing web-1', 'resolved web-1']);
  });

  it('a maintenance window holds as a silence does, and the message says its name', async () => {
    windows = [{ ...silence('web-1', 10_000), id: 'backup', kind: 'maintenance' }];
    await raise(notificationOf(incident('web-1'), 'chat'));
    await steps('it to be held', async () => (await count('held')) === 1);
    const [held] = await state.deliveries('held', 1);
    expect(held?.lastError).toMatch(/^maintenance window backup until .*: deploy$/);
    await steps('it to be told', () => told('web-1').length === 1);
  });

  it('of a deploy: what becomes critical meanwhile is told at once', async () => {
    await state.saveSilence({ ...silence('*'), kind: 'deploy' }, clock.now());
    const mine = incident('web-1');
    await state.commit(lane, { incidents: [mine], notifications: [notificationOf(mine, 'chat')] });
    await steps('it to be held', async () => (await count('held')) === 1);
    const grown = { ...mine, severity: 'critical' as const };
    await state.commit(lane, { incidents: [grown], notifications: [] });
    await steps('it to be told', () => told('web-1').length === 1);
  });

  it('what it covers is told once somebody else has joined whom it does not cover, at once or later', async () => {
    await state.saveSilence(silence('web-*', 10 * HOUR), clock.now());
    const grown = (before: Incident): Incident => ({
      ...before,
      members: ['web-1', 'db'].map(name => ({ service: '', container: name, since: clock.now() })),
    });
    const [early, late] = [incident('web-1'), incident('web-2')];
    const notifications = [early, late].map(one => notificationOf(one, 'chat'));
    await state.commit(lane, { incidents: [early, late], notifications });
    await steps('both to be held', async () => (await count('held')) === 2);
    await state.commit(lane, { incidents: [grown(early)], notifications: [] });
    await steps('the first to be told', () => told('web-1').length === 1);
    clock.advance(HOUR);
    await state.commit(lane, { incidents: [grown(late)], notifications: [] });
    await steps('the other to be told', () => told('web-2').length === 1);
  });

  it('an incident of two that two silences cover is told when either of them is ended', async () => {
    const members = ['web-1', 'db'].map(name => ({ service: '', container: name, since: clock.now() }));
    const both: Incident = { ...incident('web-1'), members };
    // The first to end is the one that holds it; the other is needed as well.
    const shorter = silence('web-1', 5 * HOUR);
    await state.saveSilence(shorter, clock.now());
    const longer = { ...silence('db', 10 * HOUR), id: '0000000b' };
    await state.saveSilence(longer, clock.now());
    await state.commit(lane, { incidents: [both], notifications: [notificationOf(both, 'chat')] });
    await steps('it to be held', async () => (await count('held')) === 1);
    await steps('the silences to be known', () => deliverer.silences.held === 1);
    const reviewed = clock.now() + 10_000;
    await steps('a review more', () => clock.now() >= reviewed);
    await state.saveSilence({ ...longer, until: clock.now() }, clock.now());
    await steps('it to be told', () => told('web-1').length === 1);
    expect(clock.now()).toBeLessThan(shorter.until);
  });

  it('what it covers only since it became critical stays held, and is silenced with its end', async () => {
    const mine = incident('web-1');
    const grown = { ...mine, severity: 'critical' as const };
    const critical = [{ name: 'severity', op: '=', value: 'critical' }] as const;
    await state.saveSilence({ ...silence('*'), matchers: critical }, clock.now());
    await state.commit(lane, { incidents: [grown], notifications: [notificationOf(mine, 'chat')] });
    await steps('it to be held', async () => (await count('held')) === 1);
    const end = clock.now() + 20_000;
    await steps('reviews', () => clock.now() >= end);
    expect(logged.lines.filter(({ message }) => message === 'delivery held')).toHaveLength(1);
    const over = resolved(grown);
    await state.commit(lane, { incidents: [over], notifications: [notificationOf(over, 'chat')] });
    await steps('both to be silenced', async () => (await count('silenced')) === 2);
    expect(got).toEqual([]);
  });

  it('that ends soon and still holds something is warned of once', async () => {
    await state.saveSilence(silence('web-*', 20 * 60_000), clock.now());
    await raise(notificationOf(incident('web-1'), 'chat'), notificationOf(incident('web-2'), 'chat'));
    await steps('both to be held', async () => (await count('held')) === 2);
    const warnings = () => logged.lines.filter(line => JSON.stringify(line).includes('ends soon'));
    await steps('a review', () => deliverer.silences.held === 2);
    expect(warnings()).toEqual([]);
    clock.advance(6 * 60_000);
    await steps('the warning', () => warnings().length === 1);
    for (let i = 0; i < 60; i++) clock.advance(1000);
    await steps('another review', () => true);
    expect(warnings()).toHaveLength(1);
  });

  it('of many that are held no more is read than of one', async () => {
    const reads = async (n: number) => {
      let asked = 0;
      const counting = refusing(state, () => ++asked < 0);
      const holding = new Holding({ state: counting, inhibitorOf: createInhibition([]), windows: () => [] });
      const held = Array.from({ length: n }, (_, i) => incident(`${n}-${i}`));
      await raise(...held.map(one => notificationOf(one, 'chat')));
      await steps('all to be held', async () => (await count('held')) >= n);
      await raise(...held.map(one => notificationOf(resolved(one, -1), 'chat')));
      asked = 0;
      expect(await holding.review(policy, clock.now())).toBe(true);
      return asked;
    };
    await state.saveSilence(silence('*'), clock.now());
    await deliverer.stop();
    start();
    const one = await reads(1);
    expect(await reads(50)).toBe(one);
  });

  it('it holds what waits behind a message that takes long', async () => {
    let answerFirst: () => void = () => undefined;
    const asked = new Promise<void>(resolve => {
      answerFirst = resolve;
    });
    first = asked;
    await raise(...['web-1', 'web-2', 'db'].map(name => notificationOf(incident(name), 'chat')));
    await steps('the first message to be under way', () => begun === 1);
    await state.saveSilence(silence('web-2'), clock.now());
    const later = clock.now() + 6000;
    await steps('some time', () => clock.now() >= later);
    answerFirst();
    await steps('the others', () => told('db').length === 1);
    expect([told('web-1').length, told('web-2').length, await count('held')]).toEqual([1, 0, 1]);
  });

  it('of what is held only what may have changed is read again: what is over, and what a silence let go', async () => {
    await deliverer.stop();
    let read: string[] = [];
    const watched = new Proxy(state, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const found: unknown = await method.apply(target, args);
          if (name === 'deliveries') throw new Error('all are read');
          if (name === 'deliveriesOf') read.push(...(found as Map<string, unknown>).keys());
          return found;
        };
      },
    });
    const wishes = ['web-*', 'db-*'].map((glob, n) => ({ ...silence(glob), id: `0000000${n}` }));
    for (const wish of wishes) await state.saveSilence(wish, clock.now());
    const held = ['web-1', 'web-2', 'db-1', 'web-3'].map(incident);
    const keys = held.map(one => notificationOf(one, 'chat').key);
    await raise(...held.map(one => notificationOf(one, 'chat')));
    const outcome = { status: 'held' as const, attempts: 0, nextAttempt: 0, lastError: null };
    await state.updateDeliveries(
      policy,
      keys.map(key => ({ key, outcome })),
    );
    const holding = new Holding({ state: watched, inhibitorOf: null, windows: () => [] });
    const review = async () => {
      read = [];
      expect(await holding.review(policy, clock.now())).toBe(true);
      return read.sort();
    };
    expect(await review()).toEqual([...keys].sort());
    expect(await review()).toEqual([]);
    const [, second] = held;
    const over = notificationOf(resolved(second as Incident, -1), 'chat');
    await raise(over);
    // Asked whether it is over, then read to be judged, each with its end.
    expect(await review()).toEqual([keys[1], over.key, over.key].sort());
    await state.saveSilence({ ...(wishes[1] as Silence), until: clock.now() }, clock.now());
    expect(await review()).toEqual([keys[2]]);
    expect(await review()).toEqual([]);
    expect([await count('silenced'), await count('pending'), holding.held]).toEqual([2, 1, 2]);
  });

  it('of more than ten thousand that are held the oldest is sent as well when its silence ends', async () => {
    await deliverer.stop();
    const wish = silence('*');
    const old = incident('old');
    const others = Array.from({ length: 10_000 }, (_, n) => incident(`web-${n}`));
    const all = [old, ...others].map(one => notificationOf(one, 'chat'));
    await raise(...all);
    const outcome = { status: 'held' as const, attempts: 0, nextAttempt: 0, lastError: null };
    await state.updateDeliveries(
      policy,
      all.map(({ key }) => ({ key, outcome })),
    );
    await state.saveSilence({ ...wish, match: { ...wish.match, container: 'web-*' } }, clock.now());
    const holding = new Holding({ state, inhibitorOf: null, windows: () => [] });
    expect(await holding.review(policy, clock.now())).toBe(true);
    expect(await state.deliveryKeys('pending')).toEqual([notificationOf(old, 'chat').key]);
    expect(holding.held).toBe(10_001);
  }, 120_000);

  it('one that another holds for longer is not warned of, and what is held says which of them holds it', async () => {
    const short = silence('web-1', 20 * 60_000);
    await state.saveSilence(short, clock.now());
    await raise(notificationOf(incident('web-1'), 'chat'));
    const reason = async () => (await state.deliveries('held', 1))[0]?.lastError;
    await steps('it to be held', async () => String(await reason()).includes('(0000000a)'));
    await state.saveSilence({ ...silence('web-*', HOUR), id: '0000000b', owner: 'bea' }, clock.now());
    await steps('the other silence to be named', async () => String(await reason()).includes('by bea'));
    clock.advance(10 * 60_000);
    const after = clock.now() + 15_000;
    await steps('reviews', () => clock.now() >= after);
    expect(logged.lines.filter(line => JSON.stringify(line).includes('ends soon'))).toEqual([]);
  });

  it('ended early: what it has held is sent at once', async () => {
    const wish = silence('web-1');
    await state.saveSilence(wish, clock.now());
    await raise(notificationOf(incident('web-1'), 'chat'));
    await steps('it to be held', async () => (await count('held')) === 1);
    await state.saveSilence({ ...wish, until: clock.now() }, clock.now());
    await steps('it to be told', () => told('web-1').length === 1);
    expect(clock.now()).toBeLessThan(wish.until);
  });

  it('who was told that it fires is told that it is over, silence or not', async () => {
    const mine = incident('web-1');
    await raise(notificationOf(mine, 'chat'));
    await steps('the first message', () => told('web-1').length === 1);
    await state.saveSilence(silence('*'), clock.now());
    await raise(notificationOf(resolved(mine), 'chat'));
    await steps('the second message', () => told('web-1').length === 2);
  });

  it.each([
    ['during the silence', 0],
    ['after it', 2 * HOUR],
  ])('a successor goes on %s when its predecessor died between the two messages', async (_when, laterMs) => {
    await state.saveSilence(silence('web-1'), clock.now());
    const mine = incident('web-1');
    // Over before the silence was made: the first of the two was silenced as it was late.
    const over = notificationOf(resolved(mine, -1), 'chat');
    await raise(notificationOf(mine, 'chat'));
    await steps('it to be held', async () => (await count('held')) === 1);
    await deliverer.stop();
    await raise(over);
    const outcome = { attempts: 0, nextAttempt: 0, lastError: 'silenced' };
    await state.updateDelivery(policy, over.key, { ...outcome, status: 'silenced' });
    clock.advance(laterMs);
    start();
    await steps('both to be silenced', async () => (await count('silenced')) === 2);
    expect(got).toEqual([]);
  });

  it('over before the silence was, but found only after it, in a process that was not there: never sent', async () => {
    await state.saveSilence(silence('web-*'), clock.now());
    const [before, after] = [incident('web-1'), incident('web-2')];
    await raise(notificationOf(before, 'chat'), notificationOf(after, 'chat'));
    await steps('both to be held', async () => (await count('held')) === 2);
    await deliverer.stop();
    await raise(
      notificationOf(resolved(before, HOUR / 2), 'chat'),
      notificationOf(resolved(after, 1.5 * HOUR), 'chat'),
    );
    clock.advance(2 * HOUR);
    start();
    await steps('the other one', () => told('web-2').length === 2);
    expect(await count('silenced')).toBe(2);
    expect(told('web-1')).toEqual([]);
  });
});
