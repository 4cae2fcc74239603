import { type Notification, notificationKey, roundOf } from '../../core/incident/incident.ts';
import type { Delivery } from '../../state/contract.ts';

/** Keys of the deliveries by which `unendedBefore` tells. */
export function keysBefore({ receiver, incident }: Notification): string[] {
  if (roundOf(incident) === 1) return [];
  return (['firing', 'resolved'] as const).map(status => notificationKey(incident.id, receiver, status));
}

/**
 * The message that an incident fired for the first time, of which its receiver has not heard the end, as it fired again
 * before that was told. Null: it has, or this is the first time. `known`: those of `keysBefore`, by key.
 */
export function unendedBefore(
  notification: Notification,
  known: ReadonlyMap<string, Delivery>,
): Delivery | null {
  const [firing, end] = keysBefore(notification).map(key => known.get(key));
  return firing?.status === 'delivered' && end?.status === 'outdated' ? firing : null;
}
