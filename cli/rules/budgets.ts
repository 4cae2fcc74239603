import { formatBudget, isBudget, perWeek } from '../../core/config/budget.ts';
import type { Rule } from '../../core/config/config.ts';
import { leastPerWeek } from '../../detector/dynamic/sensitivity.ts';

/** A line for each rule with a budget of false alerts that is smaller than any that was measured. */
export function unreachableBudgets(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ name, options, overrides = [] }) =>
    [options, ...overrides.map(override => override.options)].flatMap(given => {
      const budget = sensitivityIn(given);
      if (budget === null || perWeek(budget) >= leastPerWeek) return [];
      const least = formatBudget({ value: leastPerWeek, unit: '/week' });
      return [
        `rule ${name}: sensitivity ${formatBudget(budget)}: limits are as high as they go, ${least} was measured with them (docs/quality.md)`,
      ];
    }),
  );
}

function sensitivityIn(options: unknown) {
  const isGraded = typeof options === 'object' && options !== null && 'sensitivity' in options;
  return isGraded && isBudget(options.sensitivity) ? options.sensitivity : null;
}
