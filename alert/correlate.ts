import { CAPS } from '../core/caps.ts';
import { type Incident, incidentId, roundOf } from '../core/incident/incident.ts';
import { exitText } from '../core/traffic/exit.ts';
import { compareText, type Frame, frameEnd, isComplete } from '../core/traffic/frame.ts';
import type { Alarm, Change, Open, Settings, Stage } from './contract.ts';
import { labelOf } from './drop-incomplete.ts';
import { withAlarm } from './finding/finding.ts';
import { PastNotes } from './finding/past.ts';
import { severityOf, worse } from './finding/severity.ts';
import { keyOf, type Origin, originsIn, type Who, whoOf } from './subject.ts';
import { titleOf } from './text.ts';

/** Incidents of one host that can be open at once: more than there are containers, so that churn cannot grow it. */
export const MAX_OPEN = CAPS.openIncidents.limit;

/** Order of open incidents in a state. */
export const compareOpen = (a: Open, b: Open): number =>
  compareText(a.incident.container, b.incident.container) ||
  compareText(a.incident.service, b.incident.service);

/** Put alarms of one container at one time together: they open an incident, let it grow, and end it by their absence. */
export const correlate: Stage = {
  name: 'correlate',
  run(batch, settings) {
    const { frame } = batch;
    const past = new PastNotes(batch.past, batch.since, frame.start);
    const alarms = Map.groupBy(batch.alarms, alarm => keyOf(whoOf(alarm.scope)));
    const alive = aliveIn(frame);
    const stopped: { what: string; reason: string }[] = [];
    const changes: Change[] = [];
    const open: Open[] = [];
    for (const one of batch.open.map(before => withExit(before, frame))) {
      const key = keyOf(one.incident);
      const found = alarms.get(key);
      if (found) {
        alarms.delete(key);
        const incident = grow(one.incident, found, { frame, past, settings });
        changes.push({ kind: 'grown', incident, before: one.incident });
        open.push({ incident, quietMs: 0, ...exitOf(one) });
        stopped.push(
          ...found.map(alarm => ({ what: labelOf(alarm), reason: `part of open incident ${incident.id}` })),
        );
        continue;
      }
      const next = quieten(one, frame, alive, settings);
      if (next.incident.resolvedAt === null) open.push(next);
      else changes.push({ kind: 'resolved', incident: next.incident });
    }
    const closed = new Reopening(batch.closed, frame, settings);
    const originOf = alarms.size > 0 ? originsIn(frame) : () => ({});
    for (const found of alarms.values()) {
      const [first, ...others] = found;
      if (!first) continue;
      if (open.length >= MAX_OPEN) {
        stopped.push(...found.map(alarm => ({ what: labelOf(alarm), reason: 'too many open incidents' })));
        continue;
      }
      const who = whoOf(first.scope);
      const again = closed.take(keyOf(who));
      const incident = again
        ? grow(again, found, { frame, past, settings })
        : begin({ ...who, ...originOf(who) }, found, { frame, past, settings });
      changes.push({ kind: again ? 'reopened' : 'opened', incident });
      open.push(withExit({ incident, quietMs: 0 }, frame));
      stopped.push(
        ...others.map(alarm => ({ what: labelOf(alarm), reason: `part of open incident ${incident.id}` })),
      );
    }
    const over = changes.filter(({ kind }) => kind === 'resolved').map(({ incident }) => incident);
    return {
      batch: {
        ...batch,
        ...{ open: open.sort(compareOpen), closed: closed.with(over), changes, past: past.result() },
      },
      stopped,
    };
  },
};

/** Incidents that were over so shortly before a frame that they go on when they fire again. */
class Reopening {
  readonly #frame: Frame;
  readonly #byKey: Map<string, Incident>;

  constructor(closed: readonly Incident[], frame: Frame, { alert }: Settings) {
    this.#frame = frame;
    const recent = closed.filter(({ resolvedAt }) => frame.start - (resolvedAt ?? 0) < alert.reopen_within);
    this.#byKey = new Map(recent.map(incident => [keyOf(incident), incident]));
  }

