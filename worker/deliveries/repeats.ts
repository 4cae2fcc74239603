import type { Router } from '../../alert/policy/router.ts';
import type { Clock } from '../../core/clock.ts';
import { type Notification, notificationKey, repeatKey, roundOf } from '../../core/incident/incident.ts';
import type { Receiver } from '../../notify/contract.ts';
import type { Deliveries, Incidents, Lease } from '../../state/contract.ts';

/** Firing incidents that are looked up at the start. */
const FIRING = 10_000;
/** How often what is due is looked for, ms. */
const LOOK_MS = 1000;

export interface RepeatsDeps {
  readonly state: Pick<Deliveries, 'delivery'> & Pick<Incidents, 'incidents' | 'incident' | 'commit'>;
  readonly clock: Clock;
  readonly router: Router;
  readonly receivers: readonly Receiver[];
}

/** When a receiver is told again that an incident still fires. */
interface Entry {
  readonly receiver: string;
  readonly incident: string;
  readonly round: number;
  /** When it was told first, epoch ms: the nth repetition is due n intervals later, whoever delivers then. */
  readonly told: number;
  readonly everyMs: number;
  readonly next: number;
  /** Key of the last repetition; absent: there was none yet. */
  readonly last?: string;
}

/**
 * Tells again of what fires for long. A repetition is a delivery as any other, under a key that says which one it is: who
 * takes over queues the same, which the state knows already. While one waits, as for a receiver that is away, no other is
 * queued. The cost is that of what is due.
 */
export class Repeats {
  readonly #deps: RepeatsDeps;
  readonly #lease: Lease;
  /** Names of those that are told again; others keep incidents of their own. */
  readonly #receivers: ReadonlySet<string>;
  /** By interval: of one interval, who was told first is due first. */
  readonly #entries = new Map<number, Entry[]>();
  #isLoaded = false;

  constructor(lease: Lease, deps: RepeatsDeps) {
    this.#lease = lease;
    this.#deps = deps;
    this.#receivers = new Set(
      deps.receivers.filter(({ takesGroups }) => takesGroups).map(({ name }) => name),
    );
  }

  /** A receiver was told at `now`, epoch ms, that an incident fires. */
  told({ receiver, status, occasion, incident }: Notification, now: number): void {
    const begins = status === 'firing' && (occasion === undefined || occasion === 'reopened');
    if (!begins || !this.#receivers.has(receiver)) return;
    const everyMs = this.#deps.router.termsOf(incident, receiver).repeat_interval;
    if (everyMs > 0)
      this.#add({
        ...{ receiver, incident: incident.id, round: roundOf(incident), told: now, everyMs },
        next: now + everyMs,
      });
  }

  /** Queue what is due. Returns the pause until the next look, ms; null: the lease is lost. */
  async round(): Promise<number | null> {
    if (!this.#isLoaded) await this.#load();
    this.#isLoaded = true;
    const now = this.#deps.clock.now();
    for (const [everyMs, entries] of this.#entries) {
      const due = entries.findIndex(({ next }) => next > now);
      const taken = entries.splice(0, due === -1 ? entries.length : due);
      if (entries.length === 0) this.#entries.delete(everyMs);
      for (const [i, entry] of taken.entries()) {
        try {
          if (!(await this.#queue(entry, now))) return null;
        } catch (error) {
          for (const left of taken.slice(i)) this.#add(left);
          throw error;
        }
      }
    }
    return LOOK_MS;
  }

  /** What was told before this process delivered. */
  async #load(): Promise<void> {
    const { state, clock, router } = this.#deps;
    const now = clock.now();
    for (const incident of await state.incidents({ from: now, to: now + 1 }, FIRING)) {
      if (incident.resolvedAt !== null) continue;
      for (const receiver of router.everReceiversOf(incident)) {
        if (!this.#receivers.has(receiver)) continue;
        const key = notificationKey(incident.id, receiver, 'firing', roundOf(incident));
        const first = await state.delivery(key);
        if (first?.status === 'delivered') this.told(first.notification, first.nextAttempt);
      }
    }
  }

  /** False when the lease is lost. */
  async #queue(entry: Entry, now: number): Promise<boolean> {
    const { state } = this.#deps;
    const { receiver, told, everyMs, round, last } = entry;
    const incident = await state.incident(entry.incident);
    if (incident?.resolvedAt !== null || roundOf(incident) !== round) return true;
    const times = Math.floor((now - told) / everyMs);
    const next = told + (times + 1) * everyMs;
    const before = last === undefined ? null : await state.delivery(last);
    if (before?.status === 'pending' || before?.status === 'grouped') {
      this.#add({ ...entry, next });
      return true;
    }
    const key = repeatKey(incident.id, receiver, round, times);
    const notification: Notification = { key, receiver, status: 'firing', occasion: 'repeat', incident };
    const isHeld = await state.commit(this.#lease, { incidents: [], notifications: [notification] });
    // Only now: one that could not be queued is due as it was.
    this.#add({ ...entry, next, last: key });
    return isHeld;
  }

  #add(entry: Entry): void {
    const entries = this.#entries.get(entry.everyMs) ?? [];
    const at = entries.findLastIndex(({ next }) => next <= entry.next) + 1;
    entries.splice(at, 0, entry);
    this.#entries.set(entry.everyMs, entries);
  }
}
