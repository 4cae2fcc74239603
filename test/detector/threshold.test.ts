import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SeriesInput } from '../../detector/contract.ts';
import { add, type History, historyBytes } from '../../detector/shared/history.ts';
import { threshold } from '../../detector/threshold.ts';
import { alarmsOf, run } from './data/examples.ts';

/** Consecutive frames of `stepMs`; a number as a value, or [ms of gap before it, value]. */
function series(
  stepMs: number,
  values: readonly (number | null | readonly [gapMs: number, value: number])[],
) {
  let start = 1_700_000_000_000;
  return values.map((item): SeriesInput => {
    const [gap, value] = Array.isArray(item) ? item : [0, item as number | null];
    start += gap;
    const input = { start, durationMs: stepMs, direction: 'send' as const, metric: 'bytes' as const, value };
    start += stepMs;
    return input;
  });
}

const scores = (options: Record<string, unknown>, inputs: readonly SeriesInput[]) =>
  run(threshold as never, options, inputs as never[]).map(o => ('score' in o ? o.score : o.abstain));
const alarms = (options: Record<string, unknown>, inputs: readonly SeriesInput[]) =>
  alarmsOf(run(threshold as never, options, inputs as never[]));
const repeat = (n: number, value: number) => Array.from({ length: n }, () => value);

describe('scores', () => {
  it('are 1 at the limit and proportional around it', () => {
    expect(scores({ above: '100B/s', for: '0s' }, series(5000, [0, 50, 99, 100, 250]))).toEqual([
      0, 0.5, 0.99, 1, 2.5,
    ]);
    expect(scores({ below: '100B/s', for: '0s' }, series(5000, [400, 200, 100, 50, 0]))).toEqual([
      0.25, 0.5, 1, 2, 100,
    ]);
  });

  it('stay below 1 until the limit was held long enough, however far it is exceeded', () => {
    const held = scores({ above: '100B/s', for: '20s' }, series(5000, [50, 1e9, 1e9, 1e9, 1e9, 50, 1e9]));
    expect(held).toEqual([0.25, 0.625, 0.75, 0.875, 100, 0.25, 0.625]);
  });

  it('alarm after the same time at any interval', () => {
    for (const stepMs of [200, 1000, 5000, 10_000]) {
      const [first] = alarms(
        { above: '100B/s', for: '30s' },
        series(stepMs, repeat(30_000 / stepMs + 5, 200)),
      );
      expect(first).toBe(30_000 / stepMs - 1);
    }
    expect(alarms({ above: '100B/s', for: '30s' }, series(60_000, [200]))).toEqual([0]);
  });

  it('grow with the value', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e9), (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const of = (value: number) =>
          Number(scores({ above: '1MB/s', for: '10s' }, series(5000, [value]))[0]);
        expect(of(low)).toBeLessThanOrEqual(of(high));
        expect(of(high)).toBeLessThan(1);
      }),
    );
  });
});

describe('gaps', () => {
  it('a short one neither holds nor breaks, a long one breaks', () => {
    const options = { above: '100B/s', for: '20s' };
    expect(alarms(options, series(5000, [200, 200, [15_000, 200], 200, 200]))).toEqual([3, 4]);
    expect(alarms(options, series(5000, [200, 200, 200, [25_000, 200], 200, 200, 200]))).toEqual([6]);
  });

  it('a window without a value counts for nothing', () => {
    expect(scores({ above: '100B/s', for: '15s' }, series(5000, [200, null, 200, null, 200]))).toEqual([
      expect.closeTo(2 / 3),
      'no value',
      expect.closeTo(5 / 6),
      'no value',
      2,
    ]);
  });
});

describe('changes', () => {
  it('compare with the level a while ago: a step is seen for that long', () => {
    const values = [...repeat(30, 100), ...repeat(40, 400)];
    const found = alarms({ rises_by: '3x', at_least: '1B/s', within: '1m', for: '0s' }, series(5000, values));
    expect(found[0]).toBe(30);
    expect(found.length).toBeGreaterThanOrEqual(12);
    expect(found.length).toBeLessThanOrEqual(14);
  });

  it('do the same at any interval', () => {
    for (const stepMs of [200, 1000, 5000, 20_000]) {
      const n = 300_000 / stepMs;
      const values = [...repeat(n, 100), ...repeat(n, 400)];
      const found = alarms({ rises_by: '250B/s', within: '1m', for: '0s' }, series(stepMs, values));
      expect(found[0]).toBe(n);
      expect((found.length * stepMs) / 1000).toBeGreaterThanOrEqual(60);
      expect((found.length * stepMs) / 1000).toBeLessThanOrEqual(80);
    }
  });

  it('see falls, and ignore both below `at_least`', () => {
    const fall = { falls_by: '3x', at_least: '1kB/s', within: '10s', for: '0s' };
    expect(alarms(fall, series(5000, [...repeat(6, 3000), 900]))).toEqual([6]);
    expect(alarms(fall, series(5000, [...repeat(6, 900), 0]))).toEqual([]);
  });

  it('warm up, also after a gap: nothing is interpolated', () => {
    const options = { rises_by: '3x', at_least: '1B/s', within: '10s', for: '0s' };
    expect(scores(options, series(5000, [100, 100, 100, 100, [600_000, 900], 900]))).toEqual([
      'warming up',
      'warming up',
      expect.closeTo(1 / 3),
      expect.closeTo(1 / 3),
      'warming up',
      'warming up',
    ]);
  });

  it('remember no more than they need, at any interval', () => {
    for (const stepMs of [200, 5000, 60_000]) {
      let history: History = [];
      for (let i = 0; i < 2000; i++) {
        history = add(history, { start: i * stepMs, durationMs: stepMs, value: 1 / 3 }, 60_000);
        expect(JSON.stringify(history).length).toBeLessThanOrEqual(historyBytes);
      }
    }
  });

  it('show what they compare with', () => {
    const opinions = run(
      threshold as never,
      { rises_by: '3x', at_least: '1B/s', within: '10s', for: '0s' },
      series(5000, [2048, 2048, 10_240]) as never[],
    );
    expect(opinions[2]).toEqual({
      score: expect.closeTo(5 / 3),
      evidence: {
        seen: 10_240,
        low: null,
        high: 6144,
        unit: 'B/s',
        text: '10 KiB/s, held 5s, expected below 6 KiB/s (10s before: 2 KiB/s)',
      },
    });
  });
});
