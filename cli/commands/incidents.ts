import { filesOf, makeState } from '../../app/wire.ts';
import { printable } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { incidentLines, jsonText } from '../../review/report.ts';
import { DELIVERY_STATUSES, type Deliveries, type Delivery } from '../../state/contract.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hasData, hintElsewhere } from '../open-read-only.ts';
import { rangeFlags } from '../times.ts';

interface IncidentFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
  readonly deliveries?: boolean;
}

/** Incidents, and deliveries of each status, listed at most. */
const LIMIT = 10_000;

/** `tidegauge incidents`: what was raised, oldest first, and what became of the notifications. */
export async function incidents(context: Context, flags: IncidentFlags): Promise<number> {
  const file = filesOf(context.config).state;
  if (!hasData(context, file)) {
    if (flags.json) context.out.write(jsonText([]));
    return 0;
  }
  const state = makeState(context.config, context.clock, context.log, { readOnly: true });
  try {
    await state.open();
    const found = (await state.incidents(rangeFlags(flags, context.clock.now()), LIMIT)).reverse();
    if (found.length === 0 && file !== null) hintElsewhere(context.config.data);
    if (flags.json && !flags.deliveries) {
      context.out.write(jsonText(found.map(incidentJson)));
      return 0;
    }
    const deliveries = await allDeliveries(state);
    if (flags.json) context.out.write(jsonText(withNotifications(found, deliveries)));
    else context.out.write(`${listing(found, deliveries).join('\n')}\n`);
    return 0;
  } finally {
    await state.close();
  }
}

/** By incident, oldest first. */
async function allDeliveries(state: Deliveries): Promise<Map<string, Delivery[]>> {
  const all: Delivery[] = [];
  for (const status of DELIVERY_STATUSES) all.push(...(await state.deliveries(status, LIMIT)).reverse());
  return Map.groupBy(all, delivery => delivery.notification.incident.id);
}

/** Incidents as they are, each with its `notifications`. */
export function withNotifications(
  found: readonly Incident[],
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): unknown[] {
  return found.map(incident => ({
    ...incidentJson(incident),
    notifications: (deliveries.get(incident.id) ?? []).map(delivery => {
      const { key, receiver, status: about } = delivery.notification;
      const { status, attempts, lastError } = delivery;
      return { key, receiver, about, status, attempts, last_error: lastError };
    }),
  }));
}

/** Incidents as text, each with its notifications; then those that wait or were given up for incidents not listed. */
export function listing(
  found: readonly Incident[],
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): string[] {
  const lines = found.flatMap(incident => [
    ...incidentLines(incident),
    ...(deliveries.get(incident.id) ?? []).map(delivery => `  ${deliveryText(delivery)}`),
  ]);
  const listed = new Set(found.map(({ id }) => id));
  const others = [...deliveries]
    .filter(([id]) => !listed.has(id))
    .flatMap(([, theirs]) => theirs)
    .filter(({ status }) => status !== 'delivered' && status !== 'silenced')
    .map(delivery => `incident ${delivery.notification.incident.id}: ${deliveryText(delivery)}`);
  return [...(found.length === 0 ? ['No incidents.'] : lines), ...others];
}

/** `firing to ops: pending after 3 attempts, last error: 503`, `firing to ops: held, silenced until … by anna: deploy (1a2b3c4d)`. */
function deliveryText({ notification, status, attempts, lastError }: Delivery): string {
  const about = `${notification.status} to ${printable(notification.receiver)}`;
  if (status === 'held' || status === 'silenced')
    return `${about}: ${status === 'held' ? 'held' : 'not sent'}, ${printable(lastError ?? 'silenced', 500)}`;
  const error = lastError === null ? '' : `, last error: ${printable(lastError)}`;
  const times = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${about}: ${status} after ${times}${error}`;
}
