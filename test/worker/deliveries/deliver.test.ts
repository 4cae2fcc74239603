import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Notification } from '../../../core/incident/incident.ts';
import type { DeliveryResult, Receiver } from '../../../notify/contract.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { decide } from '../../../worker/deliveries/decide.ts';
import { type DeliverDeps, Deliverer } from '../../../worker/deliveries/deliver.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder, until } from '../../parts/process.ts';
import { incidentsOf, LIMITS, limitFold, openFiles, refusing, STORY, UNGROUPED } from '../fixture.ts';

const [INCIDENT] = incidentsOf(limitFold(1_000_000), STORY);
if (!INCIDENT) throw new Error('the story has no incident');

const note = (receiver: string, status: Notification['status'] = 'firing'): Notification => ({
  key: `${INCIDENT.id}-${receiver}-${status}`,
  receiver,
  status,
  incident: INCIDENT,
});

/** A receiver that answers from a list, the last answer for ever, and keeps what it was given. */
function scripted(name: string, ...answers: DeliveryResult[]): Receiver & { got: string[] } {
  const got: string[] = [];
  return {
    name,
    address: 'test',
    limits: LIMITS,
    got,
    async deliver(notification) {
      got.push(notification.status);
      return answers[Math.min(got.length, answers.length) - 1] ?? { kind: 'accepted' };
    },
  };
}

