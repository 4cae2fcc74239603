import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createRouter } from '../../../alert/policy/router.ts';
import {
  type Incident,
  type Notification,
  notificationKey,
  roundOf,
} from '../../../core/incident/incident.ts';
import type { DeliveryResult, Receiver, Told } from '../../../notify/contract.ts';
import { messageKey } from '../../../notify/payload.ts';
import type { Lease, State } from '../../../state/contract.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { incidentOf, notificationOf } from '../../data/incidents.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { LIMITS, openFiles } from '../fixture.ts';

/** What happens, one after the other. */
const action = fc.oneof(
  fc.record({ do: fc.constant('raise' as const), many: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('end' as const), which: fc.nat(9) }),
  fc.record({ do: fc.constant('fire again' as const), which: fc.nat(9) }),
  fc.record({
    do: fc.constant('answer' as const),
    how: fc.constantFrom('accept', 'fail', 'lose the answer'),
  }),
  fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 15 }) }),
  // The process ends at one of its next writes: with it, or before it.
  fc.record({ do: fc.constant('crash' as const), after: fc.nat(4), isWritten: fc.boolean() }),
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

const WRITES = ['updateDeliveries', 'updateDelivery', 'savePause'];
const forEver = () => new Promise<never>(() => {});

/** A process that delivers, and a receiver that tells messages by their keys. */
class World {
  readonly #folder = temporaryFolder();
  readonly #clock = new ManualClock();
  readonly #state: State = openFiles(this.#folder.path, this.#clock).state;
  readonly #incidents: Incident[] = [];
  /** Of each incident what was heard: Fires, fires Again, is over (R). */
  readonly #heard = new Map<string, string>();
  /** By key of a message what it told first, and what it told later that it had not. */
  readonly #keys = new Map<string, readonly string[]>();
  readonly #news: string[] = [];
  #lane: Lease | null = null;
  #how = 'accept';
  #crash: { left: number; readonly isWritten: boolean } | null = null;
  #isDead = false;
  #deliverer: Deliverer | null = null;

  async begin(): Promise<void> {
    await this.#state.open();
    this.#lane = await this.#state.acquire('lane-0', 'me', 1e12);
    await this.#start();
  }

  async act(what: Action): Promise<void> {
    if (what.do === 'raise') await this.#raise(what.many);
    else if (what.do === 'end') await this.#end(what.which);
    else if (what.do === 'fire again') await this.#fireAgain(what.which);
    else if (what.do === 'answer') this.#how = what.how;
    else if (what.do === 'pass') await this.#pass(what.seconds);
    else this.#crash = { left: what.after, isWritten: what.isWritten };
  }

  /** All that is told in the end: the receiver is there, and so is the process. */
  async settle(): Promise<void> {
    this.#how = 'accept';
    this.#crash = null;
    await this.#pass(1);
    await this.#pass(200);
  }

