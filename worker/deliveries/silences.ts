import { type Incident, type Notification, notificationKey } from '../../core/incident/incident.ts';
import {
  type Coverage,
  coverage,
  dependsOnCourse,
  isInForce,
  type Silence,
  silenceText,
} from '../../core/incident/silence.ts';
import type {
  Deliveries,
  Delivery,
  DeliveryOutcome,
  Incidents,
  Lease,
  Silences,
} from '../../state/contract.ts';

/** What silencing needs of the state. */
export type SilencingState = Deliveries & Silences & Pick<Incidents, 'incident'>;

/** A silence that ends so soon, ms, and holds something is told of. */
const SOON_MS = 900_000;
/** How many held deliveries are looked at, newest first. */
const PAGE = 10_000;

/**
 * What silences do to deliveries. A firing message that a silence covers is held. When its incident ends before the
 * silence does, nobody hears of it; otherwise the message goes out when the silence ends. A receiver that got the firing
 * message always gets the resolved one: somebody may wait for it.
 */
export class Silencing {
  readonly #state: SilencingState;
  readonly #windows: (now: number) => readonly Silence[];
  /** Silences in force, and deliveries that they hold, at the last review. */
  active = 0;
  held = 0;
  /** Of those in force, how many deliveries each holds, and the ends of which were told, by id. */
  #holding = new Map<Silence, number>();
  #told = new Map<string, number>();
  #newest: { readonly text: string; readonly covering: Coverage } = { text: '[]', covering: coverage([]) };

  /** `windows`: maintenance windows in force at a time, epoch ms. */
  constructor(state: SilencingState, windows: (now: number) => readonly Silence[]) {
    this.#state = state;
    this.#windows = windows;
  }

  /** How the delivery ends without an attempt at `now`, epoch ms; null: attempt it. */
  async judge(delivery: Delivery, now: number): Promise<DeliveryOutcome | null> {
    const { notification, attempts } = delivery;
    if (notification.status === 'firing') {
      const by = await this.#coverOf(notification.incident, await this.#coverage(now), now);
      return by && { status: 'held', attempts, nextAttempt: now, lastError: silenceText(by) };
    }
    const firing = await this.#state.delivery(keyOf(notification, 'firing'));
    if (firing?.status !== 'silenced') return null;
    return { status: 'silenced', attempts, nextAttempt: now, lastError: firing.lastError };
  }

  /** Release or end what is held; false when the lease is lost. */
  async review(lease: Lease, now: number): Promise<boolean> {
    const held = await this.#state.deliveries('held', PAGE);
    const silences = await this.#silencesAt(now);
    this.held = held.length;
    this.active = silences.length;
    const covering = this.#compiled(silences);
    this.#holding = new Map();
    for (const delivery of held.reverse()) {
      if (!(await this.#reviewOne(delivery, covering, lease, now))) return false;
    }
    return true;
  }

  /** Those that end soon and held something at the last review, each once. */
  expiring(now: number): { readonly silence: Silence; readonly held: number }[] {
    const soon = [...this.#holding].filter(
      ([{ id, until }]) => until - now <= SOON_MS && this.#told.get(id) !== until,
    );
    this.#told = new Map([
      ...[...this.#told].filter(([, until]) => until > now),
      ...soon.map(([{ id, until }]) => [id, until] as const),
    ]);
    return soon.map(([silence, held]) => ({ silence, held }));
  }

  async #reviewOne(
    { notification, attempts }: Delivery,
    covering: Coverage,
    lease: Lease,
    now: number,
  ): Promise<boolean> {
    const over = await this.#state.delivery(keyOf(notification, 'resolved'));
    const silence = await this.#coverOf(notification.incident, covering, now);
    if (silence && over === null) this.#holding.set(silence, (this.#holding.get(silence) ?? 0) + 1);
    const by = (silence && silenceText(silence)) ?? (over && (await this.#coverAtEnd(over)));
    const finish = ({ key }: Notification, status: DeliveryOutcome['status']) =>
      this.#state.updateDelivery(lease, key, { status, attempts, nextAttempt: now, lastError: by });
    if (by === null) return finish(notification, 'pending');
    if (over === null) return true;
    // The resolved message first: it would be sent if this process died between the two.
    return (await finish(over.notification, 'silenced')) && (await finish(notification, 'silenced'));
  }

  /** What covered an incident when it ended; the silence itself may have ended since. */
  async #coverAtEnd({ notification, status, lastError }: Delivery): Promise<string | null> {
    // Silenced by a process that died before it came to the firing message.
    if (status === 'silenced') return lastError;
    const { resolvedAt } = notification.incident;
    if (resolvedAt === null) return null;
    const silence = await this.#coverOf(notification.incident, await this.#coverage(resolvedAt), resolvedAt);
    return silence && silenceText(silence);
  }

  /** The silence that covers it, or null. What it has become since it opened counts, where that matters. */
  async #coverOf(opened: Incident, covering: Coverage, now: number): Promise<Silence | null> {
    const silence = covering(opened, now);
    if (silence === null || !dependsOnCourse(silence)) return silence;
    return covering((await this.#state.incident(opened.id)) ?? opened, now);
  }

  async #coverage(now: number): Promise<Coverage> {
    return this.#compiled(await this.#silencesAt(now));
  }

  /** Those in force, epoch ms, with maintenance windows. */
  async #silencesAt(now: number): Promise<Silence[]> {
    const added = await this.#state.silences(now);
    return [...added.filter(silence => isInForce(silence, now)), ...this.#windows(now)];
  }

  /** Compiled again only when they have changed: every delivery asks. */
  #compiled(silences: readonly Silence[]): Coverage {
    const text = JSON.stringify(silences);
    if (this.#newest.text !== text) this.#newest = { text, covering: coverage(silences) };
    return this.#newest.covering;
  }
}

const keyOf = ({ incident, receiver }: Notification, status: Notification['status']): string =>
  notificationKey(incident.id, receiver, status);
