import { describe, expect, it } from '@jest/globals';
import { formatBudget, isBudget, perWeek, sensitivityOption } from '../../core/config/budget.ts';
import { CALIBRATION, strictnessOf } from '../../detector/dynamic/sensitivity.ts';

describe('sensitivity', () => {
  it.each([
    ['1/month', 7 / 30, '1 false alert per container per month'],
    ['2/week', 2, '2 false alerts per container per week'],
    ['0.5 / day', 3.5, '0.5 false alerts per container per day'],
    ['1 false alert per container per year', 7 / 365, '1 false alert per container per year'],
    ['3 false alerts per month', 0.7, '3 false alerts per container per month'],
    ['2 a week', 2, '2 false alerts per container per week'],
    [' 4 per day ', 28, '4 false alerts per container per day'],
  ])('%p is %d false alerts per week', (text, expected, written) => {
    const budget = sensitivityOption().parse(text);
    expect(perWeek(budget)).toBeCloseTo(expected, 10);
    // As `tidegauge check` prints it, which is read again.
    expect(isBudget(budget)).toBe(true);
    expect(formatBudget(budget)).toBe(written);
    expect(sensitivityOption().parse(written)).toEqual(budget);
  });

  it.each([
    '',
    '1',
    '1/hour',
    '0/week',
    '-1/week',
    'x/day',
    '1 false alert',
    'per week',
    '1 alert per container',
    '1/constructor',
    1,
  ])('refuses %p', text => {
    expect(sensitivityOption().safeParse(text).success).toBe(false);
  });

  it.each([
    { value: 1, unit: 'B/s' },
    { value: 1, unit: 'xweek' },
    { value: 1, unit: '/constructor' },
    null,
    'x',
  ])('%j is no budget', value => {
    expect(isBudget(value)).toBe(false);
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
