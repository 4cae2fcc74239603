import { type Incident, SEVERITIES, type Severity } from '../core/incident/incident.ts';
import type { Interval } from '../core/interval.ts';
import type { HostReview } from './review.ts';

const DAY_MS = 86_400_000;

/** How often settings would have called. */
export interface Tally {
  /** Incidents that began in the range. */
  readonly incidents: number;
  /** Time in which frames could be judged, ms. */
  readonly watchedMs: number;
  /** Incidents for each day that was watched; null: that was too short to speak of days. */
  readonly perDay: number | null;
  readonly severities: Readonly<Record<Severity, number>>;
  /** By rule; one in which several rules spoke counts for each of them. */
  readonly rules: ReadonlyMap<string, number>;
}

/** From this on a number a day is said, ms: three incidents in ten minutes are not 432 a day. */
const SPAN_MS = DAY_MS / 4;

/** How many that is for each day; null: too little time to say so. */
export const perDayOf = (count: number, ms: number): number | null =>
  ms < SPAN_MS ? null : (count * DAY_MS) / ms;

/** Counts what began in the range, over all hosts. */
export function tally(reviews: readonly HostReview[], range: Interval): Tally {
  const begun = reviews
    .flatMap(({ incidents }) => incidents)
    .filter(({ start }) => start >= range.from && start < range.to);
  const watched = watchedMs(reviews);
  const rules = new Map<string, number>();
  for (const { findings } of begun)
    for (const rule of new Set(findings.map(finding => finding.rule)))
      rules.set(rule, (rules.get(rule) ?? 0) + 1);
  return {
    incidents: begun.length,
    watchedMs: watched,
    perDay: perDayOf(begun.length, watched),
    severities: countSeverities(begun),
    rules,
  };
}

/** Time in which frames could be judged, ms: of the host for which it was longest. */
export const watchedMs = (reviews: readonly Pick<HostReview, 'covered' | 'blind'>[]): number =>
  Math.max(0, ...reviews.map(({ covered, blind }) => (covered ? lengthOf(covered) : 0) - sumOf(blind)));

function countSeverities(incidents: readonly Incident[]): Record<Severity, number> {
  const count = (severity: Severity) => incidents.filter(one => one.severity === severity).length;
  return Object.fromEntries(SEVERITIES.map(severity => [severity, count(severity)])) as Record<
    Severity,
    number
  >;
}

const lengthOf = ({ from, to }: Interval): number => to - from;
const sumOf = (parts: readonly Interval[]): number => parts.reduce((sum, part) => sum + lengthOf(part), 0);
