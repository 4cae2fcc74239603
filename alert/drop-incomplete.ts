import { describeScope } from '../core/incident/scope.ts';
import type { Judged } from '../core/incident/verdict.ts';
import { isComplete } from '../core/traffic/frame.ts';
import type { Stage } from './contract.ts';

/** One alarm for messages: `bytes: web bytes sent`. */
export const labelOf = (alarm: Judged): string =>
  `${alarm.rule}: ${[alarm.scope.container ?? alarm.scope.service ?? 'host', describeScope(alarm.scope)].filter(Boolean).join(' ')}`;

/** Which alarms are to be believed: none from a frame that does not hold all that happened. */
export const confirm: Stage = {
  name: 'confirm',
  run(batch) {
    if (isComplete(batch.frame)) return { batch, stopped: [] };
    const stopped = batch.alarms.map(alarm => ({ what: labelOf(alarm), reason: 'incomplete frame' }));
    return { batch: { ...batch, alarms: [] }, stopped };
  },
};
