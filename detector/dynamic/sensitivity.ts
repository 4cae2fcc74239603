import { type Budget, perWeek } from '../../core/config/budget.ts';

/** What a budget of false alerts makes of the limits. */

/**
 * False alerts per container and week after the first day, by what limits are multiplied with: counted by their scores
 * on simulated traffic (`npm run quality`, docs/quality.md), rounded up; the last ones are worth two alerts in 60 weeks.
 * Strictest last.
 */
export const CALIBRATION: readonly { readonly strictness: number; readonly perWeek: number }[] = [
  { strictness: 1, perWeek: 0.25 },
  { strictness: 1.1, perWeek: 0.13 },
  { strictness: 1.25, perWeek: 0.09 },
  { strictness: 1.5, perWeek: 0.06 },
  { strictness: 2, perWeek: 0.04 },
  { strictness: 3, perWeek: 0.03 },
];

/** What limits are multiplied with for a budget: between the rows of the table in the logarithm, its ends bound it. */
export function strictnessOf(budget: Budget): number {
  const allowed = perWeek(budget);
  const first = CALIBRATION.findIndex(row => row.perWeek <= allowed);
  const at = first === -1 ? CALIBRATION.length - 1 : first;
  const high = CALIBRATION[at];
  const low = CALIBRATION[Math.max(0, at - 1)];
  if (!high || !low || first === -1 || high === low) return high?.strictness ?? 1;
  const part = Math.log(low.perWeek / allowed) / Math.log(low.perWeek / high.perWeek);
  return low.strictness + (high.strictness - low.strictness) * part;
}

/** False alerts per container and week below which no budget raises the limits any further. */
export const leastPerWeek = Math.min(...CALIBRATION.map(row => row.perWeek));
