import { isoTime } from '../core/clock.ts';
import type { Notification } from '../core/incident/incident.ts';
import { type Checkpoints, DELIVERY_STATUSES, type Deliveries, type Lease } from '../state/contract.ts';
import type { FrameStore, IncidentStore } from '../store/contract.ts';
import { leaseLost, type RetryDeps, retryUnderLease } from './retry-under-lease.ts';

/** First stretch of the store that is searched, backwards, for what was handled before state was lost. */
const SEARCH_MS = 3_600_000;
/**
 * What was found shortly before state was lost may not have been delivered, or state had only just begun: it is told
 * again, under the key that it had.
 */
const UNDER_WAY_MS = 10_000;
/** Fingerprint of the record of how far a host was handled that needs no checkpoint to be there. */
const MARK = 'handled';

export interface RecoveryDeps extends RetryDeps {
  readonly state: Checkpoints & Deliveries;
  readonly store: FrameStore & IncidentStore;
}

/**
 * Up to which frame a host was handled, whatever the settings; 0: none was. State that knows nothing of a host that has
 * detections in the store was lost: its notifications were sent. The answer is recorded, so that it stays the same when
 * this owner dies before its first checkpoint.
 */
export async function handledUpTo(host: string, lease: Lease, deps: RecoveryDeps): Promise<number> {
  const known = await retryUnderLease(deps, () => deps.state.foldedUpTo(host));
  if (known !== null) return known;
  const newest = await retryUnderLease(deps, () => newestDetection(host, deps.store));
  const last = Math.max(0, (newest ?? 0) - UNDER_WAY_MS);
  if (last > 0) deps.log.warn({ host, upTo: isoTime(last) }, 'state was lost: rebuilding it from the store');
  const mark = { host, last, fingerprint: MARK, data: 'null' };
  if (!(await retryUnderLease(deps, () => deps.state.saveCheckpoint(lease, mark))))
    throw leaseLost(lease.name);
  return last;
}

/** Deliveries of each status that are read at once; of more the newest. */
const PAGE = 10_000;

/**
 * Of the notifications that something is over those whose beginning was told: what only a rebuilding in silence has
 * seen, under settings that are gone again, ends in silence.
 */
export async function ofAnnounced(
  notifications: readonly Notification[],
  deps: Pick<RecoveryDeps, 'state' | 'clock' | 'log' | 'signal'>,
): Promise<Notification[]> {
  const told = new Set<string>();
  for (const status of DELIVERY_STATUSES) {
    const deliveries = await retryUnderLease(deps, () => deps.state.deliveries(status, PAGE));
    for (const { notification } of deliveries) told.add(notification.incident.id);
  }
  return notifications.filter(({ incident }) => told.has(incident.id));
}

/** Searched from the newest frame backwards, in stretches that double. */
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
