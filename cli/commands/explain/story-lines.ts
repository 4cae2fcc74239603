import { formatLength } from '../../../core/config/units.ts';
import { printable } from '../../../core/errors.ts';
import { flappingText, sentenceOf } from '../../../core/incident/evidence-text.ts';
import { type Finding, type Incident, stateOfIncident } from '../../../core/incident/incident.ts';
import { findingSubject, subjectText } from '../../../core/incident/members.ts';
import { describeScope } from '../../../core/incident/scope.ts';
import type { TimeZone } from '../../../core/time-zone.ts';
import type { Story } from '../../../http/api/resources/story/story.ts';
import { watchedLines } from '../../shared/watched-lines.ts';
import type { Present } from '../../times.ts';
import { aroundLines, historyLines, saidLines } from './around-lines.ts';
import type { CommandHere } from './command-here.ts';
import { nextLines } from './next-lines.ts';
import { peerHeading, peerLines } from './peer-lines.ts';
import { toldLines, untoldLines } from './told-lines.ts';

/** The story of an incident for people: what somebody who was woken by it asks first comes first. `call` writes the next commands. */
export function storyLines(story: Story, present: Present, call: CommandHere): string[] {
  const { incident, why, watched, peers, around } = story;
  const { zone } = present;
  const parts: readonly (readonly [heading: string, lines: readonly string[]])[] = [
    ['What was seen', incident.findings.map(finding => findingText(finding, incident, zone))],
    [peerHeading(peers, zone), peerLines(peers, incident)],
    ['Whether it happened before', historyLines(around, incident, zone)],
    ['What else was going on', aroundLines(around, zone)],
    ['Who was told', toldLines(story.told, zone)],
    ['Who was not, and why', untoldLines(story, zone)],
    ['What to do next', nextLines(story, call)],
  ];
  return [
    printable(incident.title, 500),
    ...factLines(incident, why, present).map(indented),
    ...watchedLines(watched, incident, present).map(indented),
    ...saidLines(around, zone).map(indented),
    ...parts.flatMap(([heading, lines]) => ['', heading, ...lines.map(indented)]),
  ];
}

const indented = (line: string): string => `  ${line}`;

function factLines(incident: Incident, why: string | null, { now, zone }: Present): string[] {
  const { host, service, container, severity, escalation, reopenedAt, members, flapping } = incident;
  const names = members ? [] : [service && `service ${service}`, container && `container ${container}`];
  const raised = escalation ? ` (${escalation.from} at first, raised at ${zone.text(escalation.at)})` : '';
  return [
    printable([`host ${host}`, ...names].filter(Boolean).join(', '), 300),
    ...(members ?? []).map(
      ({ since, ...member }) =>
        `${subjectText({ host, ...member })}${member.container && member.service && ` (service ${printable(member.service)})`} since ${zone.text(since)}`,
    ),
    `${severity}${raised}${why === null ? '' : `: ${printable(why, 300)}`}`,
    whenText(incident, { now, zone }),
    ...(reopenedAt === undefined
      ? []
      : [`fired again at ${zone.text(reopenedAt)}, shortly after it was over`]),
    ...(flapping
      ? [`${flappingText(incident)}, from ${zone.text(flapping.since)} to ${zone.text(flapping.last)}`]
      : []),
  ];
}

/** Whether it is over. */
function whenText(incident: Incident, { now, zone }: Present): string {
  const { start, end, resolvedAt, ended } = incident;
  if (resolvedAt === null) {
    const last = `last seen ${formatLength(Math.max(0, now - end))} ago, at ${zone.text(end)}`;
    return `still firing: since ${zone.text(start)} (${formatLength(end - start)}), ${last}`;
  }
  const how = `${stateOfIncident(incident)} at ${zone.text(resolvedAt)}`;
  const because = ended === undefined ? '' : `: ${printable(ended, 200)}`;
  return `over: from ${zone.text(start)} to ${zone.text(end)} (${formatLength(end - start)}), ${how}${because}`;
}

function findingText(finding: Finding, incident: Incident, zone: TimeZone): string {
  const { rule, scope, peak, first, last } = finding;
  const what = [findingSubject(finding, incident), describeScope(scope), printable(sentenceOf(finding), 500)]
    .filter(Boolean)
    .join(' ');
  return `rule ${rule}: ${what} (score ${peak.toFixed(1)}, frames of ${zone.text(first)} to ${zone.text(last)})`;
}
