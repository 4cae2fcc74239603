import type { Evidence, Judged } from '../core/incident/verdict.ts';
import { type Fault, type Frame, frameEnd } from '../core/traffic/frame.ts';
import type { Stage } from './contract.ts';

/** Names under which capture and shipping themselves speak, where rules have theirs. */
export const CAPTURE_RULE = 'capture';
export const SHIPPING_RULE = 'shipping';

/** What loses messages: whoever floods the capture would otherwise hide everything that happens meanwhile. */
const BLINDING: readonly Fault[] = ['saturated', 'lost-events'];

/** Alarms of the host in a frame from which messages are missing, or before which whole frames are; none otherwise. */
export function captureAlarms(frame: Frame): Judged[] {
  const alarms: Judged[] = [];
  if (frame.faults.some(fault => BLINDING.includes(fault)))
    alarms.push(ofHost(CAPTURE_RULE, messagesLost(frame)));
  if (frame.dropped !== undefined) alarms.push(ofHost(SHIPPING_RULE, framesLost(frame.dropped)));
  return alarms;
}

const ofHost = (rule: string, evidence: Evidence): Judged => ({
  kind: 'judged',
  rule,
  scope: { service: null, container: null, direction: null, metric: null },
  score: 1,
  evidence,
});

function messagesLost(frame: Frame): Evidence {
  const full = frame.faults.includes('saturated');
  const counted = frame.lost > 0;
  const why = full ? 'a map of the probe was full' : 'events were lost';
  const many = counted ? `${frame.lost} messages not counted` : 'an unknown number of messages not counted';
  const remedy = full ? '; raise capture.map_keys' : '';
  const seconds = ((frameEnd(frame) - frame.start) / 1000).toFixed(1);
  return {
    seen: counted ? frame.lost : Math.round(100 * frame.occupancy),
    low: null,
    high: counted ? 0 : 99,
    unit: counted ? 'messages' : '%',
    text: `${why} for ${seconds} s, ${many}${remedy}`,
  };
}

/** Given up by the bound of the spool, refused by the store, or damaged on disk: the collector's log says which. */
function framesLost(dropped: number): Evidence {
  const frames = dropped === 1 ? '1 frame was' : `${dropped} frames were`;
  const remedy = 'if the spool was full (see the log of the collector), raise capture.spool.size or age';
  return {
    seen: dropped,
    low: null,
    high: 0,
    unit: 'frames',
    text: `${frames} captured but lost before the store took them, nobody has judged them; ${remedy}`,
  };
}

/** Frames are incomplete or missing in silence; that something was lost is told, whatever rules there are. */
export const capture: Stage = {
  name: 'capture',
  run: batch => ({
    batch: { ...batch, alarms: [...batch.alarms, ...captureAlarms(batch.frame)] },
    stopped: [],
  }),
};
