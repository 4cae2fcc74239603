import { z } from 'zod';

const DAYS_OF = { '/day': 1, '/week': 7, '/month': 30, '/year': 365 } as const;

/** How many false alerts somebody is ready to bear of each container in a time. */
export interface Budget {
  readonly value: number;
  readonly unit: keyof typeof DAYS_OF;
}

const TEXT =
  /^(?<value>\d{1,6}(?:\.\d{1,6})?)\s*(?:false alerts?)?\s*(?:per container)?\s*(?:\/|per|an?)\s*(?<time>day|week|month|year)$/;

/** `1 false alert per container per month`, `2 per week` or `1/month`; null when it is none, or 0. */
export function parseBudget(text: string): Budget | null {
  const { value, time } = TEXT.exec(text.trim())?.groups ?? {};
  return Number(value) > 0 ? { value: Number(value), unit: `/${time}` as Budget['unit'] } : null;
}

/** `1 false alert per container per month`: what `parseBudget` reads. */
export const formatBudget = ({ value, unit }: Budget): string =>
  `${value} false ${value === 1 ? 'alert' : 'alerts'} per container per ${unit.slice(1)}`;

export const isBudget = (value: unknown): value is Budget =>
  typeof value === 'object' &&
  value !== null &&
  'value' in value &&
  'unit' in value &&
  typeof value.unit === 'string' &&
  Object.hasOwn(DAYS_OF, value.unit);

/** False alerts per container and week. */
export const perWeek = ({ value, unit }: Budget): number => (value * 7) / DAYS_OF[unit];

/** The option `sensitivity`: a budget as `parseBudget` reads it. */
export function sensitivityOption() {
  const what = 'a budget of false alerts, such as `1 false alert per container per month` or 2/week';
  return z
    .string({ error: what })
    .meta({ unit: 'false alerts' })
    .transform((text, context): Budget => {
      const budget = parseBudget(text);
      if (budget !== null) return budget;
      context.addIssue({ code: 'custom', message: what });
      return z.NEVER;
    })
    .prefault('3 false alerts per container per month')
    .describe(
      'How many false alerts one is ready to bear, per day, week, month or year, such as `1 false alert per container per month` (short: `1/month`): the fewer, the higher all limits, by the calibration in docs/quality.md.',
    );
}
