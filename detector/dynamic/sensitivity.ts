import { z } from 'zod';

/** How many false alerts one is ready to bear, and what that makes of the limits. */

const WEEK_DAYS = 7;
const DAYS_OF: Readonly<Record<string, number>> = { day: 1, week: WEEK_DAYS, month: 30, year: 365 };

/**
 * False alerts per container and week after the first week, by what limits are multiplied with: measured on simulated
 * traffic (`npm run quality`, docs/quality.md), strictest last.
 */
export const CALIBRATION: readonly { readonly strictness: number; readonly perWeek: number }[] = [
  { strictness: 0.8, perWeek: 1 },
  { strictness: 1, perWeek: 7 / 30 },
  { strictness: 1.25, perWeek: 0.1 },
  { strictness: 1.6, perWeek: 0.05 },
  { strictness: 2.5, perWeek: 0.01 },
];

/** What limits are multiplied with for so many false alerts per container and week; the ends of the table bound it. */
export function strictnessOf(perWeek: number): number {
  const above = CALIBRATION.findIndex(row => row.perWeek <= perWeek);
  const high = CALIBRATION[above === -1 ? CALIBRATION.length - 1 : above];
  const low = CALIBRATION[Math.max(0, above === -1 ? CALIBRATION.length - 1 : above - 1)];
  if (!high || !low || high === low) return high?.strictness ?? 1;
  const part = Math.log(low.perWeek / perWeek) / Math.log(low.perWeek / high.perWeek);
  return low.strictness + (high.strictness - low.strictness) * part;
}

/** A budget such as `1/month` or `0.5/week`, for each container; false alerts per week inside. */
export function sensitivityOption() {
  const what = 'false alerts per container and time, such as 1/month, 2/week or 0.5/day';
  return z
    .string({ error: what })
    .meta({ unit: 'false alerts per container' })
    .transform((text, context): number => {
      const [, number, unit] = /^(\d+(?:\.\d+)?)\/(day|week|month|year)$/.exec(text) ?? [];
      const perWeek = (Number(number) * WEEK_DAYS) / (DAYS_OF[unit ?? ''] ?? Number.NaN);
      if (perWeek > 0 && Number.isFinite(perWeek)) return perWeek;
      context.addIssue({ code: 'custom', message: what });
      return z.NEVER;
    })
    .prefault('1/month')
    .describe(
      'How many false alerts each container may raise: limits are set for it by the calibration in docs/quality.md.',
    );
}
