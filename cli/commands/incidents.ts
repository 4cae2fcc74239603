import { filesOf } from '../../app/wire.ts';
import { formatCounted } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import { type Ack, ackText, isAcknowledged } from '../../core/incident/ack.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { newestMarks } from '../../core/incident/mark.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { deliveriesByIncident, type ListedDelivery } from '../../http/api/resources/deliveries.ts';
import { type Said, saidJson, withNotifications } from '../../http/api/resources/incidents.ts';
import { incidentLines, jsonText } from '../../review/report.ts';
import { addRange, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { markText } from '../mark-text.ts';
import { hintElsewhere, note } from '../open-data.ts';
import { addSubjects, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import type { SharedState } from '../shared/contract.ts';
import { addSharedCommand, openSharedState } from '../shared/open.ts';
import { watchedLines } from '../shared/watched-lines.ts';
import { type Present, presentOf, rangeFlags } from '../times.ts';

interface IncidentFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
  readonly deliveries?: boolean;
  readonly unmarked?: boolean;
}

/** Incidents listed at most. */
const LIMIT = 10_000;
/** Of so many of them, the newest, the frames are read: whether somebody watched all the time. */
const LOOKED_UP = 10;

export const registerIncidents: Register = (program, signal) => {
  const command = addSharedCommand(
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
  const list = async (state: SharedState) => {
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
    if (all.length === 0 && isHere(context)) hintElsewhere(context.config.data);
    if (flags.json && !flags.deliveries)
      return out.write(jsonText(found.map(incident => saidJson(incident, said))));
    const deliveries = await deliveriesByIncident(state);
    if (flags.json) return out.write(jsonText(withNotifications(found, deliveries, said)));
    const unseen = await unseenLines(found, state, presentOf(context));
    return out.write(`${listing(found, deliveries, { ...said, unseen }, zone).join('\n')}\n`);
  };
  return openSharedState(context, 'read', list, () => flags.json && out.write(jsonText([])));
}

/** What nobody saw of the newest ones, by incident; of older ones than the stored frames nothing is said. */
async function unseenLines(
  found: readonly Incident[],
  state: Pick<SharedState, 'watched'>,
  present: Present,
): Promise<Map<string, readonly string[]>> {
  const lines = new Map<string, readonly string[]>();
  for (const incident of found.slice(-LOOKED_UP).reverse()) {
    const watched = await state.watched(incident, present.now);
    if ('unknown' in watched) break;
    lines.set(incident.id, watchedLines(watched, incident, present));
  }
  return lines;
}

/** True when what was read are files of this machine. */
const isHere = ({ config }: Context): boolean => config.server.url === '' && filesOf(config).state !== null;

/** What is listed with incidents: what people said of them, and lines on what nobody saw, by incident. */
interface Beside extends Said {
  readonly unseen: ReadonlyMap<string, readonly string[]>;
}

/** Incidents as text, each with what nobody saw of it, what people said of it and its notifications; then those that wait or were given up for incidents not listed. */
export function listing(
  found: readonly Incident[],
  deliveries: ReadonlyMap<string, readonly ListedDelivery[]>,
  { marks, acks, unseen }: Beside,
  zone: TimeZone,
): string[] {
  const lines = found.flatMap(incident => [
    ...incidentLines(incident, zone),
    ...(unseen.get(incident.id) ?? []).map(line => `  ${line}`),
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
    .filter(({ status }) => !['delivered', 'silenced', 'outdated'].includes(status))
    .map(delivery => `incident ${delivery.notification.incident.id}: ${deliveryText(delivery, zone)}`);
  return [...(found.length === 0 ? ['No incidents.'] : lines), ...others];
}

function ackLine(incident: Incident, ack: Ack, zone: TimeZone): string {
  const isOutgrown = incident.resolvedAt === null && !isAcknowledged(incident, ack);
  return `${ackText(ack, zone)}${isOutgrown ? `, when it was ${ack.severity}` : ''}`;
}

/** `firing to ops: pending after 3 attempts, last error: 503`, `firing to ops: held, silenced until … by anna: deploy (1a2b3c4d)`. */
export function deliveryText(
  { notification, status, attempts, lastError, within }: ListedDelivery,
  zone: TimeZone,
): string {
  const about = `${notification.occasion ?? notification.status} to ${printable(notification.receiver)}`;
  const reason = printable(inZone(lastError ?? status, zone), 500);
  switch (status) {
    case 'held':
      return `${about}: held, ${reason}`;
    case 'silenced':
    case 'outdated':
      return `${about}: not sent, ${reason}`;
    case 'grouped':
      return `${about}: goes out with ${printable(within ?? 'others')}`;
    default:
  }
  if (status === 'pending' && attempts === 0 && lastError !== null) return `${about}: pending, ${reason}`;
  const error = lastError === null ? '' : `, last error: ${printable(lastError)}`;
  return `${about}: ${status} after ${formatCounted(attempts, 'attempt')}${error}`;
}

/** What the state keeps as text has its times in UTC. */
export const inZone = (text: string, zone: TimeZone): string =>
  text.replace(/\d{4}-\d\d-\d\dT[\d:.]{8,12}Z/g, time => zone.text(zone.parse(time) ?? 0));
