import { severityReason } from '../../alert/finding/severity.ts';
import { makePolicy, severitiesOf } from '../../app/wire.ts';
import { isoTime } from '../../core/clock.ts';
import { formatLength } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import { sentenceOf } from '../../core/incident/evidence-text.ts';
import { type Finding, type Incident, stateOfIncident } from '../../core/incident/incident.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { describeScope } from '../../core/incident/scope.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { jsonText } from '../../review/report.ts';
import { DELIVERY_STATUSES, type Delivery, type State } from '../../state/contract.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { JUDGED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { openState } from '../open-data.ts';
import { inZone } from './incidents.ts';

interface ExplainFlags extends CommonFlags {
  readonly json?: boolean;
}

/** Deliveries of each status that are looked at, newest first. */
const LIMIT = 10_000;

export const registerExplain: Register = (program, signal) => {
  const command = addCommand(
    program,
    'explain',
    'the whole story of an incident: what was seen, who was told when, who was not, and why',
  );
  command.argument('<incident>', 'its id, as `incidents` shows it').option('--json', 'machine-readable');
  setAction(command, signal, explain, { needs: [...JUDGED, 'receivers'] });
};

/** What is known of an incident and its messages. */
export interface Story {
  readonly incident: Incident;
  /** Why it is as severe as it is; null: not known. */
  readonly why: string | null;
  /** Oldest first. */
  readonly deliveries: readonly Delivery[];
  /** Receivers to whom no message about it was ever queued, each with the reason. */
  readonly untold: readonly { readonly receiver: string; readonly reason: string }[];
}

async function explain(context: Context, flags: ExplainFlags, id: string): Promise<number> {
  const { out, zone } = context;
  const refuse = () => {
    throw unknown(id);
  };
  const tell = async (state: State) => {
    const incident = await state.incident(id);
    if (!incident) return refuse();
    const deliveries = await deliveriesOf(state, id);
    const { config } = context;
    const why = severityReason(incident, { alert: config.alert, severities: severitiesOf(config) });
    const story = { incident, why, deliveries, untold: untoldOf(context, incident, deliveries) };
    return out.write(flags.json ? jsonText(storyJson(story)) : `${storyLines(story, zone).join('\n')}\n`);
  };
  return openState(context, 'read', tell, refuse);
}

async function deliveriesOf(state: State, id: string): Promise<Delivery[]> {
  const found: Delivery[] = [];
  for (const status of DELIVERY_STATUSES)
    found.push(
      ...(await state.deliveries(status, LIMIT)).filter(
        ({ notification }) => notification.incident.id === id,
      ),
    );
  const time = ({ notification: { incident } }: Delivery) => incident.resolvedAt ?? incident.end;
  return found.sort((a, b) => time(a) - time(b));
}

function untoldOf({ config }: Context, incident: Incident, deliveries: readonly Delivery[]): Story['untold'] {
  const told = new Set(deliveries.map(({ notification }) => notification.receiver));
  const routed = new Set(makePolicy(config).router.everReceiversOf(incident));
  return config.receivers
    .map(({ name }) => name)
    .filter(name => !told.has(name))
    .map(receiver => ({
      receiver,
      reason: routed.has(receiver)
        ? 'no message was queued: it was not configured then, or the incident was found in what was stored'
        : 'no route of the configuration names it for this incident',
    }));
}

/** For people. */
export function storyLines({ incident, why, deliveries, untold }: Story, zone: TimeZone): string[] {
  const told = deliveries.filter(({ status }) => status === 'delivered');
  const others = deliveries.filter(({ status }) => status !== 'delivered');
  const none = deliveries.length === 0 && untold.length === 0 ? ['  nobody: no receiver is configured'] : [];
  return [
    printable(incident.title, 500),
    ...factLines(incident, why, zone),
    '',
    'What was seen',
    ...incident.findings.map(finding => `  ${findingText(finding, zone)}`),
    '',
    'Who was told',
    ...(told.length > 0 ? told.map(one => `  ${deliveryLine(one, zone)}`) : ['  nobody so far']),
    '',
    'Who was not, and why',
    ...others.map(one => `  ${deliveryLine(one, zone)}`),
    ...untold.map(({ receiver, reason }) => `  ${printable(receiver)}: ${reason}`),
    ...none,
    ...(others.length + untold.length + none.length === 0 ? ['  everybody was told'] : []),
  ];
}

