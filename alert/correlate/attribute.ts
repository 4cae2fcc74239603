import { CAPS } from '../../core/caps.ts';
import { compareText } from '../../core/compare.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { membersOf } from '../../core/incident/members.ts';
import type { Alarm, Batch, Cluster, Settings, Stage } from '../contract.ts';
import { CAPTURE_RULE, SHIPPING_RULE } from '../data-loss.ts';
import { keyOf, type Who, whoOf } from '../subject.ts';
import { type Band, bandsOf, type Newcomer } from './bands.ts';
import { firedAt } from './flapping.ts';
import { isPartOf } from './quiet.ts';
import { isReopening } from './reopening.ts';

/**
 * What begins within this time of each other, ms, may have one cause: in replicas of a service, at both ends of a flow,
 * and in many at once on one host.
 */
export const TOGETHER_MS = 60_000;
/** So many that have nothing else in common are the host's matter; the detector `host` wants as many at least. */
export const MANY = 4;

/** The host itself. */
const HOST: Who = { service: '', container: '' };
const HOST_KEY = keyOf(HOST);

/**
 * Which alarms are one incident: those of who is part of one that is open, or fires again; and of the others those that
 * join one which has just begun, or open one together.
 */
export const attribute: Stage = {
  name: 'attribute',
  run(batch, settings) {
    if (batch.alarms.length === 0) return { batch, stopped: [] };
    const homes = homesIn(batch, settings);
    const known = new Map<Incident, Alarm[]>();
    const newcomers: Newcomer[] = [];
    for (const [key, alarms] of Map.groupBy(batch.alarms, ({ scope }) => keyOf(whoOf(scope)))) {
      const [first] = alarms;
      const home = homes.get(key);
      if (home) known.set(home, [...(known.get(home) ?? []), ...alarms]);
      else if (first) newcomers.push({ key, who: whoOf(first.scope), alarms });
    }
    const bands = newcomers.length > 0 ? joined(newcomers, recentIn(batch, known.keys()), batch) : [];
    for (const { joins, newcomers: joining } of bands)
      if (joins) known.set(joins, [...(known.get(joins) ?? []), ...joining.flatMap(({ alarms }) => alarms)]);
    const clusters: Cluster[] = [
      ...[...known].map(([{ id, service, container }, alarms]) => ({
        ...{ incident: id, who: { service, container }, alarms },
      })),
      ...bands.filter(({ joins }) => joins === null).map(openedBy),
    ];
    return { batch: { ...batch, clusters }, stopped: [] };
  },
};

/** By whom an alarm is about, the incident that it is part of: who is well for long is free for another. */
function homesIn({ open, closed, frame }: Batch, settings: Settings): Map<string, Incident> {
  const homes = new Map<string, Incident>();
  const settle = (key: string, incident: Incident) => {
    if (!homes.has(key)) homes.set(key, incident);
  };
  for (const { incident, quiet } of open)
    for (const [i, member] of membersOf(incident).entries())
      if (isPartOf(quiet[i], incident, settings)) settle(keyOf(member), incident);
  for (const incident of closed)
    if (isReopening(incident, frame, settings))
      for (const member of membersOf(incident)) settle(keyOf(member), incident);
  // What is said of a service or host as a whole belongs to what has brought its containers together.
  for (const { incident } of open) if (incident.container === '') settle(keyOf(incident), incident);
  return homes;
}

/** Incidents about traffic that have just begun or grown, or fire again now; the oldest first. */
function recentIn({ open, frame }: Batch, known: Iterable<Incident>): Incident[] {
  const isRecent = (incident: Incident) =>
    incident.resolvedAt !== null || frame.start - joinedAt(incident) <= TOGETHER_MS;
  const all = new Set([...open.map(({ incident }) => incident), ...known]);
  return [...all]
    .filter(incident => incident.findings.some(finding => !isBlind(finding)) && isRecent(incident))
    .sort((a, b) => a.start - b.start || compareText(a.id, b.id));
}

/** When somebody joined it last, epoch ms. */
const joinedAt = (incident: Incident): number =>
  membersOf(incident).reduce(
    (last, { since }) => Math.max(last, since),
    Math.max(incident.reopenedAt ?? 0, firedAt(incident)),
  );

/** What capture and shipping say of themselves is no traffic that others could have a part in. */
const isBlind = ({ rule }: Pick<Alarm, 'rule'>): boolean => rule === CAPTURE_RULE || rule === SHIPPING_RULE;

/** Newcomers put together, within the bound; those beyond it are by themselves. */
function joined(newcomers: readonly Newcomer[], recent: readonly Incident[], { peerOf }: Batch): Band[] {
  const blind = newcomers.filter(({ alarms }) => alarms.every(isBlind));
  const others = newcomers.filter(({ alarms }) => !alarms.every(isBlind));
  return [...blind.map(alone), ...withHost(bandsOf(others, recent, peerOf), recent).flatMap(withinBound)];
}

const alone = (newcomer: Newcomer): Band => ({ newcomers: [newcomer], joins: null });

/** Those that belong to nothing else, where they are the host's matter: it says so, or they are many. */
function withHost(bands: readonly Band[], recent: readonly Incident[]): readonly Band[] {
  const loose = bands.filter(({ joins }) => joins === null);
  const isOfHost = ({ newcomers }: Band) => newcomers.some(({ key }) => key === HOST_KEY);
  const host = recent.find(incident => keyOf(incident) === HOST_KEY) ?? null;
  const areMany = loose.length + recent.length >= MANY || loose.some(isOfHost);
  if (loose.length === 0 || (host === null && !areMany)) return bands;
  const newcomers = loose.flatMap(band => band.newcomers);
  return [...bands.filter(({ joins }) => joins !== null), { newcomers, joins: host, isOfHost: true }];
}

function withinBound(band: Band): Band[] {
  const before = band.joins === null ? 0 : membersOf(band.joins).length;
  const room = Math.max(0, CAPS.incidentMembers.limit - before);
  if (band.newcomers.length <= room) return [band];
  const within = band.newcomers.slice(0, room);
  return [
    ...(within.length > 0 ? [{ ...band, newcomers: within }] : []),
    ...band.newcomers.slice(room).map(alone),
  ];
}

/** What newcomers open together goes by the name of what they have in common, else of who is furthest from normal. */
function openedBy({ newcomers, isOfHost }: Band): Cluster {
  const alarms = newcomers.flatMap(newcomer => newcomer.alarms);
  return { incident: null, who: isOfHost ? HOST : commonName(newcomers, alarms), alarms };
}

function commonName(newcomers: readonly Newcomer[], alarms: readonly Alarm[]): Who {
  const [first, ...others] = newcomers.map(({ who }) => who);
  if (first && others.length === 0) return first;
  if (first && first.service !== '' && others.every(({ service }) => service === first.service))
    return { service: first.service, container: '' };
  return whoOf(alarms.reduce((worst, alarm) => (alarm.score > worst.score ? alarm : worst)).scope);
}
