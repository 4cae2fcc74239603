import type { Log } from '../../core/log.ts';
import type { Receiver } from '../../notify/contract.ts';
import type { Deliveries, Lease } from '../../state/contract.ts';

/** How many deliveries of each status are looked at, newest first. */
const PAGE = 10_000;

/**
 * Mark unfinished deliveries of receivers that are no longer configured as dead: nobody would ever take them, and they
 * would never be forgotten. Returns false when the lease is lost.
 */
export async function endOrphanedDeliveries(
  lease: Lease,
  deps: { readonly state: Deliveries; readonly receivers: readonly Receiver[]; readonly log: Log },
): Promise<boolean> {
  const { state, log } = deps;
  const names = new Set(deps.receivers.map(({ name }) => name));
  const unfinished = [
    ...(await state.deliveries('pending', PAGE)),
    ...(await state.deliveries('held', PAGE)),
    ...(await state.deliveries('grouped', PAGE)),
  ];
  for (const { notification, attempts, nextAttempt } of unfinished) {
    const { key, receiver } = notification;
    if (names.has(receiver)) continue;
    const lastError = 'this receiver is no longer configured';
    log.warn({ receiver, key }, 'receiver is no longer configured: delivery kept as dead');
    if (!(await state.updateDelivery(lease, key, { status: 'dead', attempts, nextAttempt, lastError })))
      return false;
  }
  return true;
}
