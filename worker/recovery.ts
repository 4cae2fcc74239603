import { isOfSilentHost } from '../alert/silent-host.ts';
import { isoTime } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Incident, Notification } from '../core/incident/incident.ts';
import { isRetriable } from '../core/retry.ts';
import {
  type Checkpoints,
  DELIVERY_STATUSES,
  type Deliveries,
  type Incidents,
  type Lease,
} from '../state/contract.ts';
import type { FrameStore, IncidentStore } from '../store/contract.ts';
import { leaseLost, type RetryDeps, retryUnderLease } from './retry-under-lease.ts';
import { StoreAway } from './rows/rows.ts';

/** How far back the store is first searched for the last detection before state was lost. */
const SEARCH_MS = 3_600_000;
/**
 * Incidents found this shortly before state was lost may not have been delivered: they are sent again, under the same
 * keys.
 */
const UNDER_WAY_MS = 10_000;
/** Fingerprint of the record that only says how far a host was handled. */
const MARK = 'handled';
/** Incidents, and deliveries of each status, that are read at once; of more the newest. */
const PAGE = 10_000;

export interface RecoveryDeps extends RetryDeps {
  readonly state: Checkpoints & Deliveries & Incidents;
  readonly store: FrameStore & IncidentStore;
}

/** What was said of a host before this fold came: it is never said again, nor otherwise. */
export interface Handled {
  /** Start of the last frame of which something may have been said, epoch ms; 0: of none. */
  readonly upTo: number;
  /** Incidents that are firing and go on from there; null: state was lost, the fold has to find them again. */
  readonly open: readonly Incident[] | null;
}

/**
 * What was handled of a host, whatever the settings, by somebody whose state is not to be continued. `last`: start of
 * the last frame of the checkpoint that this fold continues, or null. The answer is null when there is nothing, because
 * the checkpoint is the newest. State that knows nothing of a host that has detections in the store was lost: its
 * notifications were sent. That is recorded, so that the answer stays the same when this owner dies before its first
 * checkpoint.
 */
export async function handledBefore(
  host: string,
  last: number | null,
  lease: Lease,
  deps: RecoveryDeps,
): Promise<Handled | null> {
  const { state } = deps;
  const folded = await retryUnderLease(deps, () => state.foldedUpTo(host));
  if (folded === null) return lostBefore(host, lease, deps);
  if (folded === 0 || (last !== null && folded <= last)) return null;
  const mark = await retryUnderLease(deps, () => state.loadCheckpoint(host, MARK));
  if (mark?.last === folded) return { upTo: folded, open: null };
  const open = (await retryUnderLease(deps, () => state.openIncidents(host))).filter(isOfFrames);
  // Checkpoints are older than what was said: that of the last frames is in incidents.
  const recent = await retryUnderLease(deps, () =>
    state.incidents({ from: folded, to: Number.MAX_SAFE_INTEGER }, PAGE),
  );
  const seen = recent.filter(one => one.host === host && isOfFrames(one)).flatMap(({ findings }) => findings);
  return { upTo: seen.reduce((newest, finding) => Math.max(newest, finding.last), folded), open };
}

/** What a fold can find; who watches whether frames come at all looks after the others. */
const isOfFrames = (incident: Incident): boolean => !isOfSilentHost(incident);

/** What was handled before state was lost; it is searched once, and recorded. Throws StoreAway when the store cannot be read. */
async function lostBefore(host: string, lease: Lease, deps: RecoveryDeps): Promise<Handled | null> {
  const newest = await newestDetection(host, deps.store).catch((error: unknown) => {
    throw isRetriable(error) ? new StoreAway(describeError(error)) : error;
  });
  const upTo = Math.max(0, (newest ?? 0) - UNDER_WAY_MS);
  if (upTo > 0) deps.log.warn({ host, upTo: isoTime(upTo) }, 'state was lost: rebuilding it from the store');
  const mark = { host, last: upTo, fingerprint: MARK, data: 'null' };
  if (!(await retryUnderLease(deps, () => deps.state.saveCheckpoint(lease, mark))))
    throw leaseLost(lease.name);
  return upTo > 0 ? { upTo, open: null } : null;
}

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
