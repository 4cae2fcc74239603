import { formatDuration } from '../../../core/config/units.ts';
import type { View } from './view.ts';

/** Silent for longer than usual: ln(seconds without any message + 15). */

const FEW_S = 15;

const text = (g: number): string => formatDuration(1000 * Math.round(secondsOf(g)));
const secondsOf = (g: number): number => Math.max(0, Math.exp(g) - FEW_S);

export const silence: View = {
  name: 'silence',
  sharp: { floor: 1.32, steadyFloor: 1.32, restless: 1, allowance: 0.3 },
  daily: false,
  read: traffic => Math.log(traffic.silent / 1000 + FEW_S),
  tell(value, bound) {
    const seen = secondsOf(value);
    const high = secondsOf(bound);
    return {
      seen,
      low: null,
      high,
      unit: 's',
      overMs: Math.round(1000 * seen),
      text: `silent for ${text(value)}, expected at most ${text(bound)}`,
    };
  },
};
