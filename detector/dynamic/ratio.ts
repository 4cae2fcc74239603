import { formatValue } from '../../core/config/units.ts';
import { messagePadding, type Part, type Traffic } from './traffic.ts';
import type { View } from './view.ts';

/** More bytes sent for what is received than usual, in the last minute: what leaves a container that nobody asked for it. */

/** So many messages make little difference. */
const MESSAGES = 16;

const read = (traffic: Traffic, part: Part): number | null =>
  part.minute &&
  Math.log((part.minute[2] ?? 0) + messagePadding(traffic, 0, MESSAGES)) -
    Math.log((part.minute[1] ?? 0) + MESSAGES);

export const ratio: View = {
  name: 'ratio',
  sharp: { floor: 0.62, steadyFloor: 0.5, restless: 0.4, allowance: 0.3 },
  read,
  tell(value, bound) {
    const seen = Math.exp(value);
    const high = Math.exp(bound);
    const text = `sent ${formatValue(seen, 'B')} for each message received over 1m, expected up to ${formatValue(high, 'B')}`;
    return { seen, low: null, high, unit: 'B', direction: 'send', overMs: 60_000, text };
  },
};
