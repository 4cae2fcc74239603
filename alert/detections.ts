import type { Detection } from '../core/incident/incident.ts';
import { membersOf } from '../core/incident/members.ts';
import type { Evidence, Judged, Verdict } from '../core/incident/verdict.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Batch, Open } from './contract.ts';
import { keyOf, type Who, whoOf } from './subject.ts';

/**
 * What alert rules read: a row for each container (or service, or the host, with the other tags empty) that a rule
 * judged in this frame, in the order of the verdicts; then one for each for whom its incident is over and whom none judged.
 */
export function detectionsOf(
  frame: Frame,
  verdicts: readonly Verdict[],
  { open, calmed }: Pick<Batch, 'open' | 'calmed'>,
): Detection[] {
  const judged = verdicts.filter(verdict => verdict.kind === 'judged');
  const firing = new Set(open.flatMap(firingIn));
  const rows = Map.groupBy(judged, ({ scope }) => keyOf(whoOf(scope)));
  return [
    ...[...rows].flatMap(([key, said]) => rowOf(frame, said, firing.has(key))),
    ...calmed.filter(who => !rows.has(keyOf(who))).map(who => lastRowOf(frame, who)),
  ];
}

/** Whom an incident is about, but for those for whom it is over. */
const firingIn = ({ incident, quiet }: Open): string[] =>
  membersOf(incident).flatMap((member, i) => (quiet[i]?.over === undefined ? [keyOf(member)] : []));

/** Nobody judges them any more: without a last row, whoever reads the newest one would see the incident open for ever. */
function lastRowOf({ host, start }: Frame, { service, container }: Who): Detection {
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
