import type { Finding, TopPeer } from '../../core/incident/incident.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { type Frame, frameEnd } from '../../core/traffic/frame.ts';
import type { Alarm } from '../contract.ts';
import { findingKey, keyOf, whoOf } from '../subject.ts';
import type { PastNotes } from './past.ts';

/** What findings grow in. */
interface Now {
  readonly frame: Frame;
  readonly past: PastNotes;
  readonly peerOf: (alarm: Judged) => TopPeer | null;
}

/** The findings of an incident with alarms of this frame: those of their rules and series reach to the frame. */
export function withAlarms(findings: readonly Finding[], alarms: readonly Alarm[], now: Now): Finding[] {
  const all = new Map(findings.map(finding => [findingKey(finding), finding]));
  for (const alarm of alarms) {
    const key = findingKey(alarm);
    const known = all.get(key);
    all.set(key, known ? grown(known, alarm, now) : begun(alarm, now));
  }
  return [...all.values()];
}

/** When findings like those of the alarms began before, epoch ms, ascending: of the one that did most often. */
export function openedBefore(alarms: readonly Alarm[], past: PastNotes): readonly number[] {
  const starts = alarms.map(alarm => past.startsOf(keyOf(whoOf(alarm.scope)), byOf(alarm)));
  return starts.reduce((most, some) => (some.length > most.length ? some : most), []);
}

function begun(alarm: Alarm, now: Now): Finding {
  const { rule, scope } = alarm;
  const { start } = now.frame;
  const before = now.past.take(keyOf(whoOf(scope)), byOf(alarm));
  const how = alarm.confirmed ? { confirmed: alarm.confirmed } : {};
  return { rule, scope, first: start, last: start, ...peakOf(alarm, now), before, ...how };
}

function grown(known: Finding, alarm: Alarm, now: Now): Finding {
  const last = now.frame.start;
  if (alarm.score <= known.peak) return { ...known, last };
  // What belongs to the former peak goes with it.
  const { peer: _, window: __, ...rest } = known;
  return { ...rest, last, ...peakOf(alarm, now) };
}

/** The alarm with the highest score of its finding: what was seen, when, and with whom. */
function peakOf(
  alarm: Judged,
  { frame, peerOf }: Now,
): Pick<Finding, 'peak' | 'evidence' | 'window' | 'peer'> {
  const { score, evidence } = alarm;
  const to = frameEnd(frame);
  const peer = peerOf(alarm);
  return {
    peak: score,
    evidence,
    window: { from: to - Math.max(frame.durationMs, evidence.overMs ?? 0), to },
    ...(peer === null ? {} : { peer }),
  };
}

/** What noticed it: by this it is known again. */
const byOf = ({ rule, scope, evidence }: Judged): string =>
  [rule, evidence.view, scope.direction, scope.metric].filter(Boolean).join(' ');
