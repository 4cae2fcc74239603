import type { HostFold } from '../alert/host.ts';
import type { HostState } from '../alert/host-state.ts';
import type { Output } from '../alert/pipeline.ts';
import { isOfSilentHost } from '../alert/silent-host.ts';
import { ofAnnounced, type RecoveryDeps } from './recovery.ts';
import { retryUnderLease } from './retry-under-lease.ts';

/** Why an incident is over that nobody finds again. */
const NOT_FOUND = 'the present rules do not find it';

/**
 * What ends the open incidents that this fold does not know, though it has been past all frames in which they were seen;
 * null: there are none. They are of a rebuilding under other settings that was broken off, or of frames that never came
 * to the store: nobody else would ever end them. `at`: start of the last folded frame.
 */
export async function closingOrphans(
  host: string,
  at: number,
  folded: HostState,
  deps: RecoveryDeps & { readonly fold: HostFold },
): Promise<Output | null> {
  const { state, fold, log } = deps;
  const known = fold.openIncidents(folded);
  const stored = await retryUnderLease(deps, () => state.openIncidents(host));
  const orphans = stored
    .filter(incident => !isOfSilentHost(incident) && !known.has(incident.id))
    .filter(({ findings }) => findings.every(({ last }) => last <= at))
    .map(incident => ({ ...incident, resolvedAt: Math.max(at, incident.end), ended: NOT_FOUND }));
  if (orphans.length === 0) return null;
  log.info(
    { host, incidents: orphans.length },
    'open incidents that these settings do not find in what is stored are closed',
  );
  const closed = fold.close(orphans);
  return { ...closed, notifications: await ofAnnounced(closed.notifications, deps) };
}
