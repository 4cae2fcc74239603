import type { InhibitorOf } from '../../alert/policy/inhibit.ts';
import { type Message, toldOf } from '../../alert/policy/message.ts';
import type { Router } from '../../alert/policy/router.ts';
import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { type Silence, silenceText } from '../../core/incident/silence.ts';
import type { Log } from '../../core/log.ts';
import { type Backoff, pauseAfter, retrying } from '../../core/retry.ts';
import type { Receiver, Repetition, Told } from '../../notify/contract.ts';
import type {
  Acks,
  Deliveries,
  Delivery,
  DeliveryChange,
  DeliveryOutcome,
  Incidents,
  Lease,
  Leases,
  Marks,
  Silences,
} from '../../state/contract.ts';
import type { IncidentStore } from '../../store/contract.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { assignmentOf, outcomesOf } from './assignment.ts';
import { Audit } from './audit.ts';
import { decide } from './decide.ts';
import { Holding } from './holding.ts';
import { endOrphanedDeliveries } from './orphaned-deliveries.ts';
import type { Pace } from './pace.ts';
import { Planner } from './planner.ts';
import { ReceiverQueue } from './receiver-queue.ts';
import { Repeats } from './repeats.ts';
import { repeat } from './repetition.ts';

/** Outcomes that the state could not record yet, by the key of the message: it must not be sent again. */
export type Unrecorded = Map<string, readonly DeliveryChange[]>;

export interface DeliverDeps {
  readonly state: Leases & Deliveries & Silences & Acks & Marks & Omit<Incidents, 'openIncidents'>;
  /** Where silences, acknowledgements and marks are shown beside the incidents; absent: nowhere. */
  readonly store?: Pick<IncidentStore, 'writeAnnotations'>;
  readonly receivers: readonly Receiver[];
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs: number;
  readonly unrecorded: Unrecorded;
  /** Maintenance windows in force at a time, epoch ms; absent: there are none. */
  readonly windows?: (now: number) => readonly Silence[];
  /** Numbers from 0 to below 1, for pauses; absent: those of JavaScript. */
  readonly random?: () => number;
}

/** What was configured of who is told, and how. */
export interface Policy {
  readonly router: Router;
  /** Null: no incident holds others. */
  readonly inhibitorOf: InhibitorOf | null;
}

/** Pauses while the state cannot be read or written. */
const STATE_BACKOFF: Backoff = { firstMs: 1000, maxMs: 10_000 };
/** How often held deliveries are reviewed: the longest delay after a silence was ended. */
const REVIEW_MS = 5000;
/** How often silences, acknowledgements and marks are written into the store. */
const AUDIT_MS = 15_000;

/**
 * Delivers what is due while the policy lease is held: one queue per receiver, so that a slow or broken receiver holds
 * up nobody else. Every outcome is recorded before another attempt takes its place, however long that takes; a process
 * killed between acceptance and record sends again with the same key, which receivers can tell.
 */
export class Deliverer {
  readonly #deps: DeliverDeps;
  readonly #lease: Lease;
  readonly #abort = new AbortController();
  #loops: Promise<void>[] = [];
  /** When the lease was last renewed, monotonic. */
  #renewed: number;
  /** True once the lease turned out to be somebody else's. */
  lost = false;
  delivered = 0;
  failed = 0;
  dead = 0;
  readonly #holding: Holding;
  readonly #repeats: Repeats;
  readonly #acknowledgements: Acknowledgements;
  /** Why the last attempt failed, by key of each delivery that waits for another; in order of failure. */
  readonly #waiting = new Map<string, string>();

  constructor(lease: Lease, deps: DeliverDeps) {
    this.#lease = lease;
    this.#deps = deps;
    const { windows = () => [] } = deps;
    this.#holding = new Holding({ ...deps, ...deps.policy, windows });
    this.#repeats = new Repeats(lease, { ...deps, ...deps.policy });
    this.#acknowledgements = new Acknowledgements(lease, { ...deps, ...deps.policy });
    this.#renewed = deps.clock.monotonic();
  }

  /** Deliveries that failed here and wait for another attempt, up to CAPS.failedDeliveries. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Silences in force, and deliveries that they hold, at the last review. */
  get silences(): { active: number; held: number } {
    const { active, held } = this.#holding;
    return { active, held };
  }

