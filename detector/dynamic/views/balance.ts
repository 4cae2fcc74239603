import { formatValue } from '../../../core/config/units.ts';
import type { View } from './view.ts';

/**
 * More messages received than usual, and more for each one sent, over a minute: asked, and not answered as before. Questions and
 * answers rise and fall together, whatever the load, so that a flood shows below the peaks of what is ordinary.
 */

/** Messages of a minute that make little difference. */
const FEW = 12;
/** Parts of 5 seconds, an hour, that the usual number is the mean of; so many times that is more. */
const USUAL_PARTS = 720;
const MORE = 1.3;

export const balance: View = {
  name: 'balance',
  sharp: { floor: 0.62, steadyFloor: 0.52, restless: 0.3, allowance: 0.22 },
  daily: false,
  read(traffic, { minute }) {
    if (minute === null) return null;
    const [sent = 0, received = 0] = minute;
    traffic.asked += (received - traffic.asked) / USUAL_PARTS;
    return Math.log((received + FEW) / (sent + FEW));
  },
  isLearntOnly: (traffic, { minute }) => (minute?.[1] ?? 0) < MORE * traffic.asked,
  tell(value, bound, _, { minute }) {
    const [sent = 0] = minute ?? [];
    const rate = (g: number) => Math.max(0, Math.exp(g) * (sent + FEW) - FEW) / 60;
    const [seen, high] = [rate(value), rate(bound)];
    const text = `received ${formatValue(seen, 'msg/s')} over 1m, expected up to ${formatValue(high, 'msg/s')} for the ${formatValue(sent / 60, 'msg/s')} sent`;
    return { seen, low: null, high, unit: 'msg/s', direction: 'receive', overMs: 60_000, text };
  },
};
