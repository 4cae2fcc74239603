import { createHash } from 'node:crypto';
import { isoTime } from '../core/clock.ts';
import { alertTexts } from './alertmanager.ts';
import type { Told } from './contract.ts';
import { worstFirst } from './shared/group.ts';

/** What Alertmanager writes for an alert that has not ended: Go's zero time. */
const NOT_ENDED = '0001-01-01T00:00:00Z';

/** What Alertmanager writes of an alert, under a name. */
type Pairs = Readonly<Record<string, string>>;

/**
 * The message that Alertmanager posts to webhooks, version 4 (prometheus.io/docs/alerting/latest/configuration,
 * "webhook_config"), for those who have a receiver of it: an alert for each incident, the most severe first.
 */
export function alertmanagerBody(told: Told) {
  const { status, receiver } = told;
  const alerts = worstFirst(told).map(each => alertOf({ ...each, ...(told.page && { page: told.page }) }));
  const commonLabels = inCommon(alerts.map(({ labels }) => labels));
  const groupLabels = { alertname: commonLabels.alertname ?? '', ...whichOf(told) };
  return {
    version: '4',
    groupKey: keyOf(whichOf(told)),
    truncatedAlerts: 0,
    status,
    receiver,
    groupLabels,
    commonLabels,
    commonAnnotations: inCommon(alerts.map(({ annotations }) => annotations)),
    externalURL: told.page ?? '',
    alerts,
  };
}

function alertOf(notification: Told) {
  const { status, incident } = notification;
  const { labels, annotations, link } = alertTexts(notification);
  return {
    status,
    labels,
    annotations,
    startsAt: isoTime(incident.start),
    endsAt: status === 'resolved' ? isoTime(incident.resolvedAt ?? incident.end) : NOT_ENDED,
    generatorURL: link ?? '',
    fingerprint: hash(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/**
 * Which incidents are told. Who keeps one thing for each group closes it when the same ones are over, never because some
 * of them are: beginnings and ends come in groups of their own.
 */
function whichOf({ incident, others = [] }: Told): Pairs {
  if (others.length === 0) return { incident: incident.id };
  return { incidents: hash([incident.id, ...others.map(one => one.incident.id)].sort()) };
}

const keyOf = (which: Pairs): string =>
  `{}:{${Object.entries(which).map(([name, value]) => `${name}="${value}"`)}}`;

/** What all of them say in the same words. */
function inCommon([first = {}, ...others]: readonly Pairs[]): Pairs {
  const same = Object.entries(first).filter(([name, value]) => others.every(one => one[name] === value));
  return Object.fromEntries(same);
}

/** 16 hex digits, as receivers expect of a fingerprint: the same for the same labels. */
const hash = (what: unknown): string =>
  createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
