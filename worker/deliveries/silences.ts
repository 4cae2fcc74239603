import { type Notification, notificationKey } from '../../core/incident/incident.ts';
import { isCovered, type Silence, silenceText } from '../../core/incident/silence.ts';
import type { Deliveries, Delivery, DeliveryOutcome, Lease, Silences } from '../../state/contract.ts';

/** How many held deliveries are looked at, newest first. */
const PAGE = 10_000;

/**
 * What silences do to deliveries. A firing message that a silence covers is held. When its incident ends before the
 * silence does, nobody hears of it; otherwise the message goes out when the silence ends. A receiver that got the firing
 * message always gets the resolved one: somebody may wait for it.
 */
export class Silencing {
  readonly #state: Deliveries & Silences;
  /** Silences in force, and deliveries that they hold, at the last review. */
  active = 0;
  held = 0;

  constructor(state: Deliveries & Silences) {
    this.#state = state;
  }

  /** How the delivery ends without an attempt at `now`, epoch ms; null: attempt it. */
  async judge(delivery: Delivery, now: number): Promise<DeliveryOutcome | null> {
    const { notification, attempts } = delivery;
    if (notification.status === 'firing') {
      const by = coverOf(notification, await this.#state.silences(now), now);
      return by === null ? null : { status: 'held', attempts, nextAttempt: now, lastError: by };
    }
    const firing = await this.#state.delivery(keyOf(notification, 'firing'));
    if (firing?.status !== 'silenced') return null;
    return { status: 'silenced', attempts, nextAttempt: now, lastError: firing.lastError };
  }

  /** Release or end what is held; false when the lease is lost. */
  async review(lease: Lease, now: number): Promise<boolean> {
    const held = await this.#state.deliveries('held', PAGE);
    const silences = await this.#state.silences(now);
    this.held = held.length;
    this.active = silences.filter(({ from }) => from <= now).length;
    for (const delivery of held.reverse()) {
      if (!(await this.#reviewOne(delivery, silences, lease, now))) return false;
    }
    return true;
  }

  async #reviewOne(
    { notification, attempts }: Delivery,
    silences: readonly Silence[],
    lease: Lease,
    now: number,
  ): Promise<boolean> {
    const over = await this.#state.delivery(keyOf(notification, 'resolved'));
    const by = coverOf(notification, silences, now) ?? (over && (await this.#coverAtEnd(over)));
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
    return resolvedAt === null
      ? null
      : coverOf(notification, await this.#state.silences(resolvedAt), resolvedAt);
  }
}

/** The silence that covers it, for people, or null. */
function coverOf({ incident }: Notification, silences: readonly Silence[], now: number): string | null {
  const silence = silences.find(each => isCovered(each, incident, now));
  return silence ? silenceText(silence) : null;
}

const keyOf = ({ incident, receiver }: Notification, status: Notification['status']): string =>
  notificationKey(incident.id, receiver, status);