  /** Why the last of them failed, or null. */
  get waitingError(): string | null {
    return [...this.#waiting.values()].at(-1) ?? null;
  }

  start(): void {
    const { state, clock, receivers, random = Math.random } = this.#deps;
    const deliver = async (receiver: Receiver) => {
      const attempt = this.#attempt.bind(this);
      const repeat = this.#repeat.bind(this);
      const planner = this.#plannerOf(receiver);
      const queue = new ReceiverQueue(receiver, { state, clock, random, planner, attempt, repeat });
      await this.#loop({ receiver: receiver.name }, () => queue.round());
      await queue.drain();
    };
    this.#loops = [
      this.#endOrphanedDeliveries(),
      this.#loop({}, () => this.#reviewHeld()),
      this.#audit(),
      this.#loop({}, () => this.#queue(this.#repeats)),
      ...(receivers.some(one => one.takesAcknowledgements)
        ? [this.#loop({}, () => this.#queue(this.#acknowledgements))]
        : []),
      ...receivers.map(deliver),
    ];
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#loops);
  }

  async #endOrphanedDeliveries(): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#abort;
    try {
      const action = () => endOrphanedDeliveries(this.#lease, this.#deps);
      if (!(await retrying(action, { clock, backoff: STATE_BACKOFF, signal }))) this.lost = true;
    } catch (error) {
      log.warn({ error: describeError(error) }, 'deliveries of former receivers could not be ended');
    }
  }

  /** Run `round` while the lease is ours; it returns the pause until the next one, ms. */
  async #loop(about: { readonly receiver?: string }, round: () => Promise<number>): Promise<void> {
    const { clock, log } = this.#deps;
    let failures = 0;
    while (!this.#abort.signal.aborted && !this.lost) {
      let pauseMs: number;
      try {
        pauseMs = await round();
        failures = 0;
      } catch (error) {
        const facts = { ...about, error: describeError(error) };
        // An outage is one line of the log, not one for each attempt.
        log[failures === 0 ? 'warn' : 'debug'](facts, 'deliveries cannot be read or recorded, trying again');
        pauseMs = pauseAfter(++failures, STATE_BACKOFF);
      }
      await clock.sleep(pauseMs, this.#abort.signal);
    }
  }

  #plannerOf({ name, takesGroups = false }: Receiver): Planner {
    const { policy, unrecorded } = this.#deps;
    return new Planner(name, takesGroups, {
      ...this.#deps,
      router: policy.router,
      holding: this.#holding,
      lease: this.#lease,
      onLost: () => {
        this.lost = true;
      },
      isAttempted: key => unrecorded.has(key),
    });
  }

  async #reviewHeld(): Promise<number> {
    const now = this.#deps.clock.now();
    if (!(await this.#holding.review(this.#lease, now))) this.lost = true;
    for (const { silence, held } of this.#holding.expiring(now))
      this.#deps.log.warn(
        { by: silenceText(silence), held },
        'a silence ends soon, and what it keeps back is sent then',
      );
    return REVIEW_MS;
  }

  /** No message waits for it: a store that is away is asked again. */
  async #audit(): Promise<void> {
    const { state, store, clock, log, windows = () => [] } = this.#deps;
    const { signal } = this.#abort;
    if (!store) return;
    const audit = new Audit({ state, store, log, windows });
    let failing = false;
    while (!signal.aborted && !this.lost) {
      try {
        await audit.round(clock.now());
        failing = false;
      } catch (error) {
        if (!failing)
          log.warn({ error: describeError(error) }, 'what people did cannot be annotated, trying again');
        failing = true;
      }
      await clock.sleep(AUDIT_MS, signal);
    }
  }