  async check(): Promise<void> {
    const waiting = [];
    for (const status of ['pending', 'grouped', 'held', 'dead'] as const)
      waiting.push(...(await this.#state.deliveries(status, 100)));
    expect([waiting, this.#news]).toEqual([[], []]);
    for (const { id, resolvedAt } of this.#incidents) {
      const heard = this.#heard.get(id) ?? '';
      expect(heard).toMatch(/^F(R?A)?R?$/);
      expect([heard, heard.endsWith('R')]).toEqual([heard, resolvedAt !== null]);
    }
  }

  async end(): Promise<void> {
    await this.#deliverer?.stop();
    await this.#state.close();
    this.#folder.remove();
  }

  async #raise(many: number): Promise<void> {
    for (let n = 0; n < many; n++) {
      const incident = incidentOf(this.#clock.now(), { container: `web-${this.#incidents.length}` });
      this.#incidents.push(incident);
      await this.#commit(incident, notificationOf(incident, 'chat'));
    }
  }

  async #end(which: number): Promise<void> {
    const open = this.#incidents.filter(({ resolvedAt }) => resolvedAt === null);
    const incident = open[which % Math.max(1, open.length)];
    if (!incident) return;
    const over = { ...incident, resolvedAt: Math.max(incident.end, this.#clock.now()) };
    await this.#commit(over, this.#note(over, 'resolved'));
  }

  async #fireAgain(which: number): Promise<void> {
    const over = this.#incidents.filter(one => one.resolvedAt !== null && roundOf(one) === 1);
    const incident = over[which % Math.max(1, over.length)];
    if (!incident) return;
    const now = this.#clock.now();
    const again = {
      ...incident,
      resolvedAt: null,
      reopenedAt: now,
      end: (incident.resolvedAt ?? now) + 5000,
    };
    await this.#commit(again, { ...this.#note(again, 'firing'), occasion: 'reopened' });
  }

  #note(incident: Incident, status: Notification['status']): Notification {
    const key = notificationKey(incident.id, 'chat', status, roundOf(incident));
    return { key, receiver: 'chat', status, incident };
  }

  async #commit(incident: Incident, notification: Notification): Promise<void> {
    const at = this.#incidents.findIndex(({ id }) => id === incident.id);
    this.#incidents[at] = incident;
    if (!this.#lane) throw new Error('the lane was refused');
    // Time goes on between two commits of an incident, as between frames.
    this.#clock.advance(10);
    await this.#state.commit(this.#lane, { incidents: [incident], notifications: [notification] });
  }

  async #pass(seconds: number): Promise<void> {
    const until = this.#clock.now() + seconds * 1000;
    while (this.#clock.now() < until) {
      this.#clock.advance(250);
      for (let i = 0; i < 8; i++) await turn();
    }
    if (this.#isDead) await this.#start();
  }

  async #start(): Promise<void> {
    const policy = (await this.#state.acquire('policy', 'me', 1e12)) as Lease;
    const life = { isOver: false };
    this.#isDead = false;
    this.#crash = null;
    const routing = {
      routes: [],
      group_by: ['host'],
      group_wait: 1000,
      group_interval: 3000,
      repeat_interval: 0,
    };
    const deliverer = new Deliverer(policy, {
      ...{ state: this.#mortal(life), clock: this.#clock, log: recordingLog().log },
      ...{ leaseMs: 1e12, unrecorded: new Map(), random: () => 0.5, receivers: [this.#receiver(life)] },
      policy: { router: createRouter(routing, ['chat']), inhibitorOf: null },
    });
    deliverer.start();
    this.#deliverer = deliverer;
  }

  /** The state, until the process that uses it is dead: then nothing is ever answered. */
  #mortal(life: { isOver: boolean }): State {
    return new Proxy(this.#state, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          if (life.isOver) return forEver();
          const dies = WRITES.includes(String(name)) && this.#crash !== null && this.#crash.left-- === 0;
          if (!dies) return method.apply(target, args);
          life.isOver = true;
          this.#isDead = true;
          if (this.#crash?.isWritten) await method.apply(target, args);
          // Its loops end where they are.
          void this.#deliverer?.stop();
          return forEver();
        };
      },
    });
  }

  #receiver(life: { readonly isOver: boolean }): Receiver {
    const deliver = async (told: Told): Promise<DeliveryResult> => {
      if (life.isOver) return forEver();
      if (this.#how === 'fail') return { kind: 'retry', reason: 'HTTP 503' };
      this.#hear(told);
      return this.#how === 'accept' ? { kind: 'accepted' } : { kind: 'retry', reason: 'no answer' };
    };
    return { name: 'chat', address: 'test', limits: LIMITS, takesGroups: true, deliver };
  }

  /** A known key is ignored, as receivers are asked to; it never tells what the message before did not. */
  #hear(told: Told): void {
    const all = [told, ...(told.others ?? [])];
    const said = all.map(({ incident, status }) => `${incident.id} ${status}`);
    const before = this.#keys.get(messageKey(told));
    if (before !== undefined) {
      this.#news.push(...said.filter(one => !before.includes(one)));
      return;
    }
    this.#keys.set(messageKey(told), said);
    for (const { incident, status, occasion } of all) {
      const what = status === 'resolved' ? 'R' : occasion === 'reopened' ? 'A' : 'F';
      this.#heard.set(incident.id, `${this.#heard.get(incident.id) ?? ''}${what}`);
    }
  }
}

describe('messages about groups', () => {
  it('tell of each incident that it fires and that it is over, once, whatever fails and whoever dies', async () => {
    const story = fc.array(action, { minLength: 3, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(story, async actions => {
        const world = new World();
        try {
          await world.begin();
          for (const one of actions) await world.act(one);
          await world.settle();
          await world.check();
        } finally {
          await world.end();
        }
      }),
      { numRuns: 20 },
    );
  }, 300_000);
});
