import type { Ack } from '../../core/incident/ack.ts';
import {
  type Incident,
  incidentId,
  type Notification,
  notificationKey,
} from '../../core/incident/incident.ts';

/** A firing incident of a container, with one finding; `parts` override. */
export function incidentOf(start: number, parts: Partial<Incident> = {}): Incident {
  const host = parts.host ?? 'web-1';
  const container = parts.container ?? 'shop';
  return {
    id: incidentId(host, container, start),
    host,
    container,
    service: 'shop/web',
    severity: 'warning',
    start,
    end: start + 5000,
    resolvedAt: null,
    score: 1.5,
    title: 'shop: bytes sent 12 MiB/s, expected up to 1.4 MiB/s',
    findings: [
      {
        rule: 'burst',
        scope: { service: null, container, direction: 'send', metric: 'bytes' },
        first: start,
        last: start,
        peak: 1.5,
        evidence: {
          seen: 12e6,
          low: null,
          high: 1.4e6,
          unit: 'B/s',
          text: '12 MiB/s, expected up to 1.4 MiB/s',
        },
      },
    ],
    ...parts,
  };
}

/** The incident, over `afterMs` after its start. */
export const resolved = (incident: Incident, afterMs = 60_000): Incident => ({
  ...incident,
  resolvedAt: incident.start + afterMs,
});

/** The message about an incident for a receiver, firing or resolved as the incident is. */
export function notificationOf(incident: Incident, receiver: string): Notification {
  const status = incident.resolvedAt === null ? 'firing' : 'resolved';
  return { key: notificationKey(incident.id, receiver, status), receiver, status, incident };
}

/** Anna has taken the incident on; `parts` override. */
export function ackOf(
  { id, host, service, container, severity, end }: Incident,
  parts: Partial<Ack> = {},
): Ack {
  return { incident: id, host, service, container, severity, by: 'anna', note: '', at: end, ...parts };
}
