import type { Delivery } from '../../state/contract.ts';
import { type Halted, judging, type PolicyFacts } from './contract.ts';

/** What is no longer true when its turn comes is not told: nobody should act on it. */
export const outdated = judging('outdated', (delivery, facts) => {
  const { status, occasion } = delivery.notification;
  if (status === 'resolved') return judgeEnd(delivery, facts);
  return occasion === 'worse' || occasion === 'repeat' ? judgeNews(delivery, facts) : null;
});

type Judgement = Omit<Halted, 'delivery'> | null;

/** Who did not hear of the beginning does not hear of the end. */
function judgeEnd({ notification: { key, incident } }: Delivery, facts: PolicyFacts): Judgement {
  const beginning = facts.beginnings.get(key);
  if (!beginning) return { status: 'outdated', reason: 'the receiver was not told that it fires' };
  if (beginning.status === 'silenced')
    return { status: 'silenced', reason: beginning.lastError ?? 'its beginning was silenced' };
  const now = facts.incidents.get(incident.id);
  const isAgain = now !== undefined && now.resolvedAt === null && now.end > incident.end;
  return isAgain ? { status: 'outdated', reason: 'it fires again' } : null;
}

function judgeNews({ notification: { incident } }: Delivery, facts: PolicyFacts): Judgement {
  const now = facts.incidents.get(incident.id);
  return now?.resolvedAt === null ? null : { status: 'outdated', reason: 'the incident is over' };
}
