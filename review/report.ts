import { isoTime } from '../core/clock.ts';
import { printable } from '../core/errors.ts';
import { compareText } from '../core/frame.ts';
import type { Incident } from '../core/incident.ts';
import { seriesLabel } from '../core/series.ts';
import { formatDuration } from '../core/units.ts';
import type { Range } from '../store/contract.ts';
import type { HostReview } from './review.ts';

/** Keys of reports in the order that people read them; others follow in the order of the alphabet. */
const KEY_ORDER = [
  ...[
    'id',
    'host',
    'service',
    'container',
    'severity',
    'title',
    'start',
    'end',
    'resolvedAt',
    'score',
    'findings',
  ],
  ...[
    'rule',
    'scope',
    'direction',
    'metric',
    'first',
    'last',
    'peak',
    'evidence',
    'seen',
    'low',
    'high',
    'unit',
    'text',
  ],
  ...['folded', 'frames', 'checkpoint', 'from', 'to', 'blind', 'incidents'],
];

/** JSON text with two spaces and a newline at the end: equal values give equal bytes, whatever made them. */
export function canonicalJson(value: unknown): string {
  return `${JSON.stringify(value, (_key, part: unknown) => (isObject(part) ? ordered(part) : part), 2)}\n`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function ordered(object: Record<string, unknown>): Record<string, unknown> {
  const rank = (key: string) => (KEY_ORDER.includes(key) ? KEY_ORDER.indexOf(key) : KEY_ORDER.length);
  return Object.fromEntries(
    Object.entries(object).sort(([a], [b]) => rank(a) - rank(b) || compareText(a, b)),
  );
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
  if (review.checkpoint !== null)
    lines.push(`  with what was known after the frame of ${isoTime(review.checkpoint)}`);
  lines.push(`  ${review.frames} frames in the reviewed range`);
  for (const gap of review.blind) lines.push(`  blind ${rangeText(gap)}: nothing can be said about it`);
  lines.push(
    review.incidents.length === 0 ? '  no incidents' : `  ${count(review.incidents.length, 'incident')}:`,
  );
  return `${[...lines, ...review.incidents.flatMap(incident => incidentLines(incident).map(line => `  ${line}`))].join('\n')}\n`;
}

/** An incident as lines: what, when, and the evidence of every rule that saw it. */
export function incidentLines(incident: Incident): string[] {
  const { start, end } = incident;
  const state = incident.resolvedAt === null ? 'firing' : `resolved ${isoTime(incident.resolvedAt)}`;
  const head = `${incident.severity.toUpperCase()} ${printable(incident.title)}`;
  const when = `  ${isoTime(start)}, lasted ${lengthText(end - start)}, ${state}, id ${incident.id}`;
  const findings = incident.findings.map(({ rule, scope, peak, evidence }) => {
    const series =
      scope.direction && scope.metric
        ? seriesLabel(scope.container ?? incident.container, scope.direction, scope.metric)
        : (scope.container ?? '');
    return `  ${rule}: ${printable(series)}: ${printable(evidence.text)} (score ${peak.toFixed(1)})`;
  });
  return [head, when, ...findings];
}

/** Milliseconds of a length are noise to people, and so are tenths of a long one. */
function lengthText(ms: number): string {
  const unit = ms < 1000 ? 1 : ms < 10_000 ? 100 : 1000;
  return formatDuration(Math.round(ms / unit) * unit);
}

function rangeText({ from, to }: Range): string {
  return `${isoTime(from)} for ${lengthText(to - from)}`;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
