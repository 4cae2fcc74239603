import { roundOf } from '../../core/incident/incident.ts';
import type { Delivery } from '../../state/contract.ts';
import { type Halted, judging, type PolicyFacts } from './contract.ts';

/** What is no longer true when its turn comes is not told: nobody should act on it. */
export const outdated = judging('outdated', judge);

type Judgement = Omit<Halted, 'delivery'> | null;

function judge(delivery: Delivery, facts: PolicyFacts): Judgement {
  const { status, occasion } = delivery.notification;
  if (status === 'resolved') return judgeEnd(delivery, facts);
  return occasion === undefined || occasion === 'reopened' ? null : judgeNews(delivery, facts);
}

/** Who did not hear of the beginning does not hear of the end. */
function judgeEnd({ notification: { key, incident } }: Delivery, facts: PolicyFacts): Judgement {
  const beginning = facts.beginnings.get(key);
  if (!beginning) return { status: 'outdated', reason: 'the receiver was not told that it fires' };
  if (beginning.status === 'silenced')
    return { status: 'silenced', reason: beginning.lastError ?? 'its beginning was silenced' };
  const now = facts.incidents.get(incident.id);
  // Also when that is over by now: its end is told for both.
  const isAgain = now !== undefined && roundOf(now) > roundOf(incident);
  const isOpen = now !== undefined && now.resolvedAt === null && now.end > incident.end;
  return isAgain || isOpen ? { status: 'outdated', reason: 'it fires again' } : null;
}

function judgeNews({ notification: { incident } }: Delivery, facts: PolicyFacts): Judgement {
  const now = facts.incidents.get(incident.id);
  return now?.resolvedAt === null ? null : { status: 'outdated', reason: 'the incident is over' };
}
