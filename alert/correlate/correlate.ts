import { CAPS } from '../../core/caps.ts';
import { type Incident, incidentId, type Member } from '../../core/incident/incident.ts';
import { membersOf } from '../../core/incident/members.ts';
import { compareText, type Frame, frameEnd } from '../../core/traffic/frame.ts';
import type { Alarm, Batch, Change, Cluster, Open, Quiet, Settings, Stage } from '../contract.ts';
import { labelOf } from '../drop-incomplete.ts';
import { openedBefore, withAlarms } from '../finding/finding.ts';
import { PastNotes } from '../finding/past.ts';
import { severityOf, worse } from '../finding/severity.ts';
import { keyOf, type Origin, originsIn, type Who, whoOf } from '../subject.ts';
import { titleOf } from '../text.ts';
import { firedAt, type Rounds, roundsOf, roundsOfNew, roundsOfReopened } from './flapping.ts';
import { endOf, Presence, quietNeeded } from './quiet.ts';
import { Reopening } from './reopening.ts';

/** Incidents of one host that can be open at once: more than there are containers, so that churn cannot grow it. */
export const MAX_OPEN = CAPS.openIncidents.limit;

/** Order of open incidents in a state. */
export const compareOpen = ({ incident: a }: Open, { incident: b }: Open): number =>
  compareText(a.container, b.container) ||
  compareText(a.service, b.service) ||
  a.start - b.start ||
  compareText(a.id, b.id);

/** The open incident as it is when nothing quiet was seen of any of its members. */
export const openOf = (incident: Incident): Open => ({
  incident,
  quiet: membersOf(incident).map(() => ({ quietMs: 0 })),
  rounds: [firedAt(incident)],
});

/** Alarms that belong together open an incident, let it grow, and end it by their absence. */
export const correlate: Stage = {
  name: 'correlate',
  run(batch, settings) {
    const now = nowOf(batch, settings);
    const stopped: { what: string; reason: string }[] = [];
    const changes: Change[] = [];
    const open: Open[] = [];
    const calmed: Who[] = [];
    const partOf = (alarms: readonly Alarm[], { id }: Incident) =>
      stopped.push(...alarms.map(alarm => ({ what: labelOf(alarm), reason: `part of open incident ${id}` })));
    const grown = new Map(batch.clusters.map(cluster => [cluster.incident, cluster]));
    for (const one of batch.open) {
      const alarms = grown.get(one.incident.id)?.alarms ?? [];
      grown.delete(one.incident.id);
      const { calmed: theirs, ...next } = goOn(one, alarms, now);
      calmed.push(...theirs);
      if (next.incident.resolvedAt === null) open.push(next);
      else changes.push({ kind: 'resolved', incident: next.incident });
      if (alarms.length === 0) continue;
      changes.push({ kind: 'grown', incident: next.incident, before: one.incident });
      partOf(alarms, next.incident);
    }
    const closed = new Reopening(batch.closed, batch.frame, settings);
    for (const cluster of batch.clusters) {
      if (cluster.incident !== null && !grown.has(cluster.incident)) continue;
      const [, ...others] = cluster.alarms;
      if (open.length >= MAX_OPEN) {
        const reason = 'too many open incidents';
        stopped.push(...cluster.alarms.map(alarm => ({ what: labelOf(alarm), reason })));
        continue;
      }
      const again = cluster.incident === null ? undefined : closed.take(cluster.incident);
      const one = again ? goOnAgain(again, cluster, now) : begin(cluster, now);
      changes.push({ kind: again ? 'reopened' : 'opened', incident: one.incident });
      open.push(one);
      partOf(others, one.incident);
    }
    const over = changes.filter(({ kind }) => kind === 'resolved').map(({ incident }) => incident);
    return {
      batch: {
        ...batch,
        ...{ open: open.sort(compareOpen), closed: closed.with(over), changes, calmed },
        past: now.past.result(),
      },
      stopped,
    };
  },
};

/** What incidents grow in. */
interface Now {
  readonly frame: Frame;
  readonly presence: Presence;
  readonly past: PastNotes;
  readonly settings: Settings;
  readonly peerOf: Batch['peerOf'];
  readonly originOf: (who: Who) => Origin;
}

function nowOf({ frame, past, since, peerOf, alarms }: Batch, settings: Settings): Now {
  return {
    ...{ frame, settings, peerOf },
    presence: new Presence(frame),
    past: new PastNotes(past, since, frame.start),
    originOf: alarms.length > 0 ? originsIn(frame) : () => ({}),
  };
}

