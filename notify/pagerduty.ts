import { z } from 'zod';
import { isoTime } from '../core/clock.ts';
import type { Notification } from '../core/incident/incident.ts';
import type { Notifier } from './contract.ts';
import { httpOptions, urlOption } from './shared/http.ts';
import { limitOptions } from './shared/limits.ts';
import { line, messageOf } from './shared/message.ts';
import { postingReceiver } from './shared/preset.ts';

/**
 * PagerDuty, Events API v2 (developer.pagerduty.com/docs/send-alert-event): an incident triggers an alert under its id,
 * which its end resolves; who acknowledges it here has acknowledged it there.
 */

const options = z.strictObject({
  url: urlOption()
    .default('https://events.pagerduty.com/v2/enqueue')
    .describe('The API; in the EU https://events.eu.pagerduty.com/v2/enqueue.'),
  integration_token: z
    .string()
    .regex(/^[0-9A-Za-z]{32}$/, 'an integration key of 32 letters and digits')
    .describe('Integration key (`routing_key`) of a service or an orchestration.'),
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** The event. Names of what it is about are as long as PagerDuty takes them. */
export function pagerDutyBody(notification: Notification, routingKey: string) {
  const { status, occasion, incident } = notification;
  const common = { routing_key: routingKey, dedup_key: incident.id };
  if (status === 'resolved') return { ...common, event_action: 'resolve' };
  if (occasion === 'acknowledged') return { ...common, event_action: 'acknowledge' };
  const { headline, summary, facts, link } = messageOf(notification);
  const [finding] = incident.findings;
  return {
    ...common,
    event_action: 'trigger',
    client: 'tidegauge',
    ...(link === null ? {} : { client_url: link }),
    payload: {
      summary: line(`${headline}: ${summary}`, 1024),
      source: line(incident.host, 255) || 'unknown host',
      severity: incident.severity,
      timestamp: isoTime(incident.start),
      ...(incident.container === '' ? {} : { component: line(incident.container, 255) }),
      ...(incident.service === '' ? {} : { group: line(incident.service, 255) }),
      ...(finding ? { class: finding.rule } : {}),
      custom_details: Object.fromEntries(facts.map(({ name, text }, i) => [`${i + 1} ${name}`, text])),
    },
  };
}

export const pagerduty: Notifier<Options> = {
  name: 'pagerduty',
  summary: 'A service of PagerDuty, by its Events API v2; what is acknowledged here is acknowledged there.',
  options,
  create: (name, o, clock) => ({
    ...postingReceiver(name, o, clock, notification => ({
      body: pagerDutyBody(notification, o.integration_token),
      secrets: [o.integration_token],
    })),
    takesGroups: false,
    takesAcknowledgements: true,
  }),
};
