import { isoTime } from '../../core/clock.ts';
import { formatLength } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import { circumstancesOf, flappingText } from '../../core/incident/evidence-text.ts';
import type { Finding, Incident, Member, Notification } from '../../core/incident/incident.ts';
import { findingSubject, listText, subjectText } from '../../core/incident/members.ts';
import { describeScope } from '../../core/incident/scope.ts';
import type { Told } from '../contract.ts';
import { LISTED, severityCounts, worstFirst } from './group.ts';

/**
 * A message for people, before it is put into the form of one kind of receiver. All texts are one line without control
 * characters, of bounded length; names in them are others' choice, so whoever shows them escapes them for its own markup.
 */
export interface Message {
  readonly status: Notification['status'];
  readonly severity: Incident['severity'];
  /** What it should look like: how bad it is, or how it ended. */
  readonly tone: Incident['severity'] | 'resolved' | 'ended';
  /** `CRITICAL: shop-web-1`, `RESOLVED: shop-web-1`; up to 100 characters. */
  readonly headline: string;
  /** What was seen against what was expected; or how long it lasted, and from when to when. Up to 400 characters. */
  readonly summary: string;
  readonly facts: readonly Fact[];
  /** Where the page shows it; null: nobody knows. Made of the configuration and an id: it holds nobody else's words. */
  readonly link: string | null;
}

/** Name of up to 20 characters, text of up to 400. */
export interface Fact {
  readonly name: string;
  readonly text: string;
}

const NAME_LIMIT = 80;
const TEXT_LIMIT = 400;
/** Findings that are shown; of the others their number. */
const FINDINGS = 5;
/** Hosts and services of a group that are shown. */
const PLACES = 3;
/** What to look at begins this long before the incident, ms. */
const BEFORE_MS = 600_000;

/** What, where, since when, seen against expected, what to look at next; of a group how many, and the worst of them. */
export function messageOf(told: Told): Message {
  return told.others === undefined ? messageOfOne(told) : messageOfGroup(told);
}

function messageOfOne({ status, occasion, incident, page }: Told): Message {
  const isOver = status === 'resolved';
  const tone = isOver ? (incident.ended === undefined ? 'resolved' : 'ended') : incident.severity;
  const flaps = flappingText(incident);
  const shown = shownFindings(incident);
  const more = incident.findings.length - shown.length;
  const facts = [
    { name: 'Where', text: whereText(incident) },
    ...(isOver ? [] : [{ name: 'Since', text: timeText(incident.start) }]),
    ...(flaps === null ? [] : [{ name: 'Flapping', text: flaps }]),
    ...shown.map(finding => ({ name: isOver ? 'Was seen' : 'Seen', text: findingText(finding, incident) })),
    ...(more > 0 ? [{ name: 'More', text: `${more} further findings` }] : []),
    ...(isOver ? [] : [{ name: 'Look at', text: nextText(incident) }]),
  ];
  return {
    status,
    severity: incident.severity,
    tone,
    headline: line(`${tone.toUpperCase()}: ${subjectOf(incident)}`, 100),
    summary: isOver ? overText(incident) : line(newsText(incident, occasion)).trim() || 'anomalous',
    facts: facts.map(({ name, text }) => ({ name, text: line(text) })),
    link: linkTo(page, viewOf(incident)),
  };
}

/** An incident without findings is a test's: nobody has stored it, and the page shows the others. */
const viewOf = ({ id, findings }: Incident): string =>
  findings.length === 0 ? 'view=incidents' : `incident=${encodeURIComponent(id)}`;

/** The address of a view of the page. */
const linkTo = (page: string | undefined, view: string): string | null =>
  page ? `${page.replace(/\/+$/, '')}/?${view}` : null;

