import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Notification } from '../../../core/incident/incident.ts';
import type { DeliveryResult, Limits, Receiver } from '../../../notify/contract.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { incidentOf, notificationOf, resolved } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { LIMITS, openFiles, UNGROUPED } from '../fixture.ts';

/** Small beside the pauses that are looked at. */
const STEP_MS = 10;

describe('40 alarms at once', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let state: State;
  let lane: Lease;
  let deliverer: Deliverer;
  let begin: number;

  beforeEach(async () => {
    folder = temporaryFolder();
    clock = new ManualClock();
    begin = clock.now();
    state = openFiles(folder.path, clock).state;
    await state.open();
    lane = (await state.acquire('lane-0', 'me', 1e9)) as Lease;
  });

  afterEach(async () => {
    await deliverer.stop();
    await state.close();
    folder.remove();
  });

  const seconds = () => (clock.now() - begin) / 1000;

  /** A receiver that answers by the time, and when it accepted what. */
  function answering(name: string, answer: (key: string) => DeliveryResult, limits: Partial<Limits> = {}) {
    const accepted = new Map<string, number>();
    let attempts = 0;
    const receiver: Receiver = {
      name,
      address: 'test',
      limits: { ...LIMITS, ...limits },
      async deliver({ key }) {
        attempts++;
        const result = answer(key);
        if (result.kind === 'accepted') accepted.set(key, seconds());
        return result;
      },
    };
    return { receiver, accepted, attempts: () => attempts };
  }

  async function start(...receivers: readonly Receiver[]): Promise<void> {
    const policy = (await state.acquire('policy', 'me', 1e9)) as Lease;
    const { log } = recordingLog();
    const common = { state, clock, log, leaseMs: 1e9, unrecorded: new Map(), policy: UNGROUPED };
    deliverer = new Deliverer(policy, { ...common, receivers });
    deliverer.start();
  }

  /** Firing messages for these receivers, and the resolved ones where asked for. */
  async function fire(receivers: readonly string[], over = false): Promise<void> {
    const notifications: Notification[] = [];
    for (let n = 0; n < 40; n++) {
      const incident = incidentOf(begin + n);
      for (const name of receivers) {
        notifications.push(notificationOf(incident, name));
        if (over) notifications.push(notificationOf(resolved(incident), name));
      }
    }
    await state.commit(lane, { incidents: [], notifications });
  }

  /** Let time pass until the condition holds; all that is asked of the state is answered at once. */
  async function pass(done: () => boolean): Promise<void> {
    while (!done()) {
      if (seconds() > 600) throw new Error('nothing came of it in ten minutes');
      clock.advance(STEP_MS);
      await turn();
    }
  }

  const alarms = (accepted: ReadonlyMap<string, number>) =>
    [...accepted].filter(([key]) => key.endsWith('-firing'));

  it('reach a receiver that takes one message a second, and asks for that, within 45 s', async () => {
    let free = 0;
    const chat = answering('chat', () => {
      if (seconds() < free) return { kind: 'retry', reason: 'HTTP 429', afterMs: 1000 };
      free = seconds() + 1;
      return { kind: 'accepted' };
    });
    await start(chat.receiver);
    await fire(['chat'], true);
    await pass(() => alarms(chat.accepted).length === 40);
    expect(seconds()).toBeLessThan(45);
    await pass(() => chat.accepted.size === 80);
    expect(seconds()).toBeLessThan(90);
    // One is accepted, and one is told to wait.
    expect(chat.attempts()).toBeLessThanOrEqual(160);
  });

  it('wait for as long as a receiver asked, also when the process that was asked has gone', async () => {
    const chat = answering('chat', () =>
      seconds() < 60 ? { kind: 'retry', reason: 'HTTP 429', afterMs: 120_000 } : { kind: 'accepted' },
    );
    const other = answering('other', () => ({ kind: 'accepted' }));
    await fire(['chat', 'other']);
    await start(chat.receiver, other.receiver);
    await pass(() => chat.attempts() === 1 && other.accepted.size === 40);
    await pass(() => seconds() >= 10);
    await deliverer.stop();
    await start(chat.receiver, other.receiver);
    await pass(() => seconds() >= 119);
    expect(chat.attempts()).toBe(1);
    await pass(() => chat.accepted.size === 40);
    expect(Math.min(...chat.accepted.values())).toBeGreaterThanOrEqual(120);
    expect(chat.attempts()).toBe(41);
    // And it is not kept for ever.
    expect(await state.pauseOf('chat')).toBeLessThan(clock.now());
  });

  it('reach a receiver that was out of order for a minute after it, and another one at once', async () => {
    const broken = answering('broken', () =>
      seconds() < 60 ? { kind: 'retry', reason: 'HTTP 503' } : { kind: 'accepted' },
    );
    const fine = answering('fine', () => ({ kind: 'accepted' }));
    await start(broken.receiver, fine.receiver);
    await fire(['broken', 'fine']);
    await pass(() => fine.accepted.size === 40);
    expect(seconds()).toBeLessThan(2);
    await pass(() => broken.accepted.size === 40);
    expect(seconds()).toBeLessThan(130);
    // While it is away it is asked now and then, not for each message.
    expect(broken.attempts() - 40).toBeLessThan(10);
  });

  it('are not held up by one message that is never accepted', async () => {
    const poison = incidentOf(begin).id;
    const chat = answering('chat', key =>
      key.startsWith(poison) ? { kind: 'retry', reason: 'HTTP 500' } : { kind: 'accepted' },
    );
    await start(chat.receiver);
    await fire(['chat']);
    await pass(() => chat.accepted.size === 39);
    expect(seconds()).toBeLessThan(5);
  });

  it('are sent one by one at a configured rate', async () => {
    const chat = answering('chat', () => ({ kind: 'accepted' }), { spacingMs: 500 });
    await start(chat.receiver);
    await fire(['chat']);
    await pass(() => chat.accepted.size === 40);
    expect(seconds()).toBeGreaterThanOrEqual(19.5);
    expect(chat.attempts()).toBe(40);
  });

  it('are under way together as far as the receiver takes them', async () => {
    let [running, most] = [0, 0];
    const chat = answering('chat', () => ({ kind: 'accepted' }), { concurrency: 4 });
    const { deliver } = chat.receiver;
    const slow: Receiver = {
      ...chat.receiver,
      async deliver(notification, signal) {
        most = Math.max(most, ++running);
        await clock.sleep(1000, signal);
        running--;
        return deliver(notification, signal);
      },
    };
    await start(slow);
    await fire(['chat'], true);
    await pass(() => chat.accepted.size === 80);
    expect(most).toBe(4);
    expect(seconds()).toBeLessThan(25);
    const order = [...chat.accepted.keys()];
    for (const key of order.filter(each => each.endsWith('-resolved')))
      expect(order.indexOf(key)).toBeGreaterThan(order.indexOf(key.replace(/resolved$/, 'firing')));
  });
});
