import { z } from 'zod';
import { duration, frequency } from '../../core/config/options.ts';
import type { Limits } from '../contract.ts';

/** Options that every kind of receiver has. */
export const limitOptions = {
  rate: z.exactOptional(frequency()).describe('Most messages in a time; none: no limit but its own answers.'),
  concurrency: z.int().min(1).max(16).default(1).describe('Messages under way at once.'),
  give_up_after: duration({ min: '1m', max: '30d' })
    .prefault('1d')
    .describe(
      'A message that fails for longer is kept as dead; `tidegauge deliveries list` shows it, `deliveries replay` tries it again.',
    ),
};

export interface LimitValues {
  readonly rate?: number;
  readonly concurrency: number;
  readonly give_up_after: number;
}

/** The limits that these options ask for. */
export const limitsOf = ({ rate = 0, concurrency, give_up_after }: LimitValues): Limits => ({
  concurrency,
  spacingMs: rate,
  giveUpMs: give_up_after,
});