/** Of incidents of one status: `CRITICAL: 40 incidents on host web-1`. */
function messageOfGroup(told: Told): Message {
  const { status } = told;
  const isOver = status === 'resolved';
  const all = worstFirst(told).map(({ incident }) => incident);
  const [worst = told.incident] = all;
  const isEnded = all.some(({ ended }) => ended !== undefined);
  const tone = isOver ? (isEnded ? 'ended' : 'resolved') : worst.severity;
  const shown = all.slice(0, LISTED);
  const more = all.length - shown.length;
  const start = Math.min(...all.map(one => one.start));
  const facts = [
    { name: 'Where', text: placesText(all) },
    { name: isOver ? 'Began' : 'Since', text: timeText(start) },
    ...shown.map(one => ({ name: stateWord(one, isOver), text: isOver ? endText(one) : one.title })),
    ...(more > 0 ? [{ name: 'More', text: `${more} further incidents` }] : []),
    { name: 'Look at', text: `tidegauge incidents --from ${isoTime(start - BEFORE_MS).slice(0, 16)}Z` },
  ];
  return {
    ...{ status, severity: worst.severity, tone },
    headline: line(`${tone.toUpperCase()}: ${all.length} incidents${hostsText(all)}`, 100),
    summary: line(`${all.length} incidents: ${isOver ? endCounts(all) : severityCounts(all)}`),
    facts: facts.map(({ name, text }) => ({ name, text: line(text) })),
    link: linkTo(told.page, 'view=incidents'),
  };
}

