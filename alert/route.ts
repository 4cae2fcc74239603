import {
  type Incident,
  type Notification,
  notificationKey,
  roundOf,
  worseKey,
} from '../core/incident/incident.ts';
import type { Change, Settings, Stage } from './contract.ts';

/** What each receiver is told when an incident begins to fire, or is over. */
export function notificationsOf(
  incident: Incident,
  status: Notification['status'],
  receivers: readonly string[],
): Notification[] {
  const round = roundOf(incident);
  const again = status === 'firing' && round > 1 ? { occasion: 'reopened' as const } : {};
  return receivers.map(receiver => ({
    key: notificationKey(incident.id, receiver, status, round),
    ...{ receiver, status, ...again, incident },
  }));
}

/**
 * Each receiver hears of an incident when it begins to fire, when it becomes critical, and when it is over; and of one that
 * became more severe, or that another rule has noticed, who is told of such incidents only.
 */
export const address: Stage = {
  name: 'address',
  run(batch, settings) {
    const stopped: { what: string; reason: string }[] = [];
    const notifications: Notification[] = [];
    for (const change of batch.changes) {
      const told = toldOf(change, settings);
      if (typeof told === 'string') stopped.push({ what: `incident ${change.incident.id}`, reason: told });
      else notifications.push(...told);
    }
    return { batch: { ...batch, notifications }, stopped };
  },
};

/** What is told of a change, or why nothing is. */
function toldOf({ kind, incident, before }: Change, { router }: Settings): Notification[] | string {
  if (kind === 'grown') {
    const told = before ? newsOf(incident, before, router) : [];
    return told.length > 0 ? told : 'told when it opened';
  }
  const status = kind === 'resolved' ? 'resolved' : 'firing';
  const receivers = status === 'firing' ? router.receiversOf(incident) : router.everReceiversOf(incident);
  return receivers.length > 0 ? notificationsOf(incident, status, receivers) : 'no receiver is told of it';
}

/** Who is told of what it is now and was not of what it was before, and whom it has become critical for. */
function newsOf(incident: Incident, before: Incident, router: Settings['router']): Notification[] {
  const isRaised = before.severity !== incident.severity;
  if (!isRaised && before.findings.length === incident.findings.length) return [];
  const known = new Set(router.receiversOf(before));
  const now = router.receiversOf(incident);
  const added = notificationsOf(
    incident,
    'firing',
    now.filter(receiver => !known.has(receiver)),
  );
  // One that was reopened has been told twice already.
  const isWorse = isRaised && incident.severity === 'critical' && roundOf(incident) === 1;
  const worse = now
    .filter(receiver => isWorse && known.has(receiver))
    .map((receiver): Notification => {
      const key = worseKey(incident.id, receiver);
      return { key, receiver, status: 'firing', occasion: 'worse', incident };
    });
  return [...added, ...worse];
}
