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
  const firing = new Set(open.flatMap(firingIn));
  const judged = judgedByWhom(verdicts);
  const rows = Array.from(judged, ([key, said]) => rowOf(frame, said, firing.has(key)));
  for (const who of calmed) if (!judged.has(keyOf(who))) rows.push(lastRowOf(frame, who));
  return rows;
}

/** What is said of one container, service or host: one verdict or more. */
type JudgedOfOne = [Judged, ...Judged[]];

/** Verdicts by whom they are about. */
function judgedByWhom(verdicts: readonly Verdict[]): Map<string, JudgedOfOne> {
  const byWhom = new Map<string, JudgedOfOne>();
  let newest: JudgedOfOne | null = null;
  for (const verdict of verdicts) {
    if (verdict.kind !== 'judged') continue;
    // What is said of one container stands together and shares its scope: one key for all of it.
    if (newest?.[0].scope === verdict.scope) {
      newest.push(verdict);
      continue;
    }
    const key = keyOf(whoOf(verdict.scope));
    const before = byWhom.get(key);
    newest = before ?? [verdict];
    if (before) before.push(verdict);
    else byWhom.set(key, newest);
  }
  return byWhom;
}

/** Whom an incident is about, but for those for whom it is over. */
const firingIn = ({ incident, quiet }: Open): string[] =>
  membersOf(incident).flatMap((member, i) => (quiet[i]?.over === undefined ? [keyOf(member)] : []));

/** Nobody judges them any more: without a last row, whoever reads the newest one would see the incident open for ever. */
function lastRowOf({ host, start }: Frame, { service, container }: Who): Detection {
  return { host, service, container, start, score: 0, scores: {}, seen: 0, expected: null, open: false };
}

function rowOf({ host, start }: Frame, said: JudgedOfOne, open: boolean): Detection {
  const [first] = said;
  const { service, container } = whoOf(first.scope);
  let highest = first;
  const scores: Record<string, number> = {};
  for (const verdict of said) {
    const { rule, score } = verdict;
    if (score > highest.score) highest = verdict;
    // A rule may be called `constructor`.
    scores[rule] = Object.hasOwn(scores, rule) ? Math.max(score, scores[rule] ?? 0) : score;
  }
  const { score, evidence } = highest;
  const expected = nearerBound(evidence);
  return { host, container, service, start, score, scores, seen: evidence.seen, expected, open };
}

/** The bound of what was expected that the value is nearer to, or has crossed; null when both sides are open. */
export function nearerBound({ seen, low, high }: Evidence): number | null {
  if (low === null || high === null) return low ?? high;
  return Math.abs(seen - low) < Math.abs(seen - high) ? low : high;
}
