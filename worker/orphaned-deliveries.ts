import type { Log } from '../core/log.ts';
import type { Receiver } from '../notify/contract.ts';
import type { Deliveries, Lease } from '../state/contract.ts';

/** Deliveries of each status read at once; of more the newest. */
const PAGE = 10_000;

/**
 * Let deliveries of receivers that are not configured any more end as dead: nobody would ever take them, and what is
 * pending or held is never forgotten. Returns false when the lease is lost.
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
  ];
  for (const { notification, attempts, nextAttempt } of unfinished) {
    const { key, receiver } = notification;
    if (names.has(receiver)) continue;
    const lastError = 'no such receiver any more';
    log.warn({ receiver, key }, 'no such receiver any more, kept as dead');
    if (!(await state.updateDelivery(lease, key, { status: 'dead', attempts, nextAttempt, lastError })))
      return false;
  }
  return true;
}
