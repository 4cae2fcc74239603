import type { Halted } from '../../alert/policy/contract.ts';
import type { Message } from '../../alert/policy/message.ts';
import type { Delivery, DeliveryChange, DeliveryOutcome } from '../../state/contract.ts';

/**
 * What is written before the first attempt at a message: which deliveries it tells, in its lead, and in each other one
 * that it goes out there. Null: that was decided, or there is nothing to decide. A receiver that took groups before and
 * does not any more (`grouping` is off) gets each by itself.
 */
export function assignmentOf(
  message: Message,
  grouping: boolean,
): { readonly message: Message; readonly changes: readonly DeliveryChange[] } | null {
  const { lead, others } = message;
  if (!grouping) return others.length === 0 ? null : dissolved(message);
  if (lead.members !== undefined || lead.attempts > 0) return null;
  const members = others.map(({ notification }) => notification.key);
  const decided = { ...lead, members };
  return {
    message: { ...message, lead: decided },
    changes: [changeOf(decided), ...others.map(other => changeOf(other, within(lead, 'grouped')))],
  };
}

/** What an attempt at a message means for all that it tells, or left out; those in a message wait with it. */
export function outcomesOf({ lead, others, leftOut = [] }: Message, next: DeliveryOutcome): DeliveryChange[] {
  const { members } = lead;
  const own = { ...next, ...(members === undefined ? {} : { members }) };
  if (next.status === 'pending') return [changeOf(lead, own)];
  const { status, attempts, nextAttempt, lastError } = next;
  const shared = { ...within(lead, status), attempts, nextAttempt, lastError };
  const untold = new Map(leftOut.map(one => [one.delivery.notification.key, one]));
  return [
    changeOf(lead, withoutIt(own, untold.get(lead.notification.key))),
    ...others.map(other => changeOf(other, withoutIt(shared, untold.get(other.notification.key)))),
  ];
}

/** Of one that a message went out without. What is held is told by itself when nothing holds it any more. */
function withoutIt(told: DeliveryOutcome, out: Halted | undefined): DeliveryOutcome {
  if (out === undefined) return told;
  const { status, reason: lastError } = out;
  if (status !== 'held') return { ...told, status, lastError };
  return { status, attempts: 0, nextAttempt: told.nextAttempt, lastError };
}

/** As one that was just queued. */
const FRESH: DeliveryOutcome = { status: 'pending', attempts: 0, nextAttempt: 0, lastError: null };

function dissolved(message: Message): { message: Message; changes: readonly DeliveryChange[] } {
  const { members: _, ...lead } = message.lead;
  const [out] = (message.leftOut ?? []).filter(({ delivery }) => delivery === message.lead);
  return {
    message: { ...message, lead, others: [] },
    changes: [changeOf(lead, withoutIt(lead, out)), ...message.others.map(other => changeOf(other, FRESH))],
  };
}

const within = ({ notification, attempts, nextAttempt }: Delivery, status: DeliveryOutcome['status']) => ({
  ...{ status, attempts, nextAttempt, lastError: null, within: notification.key },
});

const changeOf = ({ notification, ...own }: Delivery, outcome: DeliveryOutcome = own): DeliveryChange => ({
  key: notification.key,
  outcome,
});
