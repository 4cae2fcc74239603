import { CAPS } from '../../core/caps.ts';
import type { Delivery } from '../../state/contract.ts';
import type { Stopped } from './contract.ts';
import { groupKey } from './group.ts';
import type { Router } from './router.ts';

/** Deliveries that go out as one message, under the key of the first. */
export interface Message {
  readonly lead: Delivery;
  readonly others: readonly Delivery[];
  /** By groupKey; null: decided before, by whoever tried it. */
  readonly group: string | null;
  /** Of these what a stage has stopped since, with the reasons: it goes out without. Absent: all of it is told. */
  readonly leftOut?: readonly Stopped[];
}

/** Of its deliveries those that it tells. */
export function toldOf({ lead, others, leftOut = [] }: Message): Delivery[] {
  const out = new Set(leftOut.map(({ delivery }) => delivery.notification.key));
  return [lead, ...others].filter(({ notification }) => !out.has(notification.key));
}

/**
 * The messages that what is due makes. What was tried, or decided, stays as it is: the same key never tells something
 * else (the others of such a message are named in its lead, and left to the caller). Of the rest those of a group become
 * one, of bounded size.
 */
export function messagesOf(due: readonly Delivery[], router: Router): Message[] {
  const open = Map.groupBy(
    due.filter(delivery => !isDecided(delivery)),
    ({ notification }) => groupKey(notification, router),
  );
  return [
    ...due.filter(isDecided).map(lead => ({ lead, others: [], group: null })),
    ...[...open].flatMap(([group, deliveries]) => chunked(deliveries, group)),
  ];
}

const isDecided = ({ attempts, members }: Delivery): boolean => attempts > 0 || members !== undefined;

function chunked(deliveries: readonly Delivery[], group: string): Message[] {
  const messages: Message[] = [];
  for (let i = 0; i < deliveries.length; i += CAPS.groupedDeliveries.limit) {
    const [lead, ...others] = deliveries.slice(i, i + CAPS.groupedDeliveries.limit);
    if (lead) messages.push({ lead, others, group });
  }
  return messages;
}
