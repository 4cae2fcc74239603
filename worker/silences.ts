import { type Notification, notificationKey } from '../core/incident/incident.ts';
import { isCovered, type Silence, silenceText } from '../core/incident/silence.ts';
import type { Deliveries, Delivery, DeliveryOutcome, Lease, Silences } from '../state/contract.ts';

/** Deliveries that are held, read at once; of more the newest. */
const PAGE = 10_000;

/**
 * What silences do to deliveries. A firing message that is covered by a silence is held. If its incident is over before
 * the silence is, nobody hears of it; if not, the message goes out when the silence ends. Who was told that it fires
 * is told that it is over, silence or not: somebody may wait for that.
 */
export class Silencing {
  readonly #state: Deliveries & Silences;
  /** Silences in force, and deliveries held by them, when it was last looked. */
  active = 0;
  held = 0;

  constructor(state: Deliveries & Silences) {
    this.#state = state;
  }

  /** Instead of an attempt at `now`, epoch ms; null: it may be made. */
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

  /** Look after what is held: false when the lease is lost. */
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
    // The later message first: it would go out if this process died between the two.
    return (await finish(over.notification, 'silenced')) && (await finish(notification, 'silenced'));
  }

  /** What covered an incident when it was over: nobody may have looked since, and the silence be over as well. */
  async #coverAtEnd({ notification, status, lastError }: Delivery): Promise<string | null> {
    // By a process that died before it came to the other message.
    if (status === 'silenced') return lastError;
    const { resolvedAt } = notification.incident;
    return resolvedAt === null
      ? null
      : coverOf(notification, await this.#state.silences(resolvedAt), resolvedAt);
  }
}

/** What covers it, for people; null: nothing. */
function coverOf({ incident }: Notification, silences: readonly Silence[], now: number): string | null {
  const silence = silences.find(each => isCovered(each, incident, now));
  return silence ? silenceText(silence) : null;
}

const keyOf = ({ incident, receiver }: Notification, status: Notification['status']): string =>
  notificationKey(incident.id, receiver, status);
