import type { Detection, Incident } from '../core/incident/incident.ts';
import type { Evidence, Judged, Verdict } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Change, Open } from './contract.ts';
import { keyOf, whoOf } from './subject.ts';

/**
 * What alert rules read: a row for each container (or service, or the host, with the other tags empty) that a rule
 * judged in this frame, in the order of the verdicts; then one for each whose incident is over and whom none judged.
 */
export function detectionsOf(
  frame: Frame,
  verdicts: readonly Verdict[],
  { open, changes }: { open: readonly Open[]; changes: readonly Change[] },
): Detection[] {
  const judged = verdicts.filter(verdict => verdict.kind === 'judged');
  const firing = new Set(open.map(({ incident }) => keyOf(incident)));
  const rows = Map.groupBy(judged, ({ scope }) => keyOf(whoOf(scope)));
  const over = changes.filter(({ incident }) => incident.resolvedAt !== null && !rows.has(keyOf(incident)));
  return [
    ...[...rows].flatMap(([key, said]) => rowOf(frame, said, firing.has(key))),
    ...over.map(({ incident }) => lastRowOf(frame, incident)),
  ];
}

/** Nobody judges them any more: without a last row, whoever reads the newest one would see the incident open for ever. */
function lastRowOf({ host, start }: Frame, { service, container }: Incident): Detection {
  return { host, service, container, start, score: 0, scores: {}, seen: 0, expected: null, open: false };
}

function rowOf(frame: Frame, said: readonly Judged[], open: boolean): Detection[] {
  const [first] = said;
  if (!first) return [];
  const highest = said.reduce((best, verdict) => (verdict.score > best.score ? verdict : best), first);
  const scores = new Map<string, number>();
  for (const { rule, score } of said) scores.set(rule, Math.max(score, scores.get(rule) ?? 0));
  return [
    {
      host: frame.host,
      ...whoOf(first.scope),
      start: frame.start,
      score: highest.score,
      scores: Object.fromEntries(scores),
      seen: highest.evidence.seen,
      expected: nearerBound(highest.evidence),
      open,
    },
  ];
}

/** The bound of what was expected that the value is nearer to, or has crossed; null when both sides are open. */
export function nearerBound({ seen, low, high }: Evidence): number | null {
  if (low === null || high === null) return low ?? high;
  return Math.abs(seen - low) < Math.abs(seen - high) ? low : high;
}
