import { z } from 'zod';
import { type Clock, isoTime } from '../core/clock.ts';
import type { Notification } from '../core/incident/incident.ts';
import type { DeliveryResult, Notifier, Receiver } from './contract.ts';
import { createPoster, httpOptions, shownAddress, urlOption } from './shared/http.ts';
import { limitOptions, limitsOf } from './shared/limits.ts';
import { line, messageOf, plainText } from './shared/message.ts';

/**
 * Prometheus Alertmanager, API v2 (github.com/prometheus/alertmanager, api/v2/openapi.yaml, POST /alerts). It forgets an
 * alert that is not repeated, and everything when it is restarted: what fires is posted again and again, to each instance.
 */

const options = z.strictObject({
  urls: z
    .array(urlOption())
    .min(1)
    .max(16)
    .describe(
      'All instances, each with the path that it is served under, such as http://am-1.internal:9093.',
    ),
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** How often what fires is posted again, ms. */
const REPEAT_MS = 60_000;
/** An alert that is not repeated for this long is over, ms: as in Prometheus, four repetitions may fail. */
const ENDS_AFTER_MS = 4 * REPEAT_MS;

/** An alert of the API. `now`: epoch ms. */
export function alertOf(notification: Notification, now: number) {
  const { status, incident } = notification;
  const { link, ...texts } = alertTexts(notification);
  return {
    ...texts,
    startsAt: isoTime(incident.start),
    endsAt: isoTime(status === 'resolved' ? (incident.resolvedAt ?? now) : now + ENDS_AFTER_MS),
    ...(link === null ? {} : { generatorURL: link }),
  };
}

/** Labels and annotations of an alert, also in messages of the shape that Alertmanager sends. */
export function alertTexts({ status, incident, ...notification }: Notification) {
  const { host, service, container, severity, escalation, id } = incident;
  const message = messageOf({ status, incident, ...notification });
  // Labels say which alert it is: what it was at first stays there, what it is now is an annotation.
  const first = escalation?.from ?? severity;
  const labels = { alertname: 'tidegauge', host, service, container, severity: first, incident: id };
  // A label without a value is none.
  const named = Object.entries(labels).flatMap(([name, value]) =>
    value === '' ? [] : [[name, line(value)]],
  );
  return {
    labels: Object.fromEntries(named) as Record<string, string>,
    annotations: { summary: line(incident.title), description: plainText(message), severity },
    link: message.link,
  };
}

function create(name: string, o: Options, clock: Clock): Receiver {
  const urls = o.urls.map(url => new URL(url));
  const post = createPoster(name, o, clock);
  const send = async (
    notifications: readonly Notification[],
    signal: AbortSignal,
  ): Promise<DeliveryResult> => {
    const body = JSON.stringify(notifications.map(notification => alertOf(notification, clock.now())));
    return bestOf(await Promise.all(urls.map(url => post({ url: api(url), body }, signal))));
  };
  return {
    name,
    address: urls.map(shownAddress).join(', '),
    limits: limitsOf(o),
    deliver: (notification, signal) => send([notification], signal),
    repetition: { everyMs: REPEAT_MS, send },
  };
}

function api(base: URL): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}/api/v2/alerts`;
  return url;
}

/** One instance that has it tells people; the others hear of it from that one, or with the next repetition. */
const bestOf = (results: readonly DeliveryResult[]): DeliveryResult =>
  results.find(({ kind }) => kind === 'accepted') ??
  results.find(({ kind }) => kind === 'retry') ??
  results[0] ?? { kind: 'refused', reason: 'no instance is configured' };

export const alertmanager: Notifier<Options> = {
  name: 'alertmanager',
  summary:
    'Prometheus Alertmanager: an alert for each incident, repeated to every instance while it fires. Accepted when one instance has it.',
  options,
  create,
};