  async #queue(news: { round(): Promise<number | null> }): Promise<number> {
    const pauseMs = await news.round();
    if (pauseMs === null) this.lost = true;
    return pauseMs ?? 0;
  }

  async #attempt(receiver: Receiver, message: Message, pace: Pace): Promise<void> {
    const { state, unrecorded } = this.#deps;
    const { key } = message.lead.notification;
    const next = unrecorded.get(key) ?? (await this.#send(receiver, message, pace));
    if (!next) return;
    // Bounded: an outcome that is forgotten only means one more attempt.
    const [oldest] = unrecorded.keys();
    if (unrecorded.size >= CAPS.failedDeliveries.limit && oldest !== undefined) unrecorded.delete(oldest);
    unrecorded.set(key, next);
    const isKept = await this.#keepPause(receiver, pace);
    if (isKept && (await state.updateDeliveries(this.#lease, next))) unrecorded.delete(key);
    else this.lost = true;
  }

  /** What the receiver asked for outlasts this process. False when the lease is lost. */
  async #keepPause({ name }: Receiver, pace: Pace): Promise<boolean> {
    if (!pace.isUnkept) return true;
    const { state, clock } = this.#deps;
    const until = clock.now() + pace.waitMs(clock.monotonic());
    if (!(await state.savePause(this.#lease, name, until))) return false;
    pace.isUnkept = false;
    return true;
  }

  async #repeat(receiver: Receiver, repetition: Repetition): Promise<void> {
    if (!(await this.#holds())) return;
    await repeat(receiver, repetition, { ...this.#deps, signal: this.#abort.signal });
  }

  /** Null when the attempt says nothing about the receiver. */
  async #send(receiver: Receiver, message: Message, pace: Pace): Promise<readonly DeliveryChange[] | null> {
    if (!(await this.#holds())) return null;
    const { clock } = this.#deps;
    const decided = await this.#decided(receiver, message);
    if (decided === null) return null;
    const begun = clock.monotonic();
    const told = toldIn(decided);
    if (told === null) return null;
    const result = await receiver.deliver(told, this.#abort.signal);
    // Our own stop cut the attempt short.
    if (result.kind === 'retry' && this.#abort.signal.aborted) return null;
    const { lead } = decided;
    const pauseMs = pace.ended(result, lead.attempts + 1, { begun, now: clock.monotonic() });
    const { giveUpMs } = receiver.limits;
    const now = clock.now();
    const next = decide(result, lead, { now, pauseMs, giveUpMs });
    this.#say(receiver, lead, next, pace.failures);
    if (next.status === 'delivered')
      for (const { notification } of toldOf(decided)) this.#repeats.told(notification, now);
    return outcomesOf(decided, next);
  }

  /** The message with what it tells on record: an attempt after a crash sends the same. Null: the lease is lost. */
  async #decided({ takesGroups = false }: Receiver, message: Message): Promise<Message | null> {
    const assigned = assignmentOf(message, takesGroups);
    if (assigned === null) return message;
    if (await this.#deps.state.updateDeliveries(this.#lease, assigned.changes)) return assigned.message;
    this.lost = true;
    return null;
  }

  /** Whether the lease is safely ours: a process that was paused past it must not send what its successor sends. */
  async #holds(): Promise<boolean> {
    if (this.lost) return false;
    const { state, clock, leaseMs } = this.#deps;
    const now = clock.monotonic();
    if (now - this.#renewed < leaseMs / 4) return true;
    if (await state.renew(this.#lease, leaseMs)) this.#renewed = now;
    else this.lost = true;
    return !this.lost;
  }

  /** `failures` of the receiver since it last accepted or refused something. */
  #say(receiver: Receiver, delivery: Delivery, next: DeliveryOutcome, failures: number): void {
    const facts = {
      receiver: receiver.name,
      key: delivery.notification.key,
      attempts: next.attempts,
      error: next.lastError,
    };
    this.#waiting.delete(facts.key);
    if (next.status === 'delivered') {
      this.delivered++;
      this.#deps.log.info(facts, 'delivered');
    } else if (next.status === 'dead') {
      this.dead++;
      this.#deps.log.error(facts, 'not deliverable, kept as dead');
    } else {
      this.failed++;
      if (this.#waiting.size < CAPS.failedDeliveries.limit)
        this.#waiting.set(facts.key, next.lastError ?? 'unknown');
      // An outage of the receiver is one warning, not one for each message; the status counts those that wait.
      const level = delivery.attempts === 0 && failures === 1 ? 'warn' : 'debug';
      this.#deps.log[level](facts, 'delivery failed, will be tried again');
    }
  }
}

/** What an attempt at a message tells; null: nothing is left of it. */
function toldIn(message: Message): Told | null {
  const [first, ...others] = toldOf(message).map(({ notification }) => notification);
  if (!first) return null;
  const all = [message.lead, ...message.others].map(({ notification }) => notification.key);
  const decided = all.length === others.length + 1 ? {} : { decided: all };
  return { ...first, ...(others.length === 0 ? {} : { others }), ...decided };
}
