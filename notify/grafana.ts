import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { withDeadline } from '../core/deadline.ts';
import { printable } from '../core/errors.ts';
import { type Notification, stateOfIncident } from '../core/incident/incident.ts';
import type { DeliveryResult, Notifier, Receiver } from './contract.ts';
import { type ApiRequest, createApiClient, httpOptions, shownAddress, urlOption } from './shared/http.ts';
import { limitOptions, limitsOf } from './shared/limits.ts';
import { messageOf, plainText, withinBytes } from './shared/message.ts';

/**
 * Grafana, annotations API (grafana.com/docs/grafana/latest/developers/http_api/annotations): each incident is one region,
 * found again by the tag of its id, so that nothing has to be remembered here and no incident is drawn twice. A region
 * that somebody deleted does not come back while its incident only grows.
 */

const options = z.strictObject({
  url: urlOption().describe(
    'Grafana, with the path that it is served under, such as http://grafana.internal:3000.',
  ),
  token: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, 'the token of a service account')
    .describe('Token of a service account that may read and write annotations.'),
  dashboard: z
    .string()
    .regex(/^[\w-]{0,40}$/, 'the uid of a dashboard, as in its address after /d/')
    .default('')
    .describe(
      'The one dashboard that shows the regions, by uid; empty: all that have an annotation query for the tag `tidegauge`.',
    ),
  panel: z.int().min(0).default(0).describe('The one panel of it, by number; 0: all.'),
  ...httpOptions,
  ...limitOptions,
});

type Options = z.output<typeof options>;

/** How often regions of what fires are made to grow, ms. */
const GROW_MS = 60_000;
/** Regions of firing incidents that are looked at; further ones reach their full length when they are over. */
const MOST_FIRING = 500;
/** Of each tag, bytes: all together stay below the 500 that Grafana takes (`annotations.tags_length`). */
const TAG_LIMIT = 80;

const annotationsSchema = z.array(
  z.object({ id: z.int().positive(), timeEnd: z.number().default(0), tags: z.array(z.string()).default([]) }),
);
type Found = z.output<typeof annotationsSchema>[number];

/** Grafana shows the text as HTML. */
const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

const incidentTag = (id: string): string => `incident:${id}`;

/** The region of an incident as it stands: what POST and PATCH both take. Times are epoch ms. */
export function annotationOf(notification: Notification) {
  const { incident } = notification;
  const message = messageOf(notification);
  const tag = (name: string, value: string) =>
    value === '' ? [] : [withinBytes(`${name}:${printable(value.toWellFormed(), 80)}`, TAG_LIMIT)];
  return {
    time: incident.start,
    timeEnd: Math.max(incident.end, incident.start + 1),
    tags: [
      ...['tidegauge', incidentTag(incident.id), `state:${stateOfIncident(incident)}`],
      ...tag('severity', incident.severity),
      ...tag('host', incident.host),
      ...tag('service', incident.service),
      ...tag('container', incident.container),
    ],
    text: [message.headline, ...plainText(message).split('\n')].map(escaped).join('<br>'),
  };
}

/** What went wrong, or what was asked for. */
type Outcome<T> = { readonly failure: DeliveryResult } | { readonly failure: null; readonly value: T };

function create(name: string, o: Options, clock: Clock): Receiver {
  const call = createApiClient(name, o, clock);
  const base = new URL(o.url);
  const headers = { authorization: `Bearer ${o.token}` };
  const place = {
    ...(o.dashboard === '' ? {} : { dashboardUID: o.dashboard }),
    ...(o.panel === 0 ? {} : { panelId: o.panel }),
  };

  const ask = (request: Omit<ApiRequest, 'headers' | 'url'>, path: string, signal: AbortSignal) =>
    call({ ...request, url: apiUrl(base, path), headers }, signal);

  async function find(
    tags: readonly string[],
    limit: number,
    signal: AbortSignal,
  ): Promise<Outcome<Found[]>> {
    const query = new URLSearchParams({ type: 'annotation', limit: String(limit) });
    for (const tag of tags) query.append('tags', tag);
    const { result, body } = await ask({ method: 'GET' }, `?${query}`, signal);
    if (result.kind !== 'accepted') return { failure: result };
    const found = annotationsSchema.safeParse(jsonOf(body));
    if (found.success) return { failure: null, value: found.data };
    return { failure: { kind: 'retry', reason: 'the answer is no list of annotations' } };
  }

  async function write(notification: Notification, signal: AbortSignal): Promise<DeliveryResult> {
    const found = await find(['tidegauge', incidentTag(notification.incident.id)], 1, signal);
    if (found.failure !== null) return found.failure;
    const region = annotationOf(notification);
    const [known] = found.value;
    const { result } = known
      ? await ask({ method: 'PATCH', body: JSON.stringify(region) }, `/${known.id}`, signal)
      : await ask({ method: 'POST', body: JSON.stringify({ ...place, ...region }) }, '', signal);
    return result;
  }

  /** Only those that have grown are written. */
  async function grow(notifications: readonly Notification[], signal: AbortSignal): Promise<DeliveryResult> {
    const found = await find(['tidegauge', 'state:firing'], MOST_FIRING, signal);
    if (found.failure !== null) return found.failure;
    const byTag = new Map(found.value.flatMap(each => each.tags.map(tag => [tag, each] as const)));
    for (const notification of notifications) {
      const region = annotationOf(notification);
      const known = byTag.get(incidentTag(notification.incident.id));
      if (known === undefined || known.timeEnd >= region.timeEnd) continue;
      const body = JSON.stringify(region);
      const { result, status } = await ask({ method: 'PATCH', body }, `/${known.id}`, signal);
      if (result.kind !== 'accepted' && status !== 404) return result;
    }
    return { kind: 'accepted' };
  }

  const within = (parent: AbortSignal, action: (signal: AbortSignal) => Promise<DeliveryResult>) =>
    withDeadline(action, { parent, ms: o.timeout, clock });
  return {
    name,
    address: shownAddress(base),
    limits: limitsOf(o),
    deliver: (notification, signal) => within(signal, limit => write(notification, limit)),
    repetition: {
      everyMs: GROW_MS,
      send: (notifications, signal) => within(signal, limit => grow(notifications, limit)),
    },
  };
}

const apiUrl = (base: URL, path: string): URL =>
  new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}/api/annotations${path}`);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const grafana: Notifier<Options> = {
  name: 'grafana',
  summary:
    'Grafana: each incident is one annotation (a region), which grows while it fires and says how it ended.',
  options,
  create,
};
