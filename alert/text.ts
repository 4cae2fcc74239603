import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import { sentenceOf } from '../core/incident/evidence-text.ts';
import type { Finding, Incident } from '../core/incident/incident.ts';
import { describeScope } from '../core/incident/scope.ts';

/** What people read of an incident. Names are untrusted; the texts are free of control characters except line ends. */

const NAME_LIMIT = 80;

/** Who: the container, else the service, else the host. */
export function describeSubject(who: { host: string; service: string; container: string }): string {
  if (who.container !== '') return printable(who.container, NAME_LIMIT);
  const [kind, name] = who.service === '' ? ['host', who.host] : ['service', who.service];
  return `${kind} ${printable(name, NAME_LIMIT)}`;
}

const describe = ({ scope }: Finding, text: string): string =>
  [describeScope(scope), text].filter(Boolean).join(' ');

/** One line: `web: bytes sent 12 MiB/s, expected up to 1.4 MiB/s`. */
export function titleOf(
  who: { host: string; service: string; container: string },
  findings: readonly Finding[],
): string {
  const [worst] = findings;
  return `${describeSubject(who)}: ${worst ? describe(worst, printable(worst.evidence.text, 300)) : 'anomalous'}`;
}

/** The severity, and what it was at first: `critical (info at first, since 2026-01-31T22:10:00.000Z)`. */
function describeSeverity({ severity, escalation }: Incident): string {
  if (!escalation) return severity;
  return `${severity} (${escalation.from} at first, ${severity} since ${isoTime(escalation.at)})`;
}

/** Who and when on the first line, then a line for each finding at its peak. */
export function annotationText(incident: Incident): string {
  const { host, service, container } = incident;
  const parts = [`host ${printable(host, NAME_LIMIT)}`];
  if (container !== '' && service !== container) parts.push(`service ${printable(service, NAME_LIMIT)}`);
  const when = incident.resolvedAt === null ? 'since' : `until ${isoTime(incident.end)}, from`;
  const why = incident.ended === undefined ? '' : `; ${printable(incident.ended, 100)}`;
  const head = `${describeSubject(incident)} (${parts.join(', ')}) ${describeSeverity(incident)} ${when} ${isoTime(incident.start)}${why}`;
  const lines = incident.findings.map(
    f =>
      `${f.rule}: ${describe(f, sentenceOf(f))} (score ${f.peak.toFixed(1)}, ${isoTime(f.first)} to ${isoTime(f.last)})`,
  );
  return [head, ...lines].join('\n');
}
