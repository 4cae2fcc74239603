import { type Incident, type Notification, notificationKey } from '../core/incident/incident.ts';
import type { Change, Stage } from './contract.ts';

/** What each receiver is told of an incident. */
export function notificationsOf(
  incident: Incident,
  status: Notification['status'],
  receivers: readonly string[],
): Notification[] {
  return receivers.map(receiver => ({
    key: notificationKey(incident.id, receiver, status),
    receiver,
    status,
    incident,
  }));
}

/** Each receiver hears of an incident twice: when it opens and when it is over. */
export const address: Stage = {
  name: 'address',
  run(batch, { receivers }) {
    const stopped: { what: string; reason: string }[] = [];
    const notifications: Notification[] = [];
    for (const { kind, incident } of batch.changes) {
      const status = STATUS_OF[kind];
      if (status !== null && receivers.length > 0) {
        notifications.push(...notificationsOf(incident, status, receivers));
        continue;
      }
      const reason = status === null ? 'told when it opened' : 'no receiver is configured';
      stopped.push({ what: `incident ${incident.id}`, reason });
    }
    return { batch: { ...batch, notifications }, stopped };
  },
};

const STATUS_OF: Readonly<Record<Change['kind'], Notification['status'] | null>> = {
  opened: 'firing',
  grown: null,
  resolved: 'resolved',
};
