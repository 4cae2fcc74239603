import { filesOf } from '../../app/wire.ts';
import { isoTime } from '../../core/clock.ts';
import { printable } from '../../core/errors.ts';
import { type Ack, ackText, isAcknowledged } from '../../core/incident/ack.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { type Mark, newestMarks } from '../../core/incident/mark.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { incidentLines, jsonText } from '../../review/report.ts';
import { DELIVERY_STATUSES, type Delivery, type State } from '../../state/contract.ts';
import { addCommand, addRange, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { markText } from '../mark-text.ts';
import { hintElsewhere, note, openState } from '../open-data.ts';
import { addSubjects, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface IncidentFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
  readonly deliveries?: boolean;
  readonly unmarked?: boolean;
}

/** Incidents, and deliveries of each status, listed at most. */
const LIMIT = 10_000;

export const registerIncidents: Register = (program, signal) => {
  const command = addCommand(
    program,
    'incidents',
    'list incidents that were raised, and what became of their notifications',
  );
  addSubjects(addRange(command, '24h'), 'only of these hosts')
    .option('--unmarked', 'only those of which nobody has said what they were (`incident mark`)')
    .option('--json', 'machine-readable')
    .option('--deliveries', 'with --json: also what became of the notifications of each incident');
  setAction(command, signal, incidents, { needs: STORED });
};

/** What was raised, oldest first, and what became of the notifications. */
async function incidents(context: Context, flags: IncidentFlags): Promise<number> {
  const { out, zone } = context;
  const range = rangeFlags(flags, presentOf(context));
  const list = async (state: State) => {
    const all = (await state.incidents(range, LIMIT)).reverse();
    const filter = new SubjectFilter(flags);
    const marks = newestMarks(await state.marks(null));
    const acks = new Map((await state.acks()).map(ack => [ack.incident, ack]));
    const said = { marks, acks };
    const found = all.filter(
      incident => filter.takes(incident) && !(flags.unmarked && marks.has(incident.id)),
    );
    const none = filter.noneText();
    if (none !== null) note(`of the incidents in this range: ${none}`);
    if (all.length === 0 && filesOf(context.config).state !== null) hintElsewhere(context.config.data);
    if (flags.json && !flags.deliveries)
      return out.write(jsonText(found.map(incident => toldJson(incident, said))));
    const deliveries = await allDeliveries(state);
    if (flags.json) return out.write(jsonText(withNotifications(found, deliveries, said)));
    return out.write(`${listing(found, deliveries, said, zone).join('\n')}\n`);
  };
  return openState(context, 'read', list, () => flags.json && out.write(jsonText([])));
}

/** By incident, oldest first. */
async function allDeliveries(state: State): Promise<Map<string, Delivery[]>> {
  const all: Delivery[] = [];
  for (const status of DELIVERY_STATUSES) all.push(...(await state.deliveries(status, LIMIT)).reverse());
  return Map.groupBy(all, delivery => delivery.notification.incident.id);
}

/** What people said of incidents, by incident. */
export interface Said {
  readonly marks: ReadonlyMap<string, Mark>;
  readonly acks: ReadonlyMap<string, Ack>;
}

/** An incident with its `mark` and `ack`, where there is one: otherwise as `review` and `replay` print it. */
function toldJson(incident: Incident, { marks, acks }: Said): object {
  const [mark, ack] = [marks.get(incident.id), acks.get(incident.id)];
  return {
    ...incidentJson(incident),
    ...(mark ? { mark: markJson(mark) } : {}),
    ...(ack && !ack.undone ? { ack: ackJson(incident, ack) } : {}),
  };
}

const markJson = ({ kind, by, note, at, from }: Mark) => ({
  ...{ kind, by, note, at: isoTime(at) },
  from: from === null ? null : isoTime(from),
});

/** `in_force`: nobody is told of it again as it is now. */
const ackJson = (incident: Incident, ack: Ack) => ({
  ...{ by: ack.by, note: ack.note, at: isoTime(ack.at), severity: ack.severity },
  in_force: isAcknowledged(incident, ack),
});

/** Incidents as they are, each with its `notifications`. */
export function withNotifications(
  found: readonly Incident[],
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
  said: Said,
): unknown[] {
  return found.map(incident => ({
    ...toldJson(incident, said),
    notifications: (deliveries.get(incident.id) ?? []).map(delivery => {
      const { key, receiver, status: about } = delivery.notification;
      const { status, attempts, lastError } = delivery;
      return { key, receiver, about, status, attempts, last_error: lastError };
    }),
  }));
}

/** Incidents as text, each with what people said of it and its notifications; then those that wait or were given up for incidents not listed. */
export function listing(
  found: readonly Incident[],
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
  { marks, acks }: Said,
  zone: TimeZone,
): string[] {
  const lines = found.flatMap(incident => [
    ...incidentLines(incident, zone),
    ...[marks.get(incident.id)].flatMap(mark => (mark ? [`  ${markText(mark, zone)}`] : [])),
    ...[acks.get(incident.id)].flatMap(ack =>
      ack && !ack.undone ? [`  ${ackLine(incident, ack, zone)}`] : [],
    ),
    ...(deliveries.get(incident.id) ?? []).map(delivery => `  ${deliveryText(delivery, zone)}`),
  ]);
  const listed = new Set(found.map(({ id }) => id));
  const others = [...deliveries]
    .filter(([id]) => !listed.has(id))
    .flatMap(([, theirs]) => theirs)
    .filter(({ status }) => status !== 'delivered' && status !== 'silenced')
    .map(delivery => `incident ${delivery.notification.incident.id}: ${deliveryText(delivery, zone)}`);
  return [...(found.length === 0 ? ['No incidents.'] : lines), ...others];
}

function ackLine(incident: Incident, ack: Ack, zone: TimeZone): string {
  const isOutgrown = incident.resolvedAt === null && !isAcknowledged(incident, ack);
  return `${ackText(ack, zone)}${isOutgrown ? `, when it was ${ack.severity}` : ''}`;
}

/** `firing to ops: pending after 3 attempts, last error: 503`, `firing to ops: held, silenced until … by anna: deploy (1a2b3c4d)`. */
export function deliveryText(
  { notification, status, attempts, lastError }: Delivery,
  zone: TimeZone,
): string {
  const about = `${notification.status} to ${printable(notification.receiver)}`;
  if (status === 'held' || status === 'silenced')
    return `${about}: ${status === 'held' ? 'held' : 'not sent'}, ${printable(inZone(lastError ?? 'silenced', zone), 500)}`;
  const error = lastError === null ? '' : `, last error: ${printable(lastError)}`;
  const times = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${about}: ${status} after ${times}${error}`;
}

/** What the state keeps as text has its times in UTC. */
const inZone = (text: string, zone: TimeZone): string =>
  text.replace(/\d{4}-\d\d-\d\dT[\d:.]{8,12}Z/g, time => zone.text(zone.parse(time) ?? 0));
