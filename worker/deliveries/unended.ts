import { type Notification, notificationKey, roundOf } from '../../core/incident/incident.ts';
import type { Deliveries, Delivery } from '../../state/contract.ts';

/**
 * The message that an incident fired for the first time, of which its receiver has not heard the end, as it fired again
 * before that was told. Null: it has, or this is the first time.
 */
export async function unendedBefore(
  { receiver, incident }: Notification,
  state: Pick<Deliveries, 'delivery'>,
): Promise<Delivery | null> {
  if (roundOf(incident) === 1) return null;
  const firing = await state.delivery(notificationKey(incident.id, receiver, 'firing'));
  if (firing?.status !== 'delivered') return null;
  const end = await state.delivery(notificationKey(incident.id, receiver, 'resolved'));
  return end?.status === 'outdated' ? firing : null;
}
