import { formatLength } from '../../core/config/units.ts';
import { printable, UsageError } from '../../core/errors.ts';
import { flappingText, sentenceOf } from '../../core/incident/evidence-text.ts';
import { type Finding, type Incident, stateOfIncident } from '../../core/incident/incident.ts';
import { findingSubject, subjectText } from '../../core/incident/members.ts';
import { describeScope } from '../../core/incident/scope.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { type Story, storyJson, type Told } from '../../http/api/resources/story.ts';
import { jsonText } from '../../review/report.ts';
import { type Register, setAction } from '../command.ts';
import { JUDGED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import type { SharedState } from '../shared/contract.ts';
import { addSharedCommand, openSharedState } from '../shared/open.ts';
import { inZone } from './incidents.ts';

interface ExplainFlags extends CommonFlags {
  readonly json?: boolean;
}

export const registerExplain: Register = (program, signal) => {
  const command = addSharedCommand(
    program,
    'explain',
    'the whole story of an incident: what was seen, who was told when, who was not, and why',
  );
  command.argument('<incident>', 'its id, as `incidents` shows it').option('--json', 'machine-readable');
  setAction(command, signal, explain, { needs: [...JUDGED, 'receivers'] });
};

async function explain(context: Context, flags: ExplainFlags, id: string): Promise<number> {
  const { out, zone } = context;
  const refuse = () => {
    throw unknown(id);
  };
  const tell = async (state: SharedState) => {
    const story = await state.story(id);
    if (story === null) return refuse();
    return out.write(flags.json ? jsonText(storyJson(story)) : `${storyLines(story, zone).join('\n')}\n`);
  };
  return openSharedState(context, 'read', tell, refuse);
}

/** For people. */
export function storyLines({ incident, why, told, untold }: Story, zone: TimeZone): string[] {
  const accepted = told.filter(({ status }) => status === 'delivered');
  const others = told.filter(({ status }) => status !== 'delivered');
  const none = told.length === 0 && untold.length === 0 ? ['  nobody: no receiver is configured'] : [];
  return [
    printable(incident.title, 500),
    ...factLines(incident, why, zone),
    '',
    'What was seen',
    ...incident.findings.map(finding => `  ${findingText(finding, incident, zone)}`),
    '',
    'Who was told',
    ...(accepted.length > 0 ? accepted.map(one => `  ${toldLine(one, zone)}`) : ['  nobody so far']),
    '',
    'Who was not, and why',
    ...others.map(one => `  ${toldLine(one, zone)}`),
    ...untold.map(({ receiver, reason }) => `  ${printable(receiver)}: ${reason}`),
    ...none,
    ...(others.length + untold.length + none.length === 0 ? ['  everybody was told'] : []),
  ];
}

function factLines(incident: Incident, why: string | null, zone: TimeZone): string[] {
  const { host, service, container, severity, escalation, start, end, resolvedAt, ended, reopenedAt } =
    incident;
  const { members, flapping } = incident;
  const names = members ? [] : [service && `service ${service}`, container && `container ${container}`];
  const where = [`host ${host}`, ...names];
  const raised = escalation ? ` (${escalation.from} at first, raised at ${zone.text(escalation.at)})` : '';
  const over =
    resolvedAt === null
      ? ''
      : `, ${stateOfIncident(incident)} at ${zone.text(resolvedAt)}${ended === undefined ? '' : `: ${printable(ended, 200)}`}`;
  return [
    `  ${printable(where.filter(Boolean).join(', '), 300)}`,
    ...(members ?? []).map(
      ({ since, ...member }) =>
        `  ${subjectText({ host, ...member })}${member.container && member.service && ` (service ${printable(member.service)})`} since ${zone.text(since)}`,
    ),
    `  ${severity}${raised}${why === null ? '' : `: ${printable(why, 300)}`}`,
    `  from ${zone.text(start)} to ${zone.text(end)} (${formatLength(end - start)})${over || ', firing'}`,
    ...(reopenedAt === undefined
      ? []
      : [`  fired again at ${zone.text(reopenedAt)}, shortly after it was over`]),
    ...(flapping
      ? [`  ${flappingText(incident)}, from ${zone.text(flapping.since)} to ${zone.text(flapping.last)}`]
      : []),
  ];
}

function findingText(finding: Finding, incident: Incident, zone: TimeZone): string {
  const { rule, scope, peak, first, last } = finding;
  const what = [findingSubject(finding, incident), describeScope(scope), printable(sentenceOf(finding), 500)]
    .filter(Boolean)
    .join(' ');
  return `rule ${rule}: ${what} (score ${peak.toFixed(1)}, frames of ${zone.text(first)} to ${zone.text(last)})`;
}

const ABOUT = {
  reopened: 'fires again',
  worse: 'is critical',
  flapping: 'goes up and down',
  repeat: 'still fires',
  acknowledged: 'is acknowledged',
} as const;

/** What a message says. */
const aboutOf = ({ about, occasion, state }: Told): string => {
  if (about === 'resolved') return state === 'ended' ? 'ended' : 'is over';
  return occasion === null ? 'fires' : ABOUT[occasion];
};

/** `chat, that it fires: accepted at … at the first attempt, with 39 others`. */
const toldLine = (told: Told, zone: TimeZone): string =>
  `${printable(told.receiver)}, that it ${aboutOf(told)}: ${fateOf(told, zone)}`;

function fateOf(told: Told, zone: TimeZone): string {
  const { status, attempts, acceptedAt, nextAttempt, failingSince } = told;
  const reason = printable(inZone(told.reason ?? 'no reason is known', zone), 500);
  const times = attempts === 1 ? 'the first attempt' : `attempt ${attempts}`;
  const failing = failingSince === null ? '' : `, failing since ${zone.text(failingSince)}`;
  switch (status) {
    case 'delivered':
      return `accepted at ${zone.text(acceptedAt ?? 0)} at ${times}${groupText(told)}`;
    case 'dead':
      return `given up after ${attempts} attempts${failing}: ${reason}. \`tidegauge deliveries replay\` tries it again`;
    case 'held':
      return `held, ${reason}`;
    case 'grouped':
      return `waits for its message to be accepted${groupText(told)}`;
    case 'pending':
      if (attempts > 0)
        return `tried ${attempts} times${failing}, next at ${zone.text(nextAttempt ?? 0)}: ${reason}`;
      return told.reason === null ? 'is about to be sent' : `waits, ${reason}`;
    case 'silenced':
    case 'outdated':
      return `not sent, ${reason}`;
  }
}

const groupText = ({ key, message, members }: Told): string => {
  if (message !== key) return `, in the message ${printable(message)}`;
  return members.length === 0 ? '' : `, in one message with ${members.length} others`;
};

const unknown = (id: string): UsageError =>
  new UsageError({
    place: 'explain',
    expected: 'the id of an incident of the last 30 days',
    found: printable(id, 60) || 'nothing',
    remedy: '`tidegauge incidents --from 30d` shows them.',
  });
