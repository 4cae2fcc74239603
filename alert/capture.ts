import { type Fault, type Frame, frameEnd } from '../core/frame.ts';
import type { Judged } from '../core/verdict.ts';
import type { Stage } from './contract.ts';

/** Name under which capture itself speaks, where rules have theirs. */
export const CAPTURE_RULE = 'capture';

/** What loses messages: whoever floods the capture would otherwise hide everything that happens meanwhile. */
const BLINDING: readonly Fault[] = ['saturated', 'lost-events'];

/** An alarm of the host in a frame from which messages are missing; none otherwise. */
export function captureAlarms(frame: Frame): Judged[] {
  if (!frame.faults.some(fault => BLINDING.includes(fault))) return [];
  const full = frame.faults.includes('saturated');
  const counted = frame.lost > 0;
  const why = full ? 'a map of the probe was full' : 'events were lost';
  const many = counted ? `${frame.lost} messages not counted` : 'an unknown number of messages not counted';
  const remedy = full ? '; raise capture.map_keys' : '';
  const seconds = ((frameEnd(frame) - frame.start) / 1000).toFixed(1);
  return [
    {
      kind: 'judged',
      rule: CAPTURE_RULE,
      scope: { service: null, container: null, direction: null, metric: null },
      score: 1,
      evidence: {
        seen: counted ? frame.lost : Math.round(100 * frame.occupancy),
        low: null,
        high: counted ? 0 : 99,
        unit: counted ? 'messages' : '%',
        text: `${why} for ${seconds} s, ${many}${remedy}`,
      },
    },
  ];
}

/** Frames are incomplete in silence; that messages were lost is told, whatever rules there are. */
export const capture: Stage = {
  name: 'capture',
  run: batch => ({
    batch: { ...batch, alarms: [...batch.alarms, ...captureAlarms(batch.frame)] },
    stopped: [],
  }),
};
