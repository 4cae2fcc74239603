import { CAPS } from '../core/caps.ts';
import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Backoff, pauseAfter, retrying } from '../core/retry.ts';
import type { DeliveryResult, Receiver } from '../notify/contract.ts';
import type { Deliveries, Delivery, DeliveryOutcome, Lease, Leases, Silences } from '../state/contract.ts';
import { endOrphanedDeliveries } from './orphaned-deliveries.ts';
import { Silencing } from './silences.ts';

/** Outcomes that the state could not record yet, by key: these deliveries must not be sent again. */
export type Unrecorded = Map<string, DeliveryOutcome>;

export interface DeliverDeps {
  readonly state: Leases & Deliveries & Silences;
  readonly receivers: readonly Receiver[];
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs: number;
  readonly unrecorded: Unrecorded;
}

/** Pauses between attempts at one delivery: quickly at first, then every few minutes. */
const BACKOFF: Backoff = { firstMs: 1000, maxMs: 300_000 };
/** After this many attempts (about a day at the longest pause) a delivery is dead: kept, listed, never tried again by itself. */
const MAX_ATTEMPTS = 300;
/** Pauses while the state cannot be read or written. */
const STATE_BACKOFF: Backoff = { firstMs: 1000, maxMs: 10_000 };
/** How long to wait when nothing is due. */
const IDLE_MS = 250;
/** How often held deliveries are reviewed: the longest delay after a silence was ended. */
const REVIEW_MS = 5000;
const BATCH = 16;

/**
 * Delivers what is due while the policy lease is held: one loop per receiver, so that a slow or broken receiver holds
 * up nobody else. Every outcome is recorded before the next attempt, however long that takes; a process killed between
 * acceptance and record sends again with the same key, which receivers can tell.
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
  readonly #silencing: Silencing;
  /** Why the last attempt failed, by key of each delivery that waits for another; in order of failure. */
  readonly #waiting = new Map<string, string>();

  constructor(lease: Lease, deps: DeliverDeps) {
    this.#lease = lease;
    this.#deps = deps;
    this.#silencing = new Silencing(deps.state);
    this.#renewed = deps.clock.monotonic();
  }

  /** Deliveries that failed here and wait for another attempt, up to CAPS.failedDeliveries. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Silences in force, and deliveries that they hold, at the last review. */
  get silences(): { active: number; held: number } {
    const { active, held } = this.#silencing;
    return { active, held };
  }

  /** Why the last of them failed, or null. */
  get waitingError(): string | null {
    return [...this.#waiting.values()].at(-1) ?? null;
  }

  start(): void {
    const deliver = (receiver: Receiver) =>
      this.#loop({ receiver: receiver.name }, async () =>
        (await this.#deliverDue(receiver)) > 0 ? 0 : IDLE_MS,
      );
    this.#loops = [
      this.#endOrphanedDeliveries(),
      this.#loop({}, () => this.#reviewHeld()),
      ...this.#deps.receivers.map(deliver),
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

  async #reviewHeld(): Promise<number> {
    if (!(await this.#silencing.review(this.#lease, this.#deps.clock.now()))) this.lost = true;
    return REVIEW_MS;
  }

  async #deliverDue(receiver: Receiver): Promise<number> {
    const due = await this.#deps.state.dueDeliveries(receiver.name, this.#deps.clock.now(), BATCH);
    for (const delivery of due) {
      if (this.#abort.signal.aborted || this.lost) return 0;
      await this.#attempt(receiver, delivery);
    }
    return due.length;
  }

  async #attempt(receiver: Receiver, delivery: Delivery): Promise<void> {
    const { state, unrecorded } = this.#deps;
    const { key } = delivery.notification;
    const next =
      unrecorded.get(key) ?? (await this.#silence(delivery)) ?? (await this.#send(receiver, delivery));
    if (!next) return;
    // Bounded: an outcome that is forgotten only means one more attempt.
    const [oldest] = unrecorded.keys();
    if (unrecorded.size >= CAPS.failedDeliveries.limit && oldest !== undefined) unrecorded.delete(oldest);
    unrecorded.set(key, next);
    if (await state.updateDelivery(this.#lease, key, next)) unrecorded.delete(key);
    else this.lost = true;
  }

  /** Null when no silence concerns it. */
  async #silence(delivery: Delivery): Promise<DeliveryOutcome | null> {
    const next = await this.#silencing.judge(delivery, this.#deps.clock.now());
    if (!next) return null;
    const { key, receiver } = delivery.notification;
    this.#waiting.delete(key);
    this.#deps.log.info({ receiver, key, by: next.lastError }, `delivery ${next.status}`);
    return next;
  }

  /** Null when the attempt says nothing about the receiver. */
  async #send(receiver: Receiver, delivery: Delivery): Promise<DeliveryOutcome | null> {
    if (!(await this.#holds())) return null;
    const outcome = await receiver.deliver(delivery.notification, this.#abort.signal);
    // Our own stop cut the attempt short.
    if (outcome.kind === 'retry' && this.#abort.signal.aborted) return null;
    const next = decide(outcome, delivery.attempts + 1, this.#deps.clock.now());
    this.#say(receiver, delivery, next);
    return next;
  }

  /** Whether the lease is safely ours: a process that was paused past it must not send what its successor sends. */
  async #holds(): Promise<boolean> {
    const { state, clock, leaseMs } = this.#deps;
    const now = clock.monotonic();
    if (now - this.#renewed < leaseMs / 4) return true;
    if (await state.renew(this.#lease, leaseMs)) this.#renewed = now;
    else this.lost = true;
    return !this.lost;
  }

  #say(receiver: Receiver, delivery: Delivery, next: DeliveryOutcome): void {
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
      // Warn once for each delivery; its end is logged again, and the status counts those that wait.
      const level = delivery.attempts === 0 ? 'warn' : 'debug';
      this.#deps.log[level](facts, 'delivery failed, will be tried again');
    }
  }
}

/** What becomes of a delivery after an attempt. */
export function decide(outcome: DeliveryResult, attempts: number, now: number): DeliveryOutcome {
  if (outcome.kind === 'accepted')
    return { status: 'delivered', attempts, nextAttempt: now, lastError: null };
  if (outcome.kind === 'refused')
    return { status: 'dead', attempts, nextAttempt: now, lastError: outcome.reason };
  if (attempts >= MAX_ATTEMPTS) {
    return {
      status: 'dead',
      attempts,
      nextAttempt: now,
      lastError: `gave up after ${attempts} attempts: ${outcome.reason}`,
    };
  }
  const nextAttempt = now + pauseAfter(attempts, BACKOFF, outcome.afterMs);
  return { status: 'pending', attempts, nextAttempt, lastError: outcome.reason };
}
