import type { Finding } from '../../core/incident/incident.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import { type Frame, frameEnd } from '../../core/traffic/frame.ts';
import type { Alarm } from '../contract.ts';
import type { PastNotes } from './past.ts';
import { topPeerOf } from './top-peer.ts';

/** The findings of an incident with an alarm of this frame: that of its rule and series reaches to the frame. */
export function withAlarm(
  findings: readonly Finding[],
  alarm: Alarm,
  frame: Frame,
  { key, past }: { readonly key: string; readonly past: PastNotes },
): readonly Finding[] {
  const { rule, scope, score } = alarm;
  const known = findings.find(finding => isOf(finding, alarm));
  if (!known) {
    const before = past.take(key, byOf(alarm));
    const begun = { rule, scope, first: frame.start, last: frame.start };
    const how = alarm.confirmed ? { confirmed: alarm.confirmed } : {};
    return [...findings, { ...begun, ...peakOf(alarm, frame), before, ...how }];
  }
  if (score <= known.peak)
    return findings.map(finding => (finding === known ? { ...known, last: frame.start } : finding));
  // What belongs to the former peak goes with it.
  const { peer: _, window: __, ...rest } = known;
  const grown = { ...rest, last: frame.start, ...peakOf(alarm, frame) };
  return findings.map(finding => (finding === known ? grown : finding));
}

const isOf = (finding: Finding, alarm: Judged): boolean =>
  finding.rule === alarm.rule &&
  finding.scope.direction === alarm.scope.direction &&
  finding.scope.metric === alarm.scope.metric;

/** The alarm with the highest score of its finding: what was seen, when, and with whom. */
function peakOf(alarm: Judged, frame: Frame): Pick<Finding, 'peak' | 'evidence' | 'window' | 'peer'> {
  const { score, evidence } = alarm;
  const to = frameEnd(frame);
  const peer = topPeerOf(alarm, frame);
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
