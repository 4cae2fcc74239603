import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import { flappingText, sentenceOf } from '../core/incident/evidence-text.ts';
import type { Finding, Incident } from '../core/incident/incident.ts';
import { findingSubject, subjectText } from '../core/incident/members.ts';
import { describeScope } from '../core/incident/scope.ts';

/** What people read of an incident. Names are untrusted; the texts are free of control characters except line ends. */

const NAME_LIMIT = 80;
/** Findings that a region tells; of the others their number: a region is written anew with every frame. */
const LISTED = 50;

const describe = (finding: Finding, who: Parameters<typeof findingSubject>[1], text: string): string =>
  [findingSubject(finding, who), describeScope(finding.scope), text].filter(Boolean).join(' ');

/** One line: `web: bytes sent 12 MiB/s, expected up to 1.4 MiB/s`; of several whom the worst finding is about, too. */
export function titleOf(
  who: Pick<Incident, 'host' | 'service' | 'container' | 'members'>,
  findings: readonly Finding[],
): string {
  const [worst] = findings;
  return `${subjectText(who)}: ${worst ? describe(worst, who, printable(worst.evidence.text, 300)) : 'anomalous'}`;
}

/** The severity, and what it was at first: `critical (info at first, since 2026-01-31T22:10:00.000Z)`. */
function describeSeverity({ severity, escalation }: Incident): string {
  if (!escalation) return severity;
  return `${severity} (${escalation.from} at first, ${severity} since ${isoTime(escalation.at)})`;
}

/** Who and when on the first line, then a line for each of the highest findings at its peak. */
export function annotationText(incident: Incident): string {
  const { host, service, container, members } = incident;
  const parts = [`host ${printable(host, NAME_LIMIT)}`];
  if (!members && container !== '' && service !== container)
    parts.push(`service ${printable(service, NAME_LIMIT)}`);
  const when = incident.resolvedAt === null ? 'since' : `until ${isoTime(incident.end)}, from`;
  const why = incident.ended === undefined ? '' : `; ${printable(incident.ended, 100)}`;
  const flaps = flappingText(incident);
  const head = `${subjectText(incident)} (${parts.join(', ')}) ${describeSeverity(incident)} ${when} ${isoTime(incident.start)}${why}${flaps === null ? '' : `; ${flaps}`}`;
  const shown = incident.findings.slice(0, LISTED);
  const lines = shown.map(
    f =>
      `${f.rule}: ${describe(f, incident, sentenceOf(f))} (score ${f.peak.toFixed(1)}, ${isoTime(f.first)} to ${isoTime(f.last)})`,
  );
  const more = incident.findings.length - shown.length;
  return [head, ...lines, ...(more > 0 ? [`and ${more} further findings`] : [])].join('\n');
}
