import { type Part, REST_MINUTES, sum, type Traffic } from '../traffic.ts';
import type { View } from './view.ts';

/**
 * Hardly ever at rest any more: of the last ten minutes, how many parts of 5 seconds sent no more than the container
 * sends at rest. A beacon takes rest away without adding to the level. Only where a third of the parts are near
 * rest: who is busy is no beacon.
 */

const PARTS = 120;
/** Parts that make little difference. */
const FEW = 5;

const read = (traffic: Traffic, part: Part): number | null =>
  part.isMinute && traffic.resting.length === REST_MINUTES && sum(traffic.trickling) >= PARTS / 3
    ? -Math.log(sum(traffic.resting) + FEW)
    : null;

export const trickle: View = {
  name: 'trickle',
  sharp: { floor: 1.75, steadyFloor: 1.75, restless: 1, allowance: 0.11 },
  daily: false,
  work: 'follows',
  read,
  tell(value, bound) {
    const share = (g: number) => Math.round((1000 * Math.max(0, Math.exp(-g) - FEW)) / PARTS) / 10;
    const text = `at rest ${share(value)}% of the last 10m, expected at least ${share(bound)}%: something is sent all the time`;
    return {
      seen: share(value),
      low: share(bound),
      high: null,
      unit: '%',
      direction: 'send',
      overMs: 600_000,
      text,
    };
  },
};
