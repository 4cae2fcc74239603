import { isoTime } from '../../core/clock.ts';
import type { Notification } from '../../core/incident/incident.ts';
import type { Delivery } from '../../state/contract.ts';
import type { Halted, PolicyFacts, PolicyStage } from './contract.ts';
import { type Router, valuesOf } from './router.ts';

/**
 * Messages of one receiver with the same key are told together: by what they tell (that it fires, or that it is over),
 * their route, and the values that the route groups by.
 */
export function groupKey({ status, incident, receiver }: Notification, router: Router): string {
  const { route, group_by } = router.termsOf(incident, receiver);
  // A test message found nothing: it is never told together with what did happen.
  const test = incident.findings.length === 0 ? [incident.id] : [];
  return JSON.stringify([status, route, ...Object.values(valuesOf(incident, group_by)), ...test]);
}

/** Waits for nothing but its turn: no stage has seen it, and no attempt was made. */
const isFresh = ({ attempts, nextAttempt, members }: Delivery): boolean =>
  attempts === 0 && nextAttempt === 0 && members === undefined;

/** New ones wait for others of their group; all of a group come back at the same moment. */
export const group: PolicyStage = {
  name: 'group',
  run(due, facts) {
    const gathering = new Map(facts.gathering);
    const on: Delivery[] = [];
    const halted: Halted[] = [];
    for (const delivery of due) {
      const until = isFresh(delivery) ? untilOf(delivery, gathering, facts) : facts.now;
      if (until > facts.now)
        halted.push({
          delivery,
          status: 'pending',
          reason: `its group waits until ${isoTime(until)}`,
          until,
        });
      else on.push(delivery);
    }
    return { due: on, halted };
  },
};

function untilOf(
  { notification }: Delivery,
  gathering: Map<string, number>,
  { now, router, told }: PolicyFacts,
): number {
  const key = groupKey(notification, router);
  const known = gathering.get(key);
  // What waited before may have been stopped meanwhile.
  if (known !== undefined && known > now) return known;
  const { group_wait, group_interval } = router.termsOf(notification.incident, notification.receiver);
  const last = told.get(key) ?? Number.NEGATIVE_INFINITY;
  const until = Math.max(now + group_wait, last + group_interval);
  gathering.set(key, until);
  return until;
}
