import { formatValue } from '../../../core/config/units.ts';
import { BASE_MINUTES, sum, type Traffic } from '../traffic.ts';
import type { View } from './view.ts';

/**
 * What is always there: the messages of the quieter half of each minute, in the quieter half of the last ten minutes. Jobs
 * that come and go do not show in it, so that a lasting change shows below their peaks.
 */

/** Messages of half a minute that make little difference, and how long that is. */
const FEW = 24;
const SECONDS = 30;
/** Further beyond what is usual (4.5 times) it is a job that goes on for long, which the other views judge. */
const JOB = 1.5;
/** Where there is usually less, nothing is always there: a job that goes on for long would be all of it. */
const LEAST = Math.log(FEW + 12);
/** Minutes that the usual is the mean of. */
const USUAL_MINUTES = 720;

function read(traffic: Traffic): number {
  const { base } = traffic;
  const sorted = [...base.halves].sort((a, b) => a - b);
  const value = Math.log(sum(sorted.slice(0, BASE_MINUTES / 2)) / (BASE_MINUTES / 2) + FEW);
  base.beyond = base.known === 0 ? 0 : thousandths(value - base.usual);
  base.known = Math.min(base.known + 1, USUAL_MINUTES);
  const moved = base.known === 1 ? value : base.usual + Math.min(base.beyond, JOB) / base.known;
  base.usual = Math.round(1e5 * moved) / 1e5 + 0;
  return value;
}

// Zero is never negative: JSON has no sign for it.
const thousandths = (x: number): number => Math.round(1e3 * x) / 1e3 + 0;
const rateOf = (value: number): number => Math.max(0, Math.exp(value) - FEW) / SECONDS;

export const base: View = {
  name: 'base',
  sharp: { floor: 0.66, steadyFloor: 0.56, restless: 0.2, allowance: 0.34 },
  daily: true,
  work: 'follows',
  read: (traffic, part) =>
    part.isMinute && traffic.base.halves.length === BASE_MINUTES ? read(traffic) : null,
  isLearntOnly: ({ base: { beyond, usual } }) => beyond > JOB || usual < LEAST,
  tell(value, bound) {
    const seen = rateOf(value);
    const high = rateOf(bound);
    const text = `${formatValue(seen, 'msg/s')} in the quieter half of the last ${BASE_MINUTES}m, expected up to ${formatValue(high, 'msg/s')}`;
    return { seen, low: null, high, unit: 'msg/s', overMs: BASE_MINUTES * 60_000, text };
  },
};