/** `38 resolved, 2 ended` */
function endCounts(all: readonly Incident[]): string {
  const ended = all.filter(one => one.ended !== undefined).length;
  const parts = [
    { count: all.length - ended, word: 'resolved' },
    { count: ended, word: 'ended' },
  ];
  return parts
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${word}`)
    .join(', ');
}

const stateWord = (incident: Incident, isOver: boolean): string => {
  const word = isOver ? (incident.ended === undefined ? 'resolved' : 'ended') : incident.severity;
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
};

const endText = (incident: Incident): string => `${subjectOf(incident)}: ${overText(incident)}`;

const hostsText = (all: readonly Incident[]): string => {
  const hosts = [...new Set(all.map(({ host }) => host))];
  return hosts.length === 1 ? ` on host ${name(hosts[0] ?? '')}` : ` on ${hosts.length} hosts`;
};

/** `host web-1; services shop/web (38), shop/db (2)` */
function placesText(all: readonly Incident[]): string {
  const counted = (values: readonly string[]) =>
    [...Map.groupBy(values, value => value)]
      .sort((a, b) => b[1].length - a[1].length)
      .slice(0, PLACES)
      .map(([value, same]) => `${name(value)} (${same.length})`)
      .join(', ');
  const services = all.map(({ service }) => service).filter(service => service !== '');
  const parts = [`hosts ${counted(all.map(({ host }) => host))}`];
  return [...parts, ...(services.length > 0 ? [`services ${counted(services)}`] : [])].join('; ');
}

/** Why it is told, where that is not that it begins. */
function newsText({ title, start, end }: Incident, occasion: Notification['occasion']): string {
  if (occasion === undefined) return title;
  const why = {
    reopened: 'fires again',
    worse: 'is critical by now',
    flapping: 'goes up and down',
    repeat: `still fires after ${formatLength(end - start)}`,
    acknowledged: 'acknowledged',
  };
  return `${why[occasion]}: ${title}`;
}

/** The message as lines, for those who show plain text. */
export const plainText = ({ summary, facts, link }: Message): string =>
  [
    summary,
    ...facts.map(({ name, text }) => `${name}: ${text}`),
    ...(link === null ? [] : [`Page: ${link}`]),
  ].join('\n');

/** What a link says, where it can say something. */
export const LINK_TEXT = 'Open the page';

/** Untrusted text as one line: no control or direction characters, no halves of characters. */
export const line = (text: string, limit = TEXT_LIMIT): string =>
  printable(text.toWellFormed(), limit).toWellFormed();

/** The beginning of a text that takes at most `bytes` of UTF-8, marked when it is not all. */
export function withinBytes(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  // The decoder leaves out the half of a character at the end.
  const decoder = new TextDecoder('utf-8', { fatal: false });
  return `${decoder.decode(all.subarray(0, bytes - 3), { stream: true })}…`;
}

const name = (text: string): string => line(text, NAME_LIMIT);

const subjectOf = (incident: Incident): string => line(subjectText(incident));

/** Of an incident of several first the highest of each. */
function shownFindings({ members, findings }: Incident): readonly Finding[] {
  if (!members) return findings.slice(0, FINDINGS);
  const highest = new Map(findings.toReversed().map(finding => [subjectKey(finding), finding]));
  const first = new Set(highest.values());
  return [
    ...findings.filter(finding => first.has(finding)),
    ...findings.filter(finding => !first.has(finding)),
  ].slice(0, LISTED);
}

const subjectKey = ({ scope }: Finding): string => JSON.stringify([scope.service, scope.container]);

function whereText({ container, service, host, members }: Incident): string {
  if (members) return membersText(members, host);
  const parts = [
    container === '' ? null : `container ${name(container)}`,
    service === '' || service === container ? null : `service ${name(service)}`,
    `host ${name(host)}`,
  ];
  return parts.filter(part => part !== null).join(', ');
}

/** `containers web-1, web-2 and web-3, services shop/web, host a` */
function membersText(members: readonly Member[], host: string): string {
  const said = (word: string, names: readonly string[]) => {
    const known = [...new Set(names)].filter(one => one !== '').map(name);
    return known.length === 0
      ? []
      : [`${word}${known.length > 1 ? 's' : ''} ${listText(known, ' and ', LISTED)}`];
  };
  return [
    ...said(
      'container',
      members.map(one => one.container),
    ),
    ...said(
      'service',
      members.map(one => one.service),
    ),
    `host ${name(host)}`,
  ].join(', ');
}

/** Gone is not well: why it is over is told, unless it was seen to be well again. */
function overText(incident: Incident): string {
  const why = incident.ended === undefined ? '' : `: ${incident.ended}`;
  return line(`${lastedText(incident)}${why}`);
}

/** `lasted 12m, 2026-01-15 02:14:05 to 02:26:05 UTC`; the second date only where it is another day. */
export function lastedText({ start, end }: Pick<Incident, 'start' | 'end'>): string {
  const [from, to] = [start, end].map(time => timeText(time).replace(' UTC', '')) as [string, string];
  const isSameDay = from.slice(0, 10) === to.slice(0, 10);
  return `lasted ${formatLength(end - start)}, ${from} to ${isSameDay ? to.slice(11) : to} UTC`;
}

/** `2026-01-15 03:12:05 UTC` */
export const timeText = (time: number): string => `${isoTime(time).slice(0, 19).replace('T', ' ')} UTC`;

function findingText(finding: Finding, incident: Incident): string {
  const { rule, scope, evidence, peak } = finding;
  const seen = [findingSubject(finding, incident), describeScope(scope), evidence.text]
    .filter(Boolean)
    .join(' ');
  const what = [seen, ...circumstancesOf(finding)].join('; ');
  return `${what} (rule ${rule}, score ${peak.toFixed(1)})`;
}

/** A command that goes on from here. A name that a shell could take for more than a name is left out of it. */
function nextText({ host, container, start, findings, members }: Incident): string {
  if (findings.some(({ rule }) => ['capture', 'shipping', 'frames'].includes(rule)))
    return 'tidegauge doctor';
  const from = `--from ${isoTime(start - BEFORE_MS).slice(0, 16)}Z`;
  const flag = (option: string, value: string) =>
    /^[\w./][\w./-]*$/.test(value) ? `${option} ${value}` : '';
  const isOne = container !== '' && !members;
  const command = isOne || members ? 'tidegauge map' : 'tidegauge incidents';
  return [command, from, flag('--host', host), isOne ? flag('--container', container) : '']
    .filter(Boolean)
    .join(' ');
}
