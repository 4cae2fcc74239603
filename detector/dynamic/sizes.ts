import { DIRECTIONS } from '../../core/traffic/frame.ts';
import { CLASSES, compareShape } from './shape.ts';
import type { Traffic } from './traffic.ts';
import type { View } from './view.ts';

/** Other sizes than usual, whatever their number: the share of messages that moved to other classes. */

const percent = (share: number): number => Math.round(1000 * share) / 10;

/** The class whose share moved most up (sign 1) or down (sign -1). */
function mostMoved(traffic: Traffic, direction: 0 | 1, sign: 1 | -1): string {
  const shape = traffic.shapes[direction];
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < CLASSES.length; i++) {
    const moved = sign * ((shape?.last[i] ?? 0) - (shape?.usual[i] ?? 0));
    if (moved > most) {
      most = moved;
      best = i;
    }
  }
  const upper = CLASSES[best + 1];
  const range = upper === undefined ? `${CLASSES[best]} B and more` : `${CLASSES[best]} to ${upper - 1} B`;
  return `${sign > 0 ? 'more' : 'fewer'} of ${range} (${percent(shape?.usual[best] ?? 0)}% to ${percent(shape?.last[best] ?? 0)}%)`;
}

function moved(direction: 0 | 1): View {
  return {
    name: 'sizes',
    sharp: { floor: 0.23, steadyFloor: 0.2, restless: 0.05, allowance: 0.1 },
    daily: true,
    read(traffic, part) {
      const shape = traffic.shapes[direction];
      return shape && part.isMinute ? compareShape(shape) : null;
    },
    tell(value, bound, traffic) {
      const seen = percent(Math.max(0, value));
      const high = percent(Math.max(0, bound));
      const verb = direction === 0 ? 'sent' : 'received';
      const text =
        `${seen}% of messages ${verb} have other sizes for 3m, expected up to ${high}%: ` +
        `${mostMoved(traffic, direction, 1)}, ${mostMoved(traffic, direction, -1)}`;
      return { seen, low: null, high, unit: '%', direction: DIRECTIONS[direction], overMs: 180_000, text };
    },
  };
}

export const sizes: readonly View[] = DIRECTIONS.map((_, i) => moved(i === 0 ? 0 : 1));