describe('deliverer', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let state: State;
  let lane: Lease;
  let policy: Lease;
  let deliverer: Deliverer | undefined;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    state = openFiles(folder.path, clock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e9)) as Lease;
    policy = (await state.acquire('policy', 'me', 1e9)) as Lease;
  });

  afterEach(async () => {
    await deliverer?.stop();
    await state.close();
    folder.remove();
  });

  function start(...receivers: Receiver[]): Deliverer {
    return startWith({ receivers });
  }

  function startWith(deps: Partial<DeliverDeps> & Pick<DeliverDeps, 'receivers'>): Deliverer {
    const { log } = recordingLog();
    // In the middle: pauses are as long as they are meant.
    const random = () => 0.5;
    const common = { state, clock, log, leaseMs: 1e9, unrecorded: new Map(), random, policy: UNGROUPED };
    deliverer = new Deliverer(policy, { ...common, ...deps });
    deliverer.start();
    return deliverer;
  }

  /** Move the clock in small steps until the condition holds. */
  const steps = (what: string, done: () => boolean | Promise<boolean>) =>
    until(what, async () => {
      clock.advance(250);
      return done();
    });

  it('delivers firing before resolved, once each, and records it', async () => {
    const chat = scripted('chat', { kind: 'accepted' });
    start(chat);
    await state.commit(lane, { incidents: [], notifications: [note('chat'), note('chat', 'resolved')] });
    await steps('both to be recorded', async () => (await state.deliveries('delivered', 10)).length === 2);
    expect(chat.got).toEqual(['firing', 'resolved']);
  });

  it('tries again after a growing pause; a broken receiver holds up nobody else', async () => {
    const broken = scripted(
      'broken',
      { kind: 'retry', reason: '503' },
      { kind: 'retry', reason: '503' },
      { kind: 'accepted' },
    );
    const fine = scripted('fine', { kind: 'accepted' });
    const { log, lines } = recordingLog();
    const running = startWith({ receivers: [broken, fine], log });
    await state.commit(lane, { incidents: [], notifications: [note('broken'), note('fine')] });
    const begin = clock.now();
    await steps('the fine one', async () => (await state.deliveries('delivered', 10)).length === 1);
    expect(fine.got).toEqual(['firing']);
    await steps('the broken one', async () => (await state.deliveries('delivered', 10)).length === 2);
    expect(broken.got).toHaveLength(3);
    expect(clock.now() - begin).toBeGreaterThanOrEqual(1500);
    expect([running.delivered, running.failed, running.dead]).toEqual([2, 2, 0]);
    expect([running.waiting, running.waitingError]).toEqual([0, null]);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('says once that the state is away, however often it is asked', async () => {
    let asked = 0;
    const refuses = (method: string) => method === 'dueDeliveries' && ++asked > 0;
    const { log, lines } = recordingLog();
    startWith({ receivers: [scripted('chat')], state: refusing(state, refuses), log });
    await steps('four attempts', () => asked >= 4);
    expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'deliveries cannot be read or recorded, trying again',
    ]);
  });

  it('counts what waits for another attempt, not the attempts', async () => {
    const away = scripted('away', { kind: 'retry', reason: '502' }, { kind: 'retry', reason: '503' });
    const running = start(away);
    await state.commit(lane, { incidents: [], notifications: [note('away')] });
    await steps('three attempts', () => running.failed >= 3);
    expect([running.waiting, running.waitingError]).toEqual([1, '503']);
  });

  it('keeps what is refused as dead, with the reason, and goes on with the next', async () => {
    const strict = scripted('strict', { kind: 'refused', reason: '400 bad request' }, { kind: 'accepted' });
    start(strict);
    await state.commit(lane, { incidents: [], notifications: [note('strict'), note('strict', 'resolved')] });
    await steps('the second one', async () => (await state.deliveries('delivered', 10)).length === 1);
    const [dead] = await state.deliveries('dead', 10);
    expect(dead).toMatchObject({ attempts: 1, lastError: '400 bad request' });
  });

  it('stops when the policy lane belongs to somebody else', async () => {
    const chat = scripted('chat', { kind: 'accepted' });
    await state.release(policy);
    await state.acquire('policy', 'other', 1e9);
    const running = start(chat);
    await state.commit(lane, { incidents: [], notifications: [note('chat'), note('chat', 'resolved')] });
    await steps('it to notice', () => running.lost);
    expect(chat.got).toEqual(['firing']);
  });

  it('sends nothing more once it knows that the policy lane is lost, also what was read before', async () => {
    const [chat, mail] = [scripted('chat'), scripted('mail')];
    const slow = new Proxy(state, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const answer = await method.apply(target, args);
          if (name === 'dueDeliveries' && args[0] === 'mail') await until('the loss', () => running.lost);
          return answer;
        };
      },
    });
    await state.commit(lane, { incidents: [], notifications: [note('chat'), note('mail')] });
    await state.release(policy);
    await state.acquire('policy', 'other', 1e9);
    const running = startWith({ receivers: [chat, mail], state: slow });
    await steps('it to notice', () => running.lost);
    await running.stop();
    expect(mail.got).toEqual([]);
  });

  it('sends once what it cannot record, even when the policy lane is lost and comes back meanwhile', async () => {
    const chat = scripted('chat', { kind: 'accepted' });
    const unrecorded = new Map();
    let refused = 0;
    const deaf = refusing(state, method => method === 'updateDeliveries' && ++refused > 0);
    const running = startWith({ state: deaf, receivers: [chat], unrecorded });
    await state.commit(lane, { incidents: [], notifications: [note('chat')] });
    await steps('some attempts to record', () => refused >= 3);
    await running.stop();
    policy = (await state.acquire('policy', 'me', 1e9)) as Lease;
    startWith({ receivers: [chat], unrecorded });
    await steps('it to be recorded', async () => (await state.deliveries('delivered', 10)).length === 1);
    expect(chat.got).toEqual(['firing']);
    await until('nothing to be left', () => unrecorded.size === 0);
  });

  it('ends what waits for receivers that are not configured any more', async () => {
    const chat = scripted('chat', { kind: 'accepted' });
    await state.commit(lane, { incidents: [], notifications: [note('chat'), note('gone')] });
    start(chat);
    await steps('both to be done with', async () => (await state.deliveries('pending', 10)).length === 0);
    expect(await state.deliveries('dead', 10)).toMatchObject([
      { notification: { receiver: 'gone' }, attempts: 0, lastError: 'this receiver is no longer configured' },
    ]);
    expect(chat.got).toEqual(['firing']);
  });

  it('sends nothing after a pause that was longer than its lease', async () => {
    const chat = scripted('chat', { kind: 'accepted' });
    policy = (await state.acquire('policy', 'me', 1000)) as Lease;
    const running = startWith({ receivers: [chat], leaseMs: 1000 });
    await until('its loops to rest', () => clock.sleeping === 3);
    await state.commit(lane, { incidents: [], notifications: [note('chat')] });
    clock.advance(1001);
    expect(await state.acquire('policy', 'other', 1000)).not.toBeNull();
    await steps('it to notice', () => running.lost);
    expect(chat.got).toEqual([]);
  });
});

describe('the decision after an attempt', () => {
  const at = { now: 50, pauseMs: 1000, giveUpMs: 10_000 };
  const first = { attempts: 0 };

  it('is by outcome alone', () => {
    expect(decide({ kind: 'accepted' }, first, at)).toEqual({
      status: 'delivered',
      attempts: 1,
      nextAttempt: 50,
      lastError: null,
    });
    expect(decide({ kind: 'refused', reason: 'no' }, first, at)).toMatchObject({
      status: 'dead',
      lastError: 'no',
    });
    expect(decide({ kind: 'retry', reason: 'x' }, first, at)).toEqual({
      status: 'pending',
      attempts: 1,
      nextAttempt: 1050,
      lastError: 'x',
      failingSince: 50,
    });
  });

  it('is to give up when the first attempt failed too long ago', () => {
    const failing = { attempts: 7, failingSince: 50 };
    expect(decide({ kind: 'retry', reason: 'x' }, failing, { ...at, now: 10_049 })).toMatchObject({
      status: 'pending',
      failingSince: 50,
    });
    expect(decide({ kind: 'retry', reason: 'x' }, failing, { ...at, now: 10_050 })).toMatchObject({
      status: 'dead',
      lastError: 'gave up after 10s and 8 attempts: x',
    });
  });
});
