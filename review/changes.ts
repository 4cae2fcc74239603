import { compareText } from '../core/compare.ts';
import type { Incident } from '../core/incident/incident.ts';

/** What other settings make of an incident, what matters most first. */
export const CHANGE_KINDS = ['gone', 'new', 'later', 'earlier', 'changed', 'same'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One incident as two settings see it. */
export interface Change {
  /**
   * `gone`: only the first settings raise it; `new`: only the others; `earlier` and `later`: both do, and the others begin
   * it then; `changed`: it begins at the same time and is not the same otherwise.
   */
  readonly kind: ChangeKind;
  readonly before: Incident | null;
  readonly after: Incident | null;
  /** What differs besides the start, in words: `critical instead of warning`. */
  readonly differences: readonly string[];
}

/**
 * How incidents differ that two settings raise in the same history. Two are the same one when they are about the same
 * container (or service, or host) and begin at the same time, else when each begins before the other is over; each has
 * one partner at most, the earliest. Sorted by start.
 */
export function changesBetween(before: readonly Incident[], after: readonly Incident[]): Change[] {
  const others = Map.groupBy(after, subjectKey);
  const own = Map.groupBy(before, subjectKey);
  const changes = [...new Set([...own.keys(), ...others.keys()])].flatMap(key =>
    pair(own.get(key) ?? [], others.get(key) ?? []),
  );
  return changes.sort((a, b) => startOf(a) - startOf(b) || compareText(nameOf(a), nameOf(b)));
}

/** How many changes there are of each kind. */
export function countChanges(changes: readonly Change[]): Record<ChangeKind, number> {
  const counts = { gone: 0, new: 0, later: 0, earlier: 0, changed: 0, same: 0 };
  for (const { kind } of changes) counts[kind]++;
  return counts;
}

/** Changes of one subject. */
function pair(before: readonly Incident[], after: readonly Incident[]): Change[] {
  const left = [...after].sort(byStart);
  const take = (fits: (other: Incident) => boolean): Incident | null => {
    const i = left.findIndex(fits);
    return i < 0 ? null : (left.splice(i, 1)[0] ?? null);
  };
  const sorted = [...before].sort(byStart);
  const partners = sorted.map(one => take(other => other.start === one.start));
  const changes = sorted.map((one, i) => {
    const partner = partners[i] ?? take(other => other.start < overAt(one) && one.start < overAt(other));
    return partner === null ? alone('gone', one, null) : both(one, partner);
  });
  return [...changes, ...left.map(one => alone('new', null, one))];
}

const alone = (kind: ChangeKind, before: Incident | null, after: Incident | null): Change => ({
  kind,
  before,
  after,
  differences: [],
});

function both(before: Incident, after: Incident): Change {
  const differences = differencesOf(before, after);
  const moved = after.start - before.start;
  const kind = moved < 0 ? 'earlier' : moved > 0 ? 'later' : differences.length > 0 ? 'changed' : 'same';
  return { kind, before, after, differences };
}

function differencesOf(before: Incident, after: Incident): string[] {
  const differences: string[] = [];
  if (before.severity !== after.severity) differences.push(`${after.severity} instead of ${before.severity}`);
  if (before.end !== after.end) differences.push(after.end < before.end ? 'ends earlier' : 'ends later');
  const [rules, others] = [rulesOf(before), rulesOf(after)];
  const silent = [...rules].filter(rule => !others.has(rule));
  const more = [...others].filter(rule => !rules.has(rule));
  if (silent.length > 0) differences.push(`not seen by ${silent.join(', ')}`);
  if (more.length > 0) differences.push(`also seen by ${more.join(', ')}`);
  return differences;
}

const rulesOf = ({ findings }: Incident): ReadonlySet<string> => new Set(findings.map(({ rule }) => rule));
const overAt = ({ resolvedAt }: Incident): number => resolvedAt ?? Number.POSITIVE_INFINITY;
const byStart = (a: Incident, b: Incident): number => a.start - b.start;
const subjectKey = ({ host, service, container }: Incident): string =>
  JSON.stringify(container === '' ? [host, 'service', service] : [host, 'container', container]);
const eitherOf = ({ before, after }: Change): Incident | null => before ?? after;
const startOf = (change: Change): number => eitherOf(change)?.start ?? 0;
const nameOf = (change: Change): string => eitherOf(change)?.container ?? '';
