import { createHash } from 'node:crypto';
import { isoTime } from '../core/clock.ts';
import type { Notification } from '../core/incident/incident.ts';
import { alertTexts } from './alertmanager.ts';

/** What Alertmanager writes for an alert that has not ended: Go's zero time. */
const NOT_ENDED = '0001-01-01T00:00:00Z';

/**
 * The message that Alertmanager posts to webhooks, version 4 (prometheus.io/docs/alerting/latest/configuration,
 * "webhook_config"), for those who have a receiver of it: a group of one alert.
 */
export function alertmanagerBody(notification: Notification) {
  const { status, receiver, incident } = notification;
  const { labels, annotations } = alertTexts(notification);
  const alert = {
    status,
    labels,
    annotations,
    startsAt: isoTime(incident.start),
    endsAt: status === 'resolved' ? isoTime(incident.resolvedAt ?? incident.end) : NOT_ENDED,
    generatorURL: '',
    fingerprint: fingerprintOf(labels),
  };
  const groupLabels = { alertname: labels.alertname ?? '', incident: incident.id };
  return {
    version: '4',
    groupKey: `{}:{incident="${incident.id}"}`,
    truncatedAlerts: 0,
    status,
    receiver,
    groupLabels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    alerts: [alert],
  };
}

/** The same for the same labels, as receivers expect it: 16 hex digits. */
function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, 16);
}
