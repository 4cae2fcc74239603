import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import type { Incident } from '../core/incident.ts';
import { seriesLabel } from '../core/series.ts';
import { formatDuration } from '../core/units.ts';
import type { Range } from '../store/contract.ts';
import type { HostReview } from './review.ts';

/** One JSON text of reviews: stable key order, two spaces, a newline at the end; equal reviews give equal bytes. */
export function reportJson(reviews: readonly HostReview[]): string {
  return `${JSON.stringify(reviews, null, 2)}\n`;
}

/** Incidents alone as JSON: the same text from `replay`, `review` and `incidents`. */
export function incidentsJson(incidents: readonly Incident[]): string {
  return `${JSON.stringify(incidents, null, 2)}\n`;
}

/** Reviews as text for a terminal. */
export function reportText(reviews: readonly HostReview[]): string {
  if (reviews.length === 0) return 'No host has stored frames.\n';
  return reviews.map(hostText).join('\n');
}

function hostText(review: HostReview): string {
  const lines = [`Host ${printable(review.host)}`];
  if (review.from === null || review.to === null) return `${lines[0]}: no stored frames.\n`;
  lines.push(`  folded ${review.folded} frames from ${isoTime(review.from)} to ${isoTime(review.to)}`);
  lines.push(`  ${review.frames} frames in the reviewed range`);
  for (const gap of review.blind) lines.push(`  blind ${rangeText(gap)}: nothing can be said about it`);
  lines.push(
    review.incidents.length === 0 ? '  no incidents' : `  ${count(review.incidents.length, 'incident')}:`,
  );
  return `${[...lines, ...review.incidents.flatMap(incident => incidentLines(incident).map(line => `  ${line}`))].join('\n')}\n`;
}

/** An incident as lines: what, when, and the evidence of every rule that saw it. */
export function incidentLines(incident: Incident): string[] {
  const state = incident.resolvedAt === null ? 'firing' : `resolved ${isoTime(incident.resolvedAt)}`;
  const head = `${incident.severity.toUpperCase()} ${printable(incident.title)}`;
  const when = `  ${rangeText({ from: incident.start, to: incident.end })}, ${state}, id ${incident.id}`;
  const findings = incident.findings.map(({ rule, scope, peak, evidence }) => {
    const series =
      scope.direction && scope.metric
        ? seriesLabel(scope.container ?? incident.container, scope.direction, scope.metric)
        : (scope.container ?? '');
    return `  ${rule}: ${printable(series)}: ${printable(evidence.text)} (score ${peak.toFixed(1)})`;
  });
  return [head, when, ...findings];
}

function rangeText({ from, to }: Range): string {
  return `${isoTime(from)} for ${formatDuration(to - from)}`;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
