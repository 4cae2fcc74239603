import { z } from 'zod';

/** How many false alerts one is ready to bear, and what that makes of the limits. */

/**
 * False alerts per container and week after the first day, by what limits are multiplied with: counted by their scores
 * on simulated traffic (`npm run quality`, docs/quality.md). Strictest last.
 */
export const CALIBRATION: readonly { readonly strictness: number; readonly perWeek: number }[] = [
  { strictness: 1, perWeek: 0.62 },
  { strictness: 1.1, perWeek: 0.42 },
  { strictness: 1.25, perWeek: 0.27 },
  { strictness: 1.5, perWeek: 0.15 },
  { strictness: 2, perWeek: 0.12 },
  { strictness: 3, perWeek: 0.1 },
];

/** A budget of false alerts for each container. */
export interface Budget {
  readonly value: number;
  readonly unit: '/day' | '/week' | '/month' | '/year';
}

const DAYS_OF: Readonly<Record<Budget['unit'], number>> = {
  '/day': 1,
  '/week': 7,
  '/month': 30,
  '/year': 365,
};

export const perWeek = ({ value, unit }: Budget): number => (value * 7) / DAYS_OF[unit];

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

/** A budget such as `1/month` or `0.5/week`, for each container. */
export function sensitivityOption() {
  const what = 'false alerts per container and time, such as 1/month, 2/week or 0.5/day';
  return z
    .string({ error: what })
    .meta({ unit: 'false alerts' })
    .transform((text, context): Budget => {
      const [, number, unit] = /^(\d{1,6}(?:\.\d{1,6})?)(\/(?:day|week|month|year))$/.exec(text) ?? [];
      const value = Number(number);
      if (value > 0) return { value, unit: unit as Budget['unit'] };
      context.addIssue({ code: 'custom', message: what });
      return z.NEVER;
    })
    .prefault('3/month')
    .describe(
      'False alerts that each container may raise, such as 1/month: limits rise by the calibration in docs/quality.md.',
    );
}
