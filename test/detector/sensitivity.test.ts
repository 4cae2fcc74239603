import { describe, expect, it } from '@jest/globals';
import { CALIBRATION, perWeek, sensitivityOption, strictnessOf } from '../../detector/dynamic/sensitivity.ts';

describe('sensitivity', () => {
  it.each([
    ['1/month', 7 / 30],
    ['2/week', 2],
    ['0.5/day', 3.5],
    ['1/year', 7 / 365],
  ])('%s is %d false alerts per week', (text, expected) => {
    const budget = sensitivityOption().parse(text);
    expect(perWeek(budget)).toBeCloseTo(expected, 10);
    // As `tidegauge check` prints it.
    expect(`${budget.value}${budget.unit}`).toBe(text);
  });

  it.each(['', '1', '1/hour', '0/week', '-1/week', 'x/day', 1])('refuses %p', text => {
    expect(sensitivityOption().safeParse(text).success).toBe(false);
  });

  it('limits are those of the table at its rows, and in between for what is in between', () => {
    const limitFor = (value: number) => strictnessOf({ value, unit: '/week' });
    for (const row of CALIBRATION) expect(limitFor(row.perWeek)).toBeCloseTo(row.strictness, 10);
    const budgets = [10, 1, 0.5, 0.1, 0.03, 0.01, 0.0001];
    const limits = budgets.map(limitFor);
    expect([...limits].sort((a, b) => a - b)).toEqual(limits);
    expect(limits.every(Number.isFinite)).toBe(true);
  });
});