function factLines(incident: Incident, why: string | null, zone: TimeZone): string[] {
  const { host, service, container, severity, escalation, start, end, resolvedAt, ended, reopenedAt } =
    incident;
  const where = [`host ${host}`, service && `service ${service}`, container && `container ${container}`];
  const raised = escalation ? ` (${escalation.from} at first, raised at ${zone.text(escalation.at)})` : '';
  const over =
    resolvedAt === null
      ? ''
      : `, ${stateOfIncident(incident)} at ${zone.text(resolvedAt)}${ended === undefined ? '' : `: ${printable(ended, 200)}`}`;
  return [
    `  ${printable(where.filter(Boolean).join(', '), 300)}`,
    `  ${severity}${raised}${why === null ? '' : `: ${printable(why, 300)}`}`,
    `  from ${zone.text(start)} to ${zone.text(end)} (${formatLength(end - start)})${over || ', firing'}`,
    ...(reopenedAt === undefined
      ? []
      : [`  fired again at ${zone.text(reopenedAt)}, shortly after it was over`]),
  ];
}

function findingText(finding: Finding, zone: TimeZone): string {
  const { rule, scope, peak, first, last } = finding;
  const what = [describeScope(scope), printable(sentenceOf(finding), 500)].filter(Boolean).join(' ');
  return `rule ${rule}: ${what} (score ${peak.toFixed(1)}, frames of ${zone.text(first)} to ${zone.text(last)})`;
}

const ABOUT = {
  reopened: 'fires again',
  worse: 'is critical',
  repeat: 'still fires',
  acknowledged: 'is acknowledged',
} as const;

/** What a message says. */
const aboutOf = ({ notification: { status, occasion, incident } }: Delivery): string => {
  if (status === 'resolved') return stateOfIncident(incident) === 'ended' ? 'ended' : 'is over';
  return occasion === undefined ? 'fires' : ABOUT[occasion];
};

/** `chat, that it fires: accepted at … at the first attempt, with 39 others`. */
function deliveryLine(delivery: Delivery, zone: TimeZone): string {
  return `${printable(delivery.notification.receiver)}, that it ${aboutOf(delivery)}: ${fateOf(delivery, zone)}`;
}

function fateOf(delivery: Delivery, zone: TimeZone): string {
  const { status, attempts, nextAttempt, lastError, failingSince } = delivery;
  const reason = printable(inZone(lastError ?? 'no reason is known', zone), 500);
  const times = attempts === 1 ? 'the first attempt' : `attempt ${attempts}`;
  const failing = failingSince === undefined ? '' : `, failing since ${zone.text(failingSince)}`;
  switch (status) {
    case 'delivered':
      return `accepted at ${zone.text(nextAttempt)} at ${times}${groupText(delivery)}`;
    case 'dead':
      return `given up after ${attempts} attempts${failing}: ${reason}. \`tidegauge deliveries replay\` tries it again`;
    case 'held':
      return `held, ${reason}`;
    case 'grouped':
      return `waits for its message to be accepted${groupText(delivery)}`;
    case 'pending':
      if (attempts > 0)
        return `tried ${attempts} times${failing}, next at ${zone.text(nextAttempt)}: ${reason}`;
      return lastError === null ? 'is about to be sent' : `waits, ${reason}`;
    case 'silenced':
    case 'outdated':
      return `not sent, ${reason}`;
  }
}

const groupText = ({ members = [], within }: Delivery): string => {
  if (within !== undefined) return `, in the message ${printable(within)}`;
  return members.length === 0 ? '' : `, in one message with ${members.length} others`;
};

/** Times are ISO 8601, UTC. */
export const storyJson = ({ incident, why, deliveries, untold }: Story) => ({
  incident: incidentJson(incident),
  severity_reason: why,
  reopened_at: incident.reopenedAt === undefined ? null : isoTime(incident.reopenedAt),
  deliveries: deliveries.map(({ notification, status, attempts, nextAttempt, lastError, ...more }) => ({
    ...{ key: notification.key, receiver: notification.receiver, about: notification.status },
    ...{ occasion: notification.occasion ?? null, status, attempts, reason: lastError },
    accepted_at: status === 'delivered' ? isoTime(nextAttempt) : null,
    next_attempt: status === 'pending' && nextAttempt > 0 ? isoTime(nextAttempt) : null,
    failing_since: more.failingSince === undefined ? null : isoTime(more.failingSince),
    message: more.within ?? notification.key,
    members: more.members ?? [],
  })),
  not_told: untold,
});

const unknown = (id: string): UsageError =>
  new UsageError({
    place: 'explain',
    expected: 'the id of an incident of the last 30 days',
    found: printable(id, 60) || 'nothing',
    remedy: '`tidegauge incidents --from 30d` shows them.',
  });
