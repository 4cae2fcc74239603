import type { Clock } from '../../core/clock.ts';
import { type Notification, notificationKey, roundOf } from '../../core/incident/incident.ts';
import type { Log } from '../../core/log.ts';
import type { Receiver, Repetition } from '../../notify/contract.ts';
import type { Deliveries, Incidents } from '../../state/contract.ts';

/** Firing incidents that are looked at. */
const LIMIT = 10_000;
/** Notifications in one request. */
const BATCH = 100;

export interface RepetitionDeps {
  readonly state: Pick<Deliveries, 'delivery'> & Pick<Incidents, 'incidents'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Tell a receiver again of what fires now and was accepted before, as it stands now. Nothing else may be under way to it:
 * the end of an incident must not be overtaken.
 */
export async function repeat(
  { name }: Receiver,
  { send }: Repetition,
  { state, clock, log, signal }: RepetitionDeps,
): Promise<void> {
  const now = clock.now();
  const notifications: Notification[] = [];
  for (const incident of await state.incidents({ from: now, to: now + 1 }, LIMIT)) {
    const known = await state.delivery(notificationKey(incident.id, name, 'firing', roundOf(incident)));
    if (known?.status === 'delivered' && incident.resolvedAt === null)
      notifications.push({ ...known.notification, incident });
  }
  for (let i = 0; i < notifications.length && !signal.aborted; i += BATCH) {
    const result = await send(notifications.slice(i, i + BATCH), signal);
    if (result.kind === 'accepted') continue;
    if (!signal.aborted)
      log.debug({ receiver: name, error: result.reason }, 'what fires could not be repeated');
    return;
  }
}
