import {
  flappingKey,
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
 * Each receiver hears of an incident when it begins to fire, when it becomes critical or is found to go up and down, and
 * when it is over; and of one that became more severe, or that another rule has noticed, who is told of such incidents only.
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
function toldOf({ kind, incident, before }: Change, settings: Settings): Notification[] | string {
  const { router } = settings;
  if (kind === 'grown') {
    const told = before ? newsOf(incident, before, settings) : [];
    return told.length > 0 ? told : 'told when it opened';
  }
  const status = kind === 'resolved' ? 'resolved' : 'firing';
  const receivers = status === 'firing' ? router.receiversOf(incident) : router.everReceiversOf(incident);
  return receivers.length > 0 ? notificationsOf(incident, status, receivers) : 'no receiver is told of it';
}

/** Who is told of what it is now and was not of what it was before, and who of the others hears what has changed. */
function newsOf(incident: Incident, before: Incident, { router, alert }: Settings): Notification[] {
  const occasion = occasionOf(incident, before, alert);
  const isSame = before.severity === incident.severity && before.findings.length === incident.findings.length;
  if (occasion === null && isSame) return [];
  const known = new Set(router.receiversOf(before));
  const now = router.receiversOf(incident);
  const added = notificationsOf(
    incident,
    'firing',
    now.filter(receiver => !known.has(receiver)),
  );
  if (occasion === null) return added;
  const keyOf = occasion === 'worse' ? worseKey : flappingKey;
  const others = now
    .filter(receiver => known.has(receiver))
    .map((receiver): Notification => {
      return { key: keyOf(incident.id, receiver), receiver, status: 'firing', occasion, incident };
    });
  return [...added, ...others];
}

/** What those who know of an incident hear before it is over: what comes and goes is not to be heard each time. */
function occasionOf(
  incident: Incident,
  before: Incident,
  { critical_score }: Settings['alert'],
): 'worse' | 'flapping' | null {
  // One that was reopened has been told twice already.
  if (roundOf(incident) > 1) return null;
  const isCritical = incident.severity === 'critical';
  const isRaised = before.severity !== incident.severity;
  // That it lasts was told of one that goes up and down: it has to be further beyond its limit. The same key is told once.
  const isFurther = before.score < critical_score && incident.score >= critical_score;
  if (isCritical && (before.flapping ? isFurther : isRaised)) return 'worse';
  const isFlapping = incident.flapping !== undefined && !before.flapping;
  return isFlapping && !(isCritical && incident.escalation) ? 'flapping' : null;
}
