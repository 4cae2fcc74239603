import { ackText, isAcknowledged } from '../../core/incident/ack.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { silenceText } from '../../core/incident/silence.ts';
import { UTC } from '../../core/time-zone.ts';
import type { Delivery } from '../../state/contract.ts';
import { type Halted, judging, type PolicyFacts } from './contract.ts';

/** What keeps a firing message from being sent for a while, in words; null: nothing does. */
type Hold = (incident: Incident, facts: HoldFacts) => string | null;
export type HoldFacts = Pick<PolicyFacts, 'now' | 'coverage' | 'inhibitor'>;

const inhibited: Hold = (incident, { inhibitor }) => inhibitor.holds(incident);

function silenced(incident: Incident, { coverage, now }: HoldFacts): string | null {
  const silence = coverage(incident, now);
  return silence && silenceText(silence);
}

/** The first reason to hold what is told of the incident, or null. */
export const holdOf: Hold = (incident, facts) => inhibited(incident, facts) ?? silenced(incident, facts);

/**
 * It is held as long as there is a reason, by what the incident is now; a repetition is dropped, as the next one comes
 * anyway. That somebody has taken it on disturbs nobody.
 */
const stageOf = (name: string, hold: Hold) =>
  judging(name, ({ notification }: Delivery, facts): Omit<Halted, 'delivery'> | null => {
    if (notification.status !== 'firing' || notification.occasion === 'acknowledged') return null;
    const { incident } = notification;
    const reason = hold(facts.incidents.get(incident.id) ?? incident, facts);
    if (reason === null) return null;
    return { status: notification.occasion === 'repeat' ? 'silenced' : 'held', reason };
  });

export const inhibit = stageOf('inhibit', inhibited);
export const silence = stageOf('silence', silenced);

/** Who has taken an incident on needs no repetition, unless it became worse. */
export const acknowledge = judging('acknowledge', ({ notification: { incident, occasion } }, facts) => {
  const ack = facts.acks.get(incident.id);
  if (occasion !== 'repeat' || !ack) return null;
  const isKnown = isAcknowledged(facts.incidents.get(incident.id) ?? incident, ack);
  return isKnown ? { status: 'silenced', reason: ackText(ack, UTC) } : null;
});
