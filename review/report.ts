import { isoTime } from '../core/clock.ts';
import { formatLength } from '../core/config/units.ts';
import { printable } from '../core/errors.ts';
import { flappingText, sentenceOf } from '../core/incident/evidence-text.ts';
import { type Incident, timeOf } from '../core/incident/incident.ts';
import { incidentJson } from '../core/incident/incident-json.ts';
import type { Interval } from '../core/interval.ts';
import type { TimeZone } from '../core/time-zone.ts';
import { blindText, blindWithin } from '../core/traffic/blind.ts';
import { seriesLabel } from '../core/traffic/series.ts';
import { unwatchedIn } from './coverage.ts';
import type { HostReview } from './review.ts';

/** JSON text with two spaces and a newline at the end: equal values made in the same order of keys give equal bytes. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A review for other programs; times are ISO 8601, UTC. */
export function reviewJson(review: HostReview) {
  const { host, folded, frames, checkpoint, from, to, blind, incidents } = review;
  const time = (ms: number | null) => (ms === null ? null : isoTime(ms));
  return {
    host,
    folded,
    frames,
    checkpoint: time(checkpoint),
    from: time(from),
    to: time(to),
    blind: blind.map(gap => ({ from: isoTime(gap.from), to: isoTime(gap.to) })),
    incidents: incidents.map(incidentJson),
  };
}

/** Reviews as text for a terminal, with times in `zone`; of a range, also what of it nobody watched. */
export function reportText(reviews: readonly HostReview[], zone: TimeZone, range?: Interval): string {
  if (reviews.length === 0) return 'No host has stored frames.\n';
  return reviews.map(review => hostText(review, zone, range)).join('\n');
}

function hostText(review: HostReview, zone: TimeZone, range: Interval | undefined): string {
  const lines = [`Host ${printable(review.host)}`];
  if (review.from === null || review.to === null) return `${lines[0]}: no stored frames.\n`;
  lines.push(`  folded ${review.folded} frames from ${zone.text(review.from)} to ${zone.text(review.to)}`);
  if (review.checkpoint !== null)
    lines.push(`  with what was known after the frame of ${zone.text(review.checkpoint)}`);
  const asked = range ? ` from ${zone.text(range.from)} to ${zone.text(range.to)}` : '';
  lines.push(`  ${review.frames} frames in the reviewed range${asked}`);
  for (const gap of range ? unwatchedIn(review, range) : [])
    lines.push(`  not watched ${rangeText(gap, zone)}: nothing can be said about it`);
  for (const gap of review.blind) lines.push(`  blind ${rangeText(gap, zone)}: nothing can be said about it`);
  lines.push(
    review.incidents.length === 0 ? '  no incidents' : `  ${count(review.incidents.length, 'incident')}:`,
  );
  return `${[...lines, ...review.incidents.flatMap(incident => incidentLines(incident, zone, review.blind).map(line => `  ${line}`))].join('\n')}\n`;
}

/** An incident as lines: what, when, what of that nobody saw (`blind`), and the evidence of every rule that saw it. */
export function incidentLines(incident: Incident, zone: TimeZone, blind: readonly Interval[] = []): string[] {
  const { start, end, escalation } = incident;
  const head = `${incident.severity.toUpperCase()} ${printable(incident.title)}`;
  const length = formatLength(end - start);
  const state = stateText(incident, length, zone);
  const raised = escalation ? `, ${escalation.from} until ${zone.text(escalation.at)}` : '';
  const flaps = flappingText(incident);
  const when = `  ${zone.text(start)}, ${state}${raised}${flaps === null ? '' : `, ${flaps}`}, id ${incident.id}`;
  const findings = incident.findings.map(finding => {
    const { rule, scope, peak } = finding;
    const series =
      scope.direction && scope.metric
        ? seriesLabel(scope.container ?? incident.container, scope.direction, scope.metric)
        : (scope.container ?? '');
    return `  ${rule}: ${printable(series)}: ${sentenceOf(finding, zone)} (score ${peak.toFixed(1)})`;
  });
  const unseen = blindText(blindWithin(blind, timeOf(incident)), zone);
  return [head, when, ...(unseen === null ? [] : [`  ${unseen}`]), ...findings];
}

/** `lasted 20s, ended 2026-01-31T22:00:00Z: the container is gone`. */
function stateText({ end, resolvedAt, ended }: Incident, length: string, zone: TimeZone): string {
  if (resolvedAt === null) return `firing, seen for ${length} until ${zone.text(end)}`;
  const how = ended === undefined ? 'resolved' : 'ended';
  const why = ended === undefined ? '' : `: ${printable(ended)}`;
  return `lasted ${length}, ${how} ${zone.text(resolvedAt)}${why}`;
}

function rangeText({ from, to }: Interval, zone: TimeZone): string {
  return `${zone.text(from)} for ${formatLength(to - from)}`;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