/** An open incident after one more frame, with those of its members for whom it is over since. */
function goOn(one: Open, alarms: readonly Alarm[], now: Now): Open & { calmed: readonly Who[] } {
  const { incident: before, quiet } = one;
  const isLoud = alarms.length > 0;
  const { rounds, ...flapping }: Rounds = isLoud ? roundsOf(one, now.frame.start) : { rounds: one.rounds };
  const incident = isLoud ? grow({ ...before, ...flapping }, alarms, now) : before;
  const loud = new Set(alarms.map(({ scope }) => keyOf(whoOf(scope))));
  const needed = quietNeeded(incident, now.settings);
  const calmed: Who[] = [];
  const next = membersOf(incident).map((member, i): Quiet => {
    if (loud.has(keyOf(member))) return now.presence.loud(member, quiet[i]);
    const was = quiet[i] ?? { quietMs: 0 };
    const is = now.presence.quiet(member, was, needed);
    if (was.over === undefined && is.over !== undefined) calmed.push(whoIs(member));
    return is;
  });
  const goesOn = { incident, quiet: next, rounds, calmed };
  if (next.some(({ over }) => over === undefined)) return goesOn;
  return { ...goesOn, incident: { ...incident, resolvedAt: frameEnd(now.frame), ...endOf(incident, next) } };
}

/** An incident that fires again: for those of its members of whom nothing is said now it is over as it was. */
function goOnAgain(again: Incident, { alarms }: Cluster, now: Now): Open {
  const { rounds } = roundsOfReopened(again, now.frame.start);
  const incident = grow(again, alarms, now);
  const loud = new Set(alarms.map(({ scope }) => keyOf(whoOf(scope))));
  const quiet = membersOf(incident).map((member): Quiet => {
    if (loud.has(keyOf(member))) return now.presence.loud(member);
    return { quietMs: 0, over: member.container === '' || now.presence.has(member) ? 'well' : 'gone' };
  });
  return { incident, quiet, rounds };
}

/** The incident that the first alarms about somebody, or several, open. */
function begin({ who, alarms }: Cluster, now: Now): Open {
  const { frame } = now;
  const { rounds, ...flapping } = roundsOfNew(openedBefore(alarms, now.past), frame.start);
  const empty: Incident = {
    id: idOf(frame, alarms, who),
    host: frame.host,
    ...whoIs(who),
    ...now.originOf(who),
    severity: 'info',
    start: Math.min(frame.start, ...alarms.map(({ heldMs = 0 }) => frameEnd(frame) - heldMs)),
    end: frameEnd(frame),
    resolvedAt: null,
    score: 0,
    findings: [],
    title: '',
    ...flapping,
  };
  const { escalation: _, ...incident } = grow(empty, alarms, now);
  return { incident, quiet: membersOf(incident).map(member => now.presence.loud(member)), rounds };
}

/** By the first whom it is about: several that open in one frame may have one name, and nobody is in two of them. */
function idOf({ host, start }: Frame, [first]: readonly Alarm[], named: Who): string {
  const who = first ? whoOf(first.scope) : named;
  return incidentId(host, who.container === '' ? keyOf(who) : who.container, start);
}

const whoIs = ({ service, container }: Who): Who => ({ service, container });

/** The incident with the alarms of one more frame in it, and whom they are about. It never becomes less severe. */
function grow(before: Incident, alarms: readonly Alarm[], now: Now): Incident {
  const { frame, settings } = now;
  const incident = { ...before, ...membersWith(before, alarms, now) };
  const findings = withAlarms(incident.findings, alarms, now).sort((a, b) => b.peak - a.peak);
  const end = frameEnd(frame);
  const severity = findings
    .map(finding => severityOf(finding, end, settings))
    .reduce(worse, incident.severity);
  const isRaised = severity !== incident.severity;
  const escalation = { from: incident.escalation?.from ?? incident.severity, at: frame.start };
  return {
    ...incident,
    severity,
    ...(isRaised ? { escalation } : {}),
    end,
    score: findings.reduce((most, { peak }) => Math.max(most, peak), incident.score),
    findings,
    title: titleOf(incident, findings),
  };
}

/** All whom it is about, those of the alarms among them; nothing, when that is who it is named after. */
function membersWith(
  incident: Incident,
  alarms: readonly Alarm[],
  { frame, originOf }: Now,
): { members?: readonly Member[] } {
  const isNew = incident.findings.length === 0;
  const before = isNew ? [] : membersOf(incident);
  const known = new Set(before.map(keyOf));
  const joining = new Map(alarms.map(({ scope }) => [keyOf(whoOf(scope)), whoOf(scope)]));
  const added = [...joining]
    .filter(([key]) => !known.has(key))
    .map(([, who]) => ({ ...who, ...originOf(who), since: frame.start }));
  const [only] = added;
  if (added.length === 0 || (isNew && added.length === 1 && only && keyOf(only) === keyOf(incident)))
    return {};
  return { members: [...before, ...added] };
}
