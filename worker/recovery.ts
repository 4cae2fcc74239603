import { isoTime } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Notification } from '../core/incident/incident.ts';
import { isRetriable } from '../core/retry.ts';
import { type Checkpoints, DELIVERY_STATUSES, type Deliveries, type Lease } from '../state/contract.ts';
import type { FrameStore, IncidentStore } from '../store/contract.ts';
import { leaseLost, type RetryDeps, retryUnderLease } from './retry-under-lease.ts';
import { StoreAway } from './rows.ts';

/** How far back the store is first searched for the last detection before state was lost. */
const SEARCH_MS = 3_600_000;
/**
 * Incidents found this shortly before state was lost may not have been delivered: they are sent again, under the same
 * keys.
 */
const UNDER_WAY_MS = 10_000;
/** Fingerprint of the record that only says how far a host was handled. */
const MARK = 'handled';

export interface RecoveryDeps extends RetryDeps {
  readonly state: Checkpoints & Deliveries;
  readonly store: FrameStore & IncidentStore;
}

/**
 * Start of the last frame that any worker has handled, whatever its settings; 0: none. When the state knows nothing of a
 * host that has detections in the store, the state was lost: the notifications were sent already. The answer is recorded,
 * so that it stays the same when this owner dies before its first checkpoint. Throws StoreAway when the store is needed
 * and cannot be read.
 */
export async function handledUpTo(host: string, lease: Lease, deps: RecoveryDeps): Promise<number> {
  const known = await retryUnderLease(deps, () => deps.state.foldedUpTo(host));
  if (known !== null) return known;
  const newest = await newestDetection(host, deps.store).catch((error: unknown) => {
    throw isRetriable(error) ? new StoreAway(describeError(error)) : error;
  });
  const last = Math.max(0, (newest ?? 0) - UNDER_WAY_MS);
  if (last > 0) deps.log.warn({ host, upTo: isoTime(last) }, 'state was lost: rebuilding it from the store');
  const mark = { host, last, fingerprint: MARK, data: 'null' };
  if (!(await retryUnderLease(deps, () => deps.state.saveCheckpoint(lease, mark))))
    throw leaseLost(lease.name);
  return last;
}

/** How many deliveries of each status are looked at, newest first. */
const PAGE = 10_000;

/**
 * Of these `resolved` notifications, those whose incident was announced. An incident that was only found while history
 * was folded silently, under settings that have changed again, ends silently.
 */
export async function ofAnnounced(
  notifications: readonly Notification[],
  deps: Pick<RecoveryDeps, 'state' | 'clock' | 'log' | 'signal'>,
): Promise<Notification[]> {
  const announced = new Set<string>();
  for (const status of DELIVERY_STATUSES) {
    const deliveries = await retryUnderLease(deps, () => deps.state.deliveries(status, PAGE));
    for (const { notification } of deliveries) announced.add(notification.incident.id);
  }
  return notifications.filter(({ incident }) => announced.has(incident.id));
}

/** Searches backwards from the newest frame, each time twice as far. */
async function newestDetection(host: string, store: RecoveryDeps['store']): Promise<number | null> {
  const first = await store.firstFrame(host);
  const last = await store.lastFrame(host);
  if (first === null || last === null) return null;
  for (let { to } = last, length = SEARCH_MS; to > first; to -= length, length *= 2) {
    const found = await store.readDetections(host, { from: Math.max(0, to - length), to });
    const newest = found.at(-1);
    if (newest) return newest.start;
  }
  return null;
}