  /** The incident of that subject, firing again, or undefined. */
  take(key: string): Incident | undefined {
    const found = this.#byKey.get(key);
    if (!found) return undefined;
    this.#byKey.delete(key);
    const { ended: _, ...incident } = found;
    return { ...incident, resolvedAt: null, reopenedAt: this.#frame.start };
  }

  /** Those that are left and those that are over now; one that was reopened has been quiet for long. */
  with(over: readonly Incident[]): Incident[] {
    for (const incident of over) if (roundOf(incident) === 1) this.#byKey.set(keyOf(incident), incident);
    return [...this.#byKey.values()].slice(-MAX_OPEN);
  }
}

/** What incidents grow in. */
interface Now {
  readonly frame: Frame;
  readonly past: PastNotes;
  readonly settings: Settings;
}

/** The incident that the first alarms about somebody open. */
function begin(who: Who & Origin, alarms: readonly Alarm[], now: Now): Incident {
  const { frame } = now;
  const empty: Incident = {
    id: incidentId(frame.host, who.container === '' ? keyOf(who) : who.container, frame.start),
    host: frame.host,
    ...who,
    severity: 'info',
    start: frame.start,
    end: frameEnd(frame),
    resolvedAt: null,
    score: 0,
    findings: [],
    title: '',
  };
  const { escalation: _, ...begun } = grow(empty, alarms, now);
  return begun;
}

/** The incident with the alarms of one more frame in it. It never becomes less severe. */
function grow(incident: Incident, alarms: readonly Alarm[], { frame, past, settings }: Now): Incident {
  const about = { key: keyOf(incident), past };
  const findings = alarms.reduce((all, alarm) => withAlarm(all, alarm, frame, about), incident.findings);
  const sorted = [...findings].sort((a, b) => b.peak - a.peak);
  const end = frameEnd(frame);
  const severity = sorted.map(finding => severityOf(finding, end, settings)).reduce(worse, incident.severity);
  const isRaised = severity !== incident.severity;
  const escalation = { from: incident.escalation?.from ?? incident.severity, at: frame.start };
  return {
    ...incident,
    severity,
    ...(isRaised ? { escalation } : {}),
    end,
    score: Math.max(incident.score, ...sorted.map(finding => finding.peak)),
    findings: sorted,
    title: titleOf(incident, sorted),
  };
}

/**
 * One more frame without an alarm. It counts when it is complete, or when the container was not there: who is gone
 * cannot be anomalous, however little the frame knows. Gaps count for nothing.
 */
function quieten(one: Open, frame: Frame, alive: Alive, settings: Settings): Open {
  const isThere = alive.has(keyOf(one.incident));
  if (!isComplete(frame) && (isThere || one.incident.container === '')) return one;
  const quietMs = one.quietMs + frame.durationMs;
  const present = one.present === true || isThere;
  const next = { quietMs, ...(present ? { present } : {}), ...exitOf(one) };
  if (quietMs < quietNeeded(one.incident, settings)) return { ...next, incident: one.incident };
  const ended = endOf(one, isThere, present);
  return { ...next, incident: { ...one.incident, resolvedAt: frameEnd(frame), ...ended } };
}

/** What comes and goes has to be quiet for so many times the pause in which it is the same incident. */
const QUIET_PAUSES = 5;

/** How long an incident has to be quiet until it is over, ms: one that comes and goes for longer. */
function quietNeeded(incident: Incident, { alert: { resolve_after, reopen_within } }: Settings): number {
  return roundOf(incident) === 1 ? resolve_after : Math.max(resolve_after, QUIET_PAUSES * reopen_within);
}

/** What this frame says of how its container ended; one that was started anew has not. */
function withExit(one: Open, { exits = [], started }: Frame): Open {
  const { container } = one.incident;
  const exit = exits.find(found => found.container === container);
  if (exit) return { ...one, exit: exitText(exit) };
  if (one.exit === undefined || !started.includes(container)) return one;
  const { exit: _, ...anew } = one;
  return anew;
}

const exitOf = ({ exit }: Open) => (exit === undefined ? {} : { exit });

/** Keys of the containers and services that are in a frame. */
type Alive = ReadonlySet<string>;

const aliveIn = ({ containers }: Frame): Alive =>
  new Set(
    containers.flatMap(({ name, service }) => [
      keyOf({ container: name, service }),
      keyOf({ container: '', service }),
    ]),
  );

/**
 * Gone is not well. A container has to be there at the end; a service may have short-lived ones, of which none was seen
 * all the time.
 */
function endOf({ incident, exit }: Open, isThere: boolean, present: boolean): { ended?: string } {
  const { container, service } = incident;
  if (container !== '')
    return isThere ? {} : { ended: `the container is gone${exit === undefined ? '' : `: ${exit}`}` };
  return service === '' || present ? {} : { ended: 'no container of the service is left' };
}
