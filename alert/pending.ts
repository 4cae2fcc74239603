import { isComplete } from '../core/traffic/frame.ts';
import type { Alarm, Batch, Pending, Stage } from './contract.ts';
import { labelOf } from './drop-incomplete.ts';
import { findingKey } from './subject.ts';

/**
 * Alarms of a rule with `confirm` wait until there were so many in so many frames; then they fire, and are part of their
 * incident while that is open. Frames of which not all is known do not count, as nobody has judged them.
 */
export const pending: Stage = {
  name: 'pending',
  run(batch, { confirmations = {} }) {
    const longest = Math.max(0, ...Object.values(confirmations).map(({ frames }) => frames));
    if (longest === 0 || !isComplete(batch.frame)) return { batch, stopped: [] };
    const { start } = batch.frame;
    const before = batch.pending ?? { frames: [], alarms: {} };
    const frames = [...before.frames, start].slice(-longest);
    const counted = new Map(Object.entries(before.alarms));
    const firing = firingIn(batch);
    const alarms: Alarm[] = [];
    const stopped: { what: string; reason: string }[] = [];
    for (const alarm of batch.alarms) {
      const need = Object.hasOwn(confirmations, alarm.rule) ? confirmations[alarm.rule] : undefined;
      const key = findingKey(alarm);
      const known = need ? [...(counted.get(key) ?? []), start] : [start];
      const first = frames.at(-(need?.frames ?? 1)) ?? frames[0] ?? start;
      const times = [...new Set(known)].filter(time => time >= first);
      if (need) counted.set(key, times);
      if (!need || firing.has(key)) alarms.push(alarm);
      else if (times.length >= need.alarms)
        alarms.push({ ...alarm, confirmed: { ...need, alarms: times.length, since: times[0] ?? start } });
      else
        stopped.push({ what: labelOf(alarm), reason: `pending: ${times.length} of ${need.alarms} alarms` });
    }
    return {
      batch: { ...batch, alarms, pending: keptOf({ frames, alarms: Object.fromEntries(counted) }) },
      stopped,
    };
  },
};

/** Findings of incidents that are open. */
const firingIn = ({ open }: Batch): ReadonlySet<string> =>
  new Set(open.flatMap(({ incident }) => incident.findings.map(findingKey)));

/** What was so long ago that no rule counts it is forgotten; keys in an order that a checkpoint keeps. */
function keptOf({ frames, alarms }: Pending): Pending {
  const first = frames[0] ?? 0;
  const kept = Object.entries(alarms)
    .map(([key, times]) => [key, times.filter(time => time >= first)] as const)
    .filter(([, times]) => times.length > 0);
  return { frames, alarms: Object.fromEntries(kept) };
}
