import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mean, variance } from 'simple-statistics';
import type { SeriesInput } from '../../detector/contract.ts';
import { rollingZscore } from '../../detector/rolling-zscore.ts';
import { emptyBaseline, learn, single, total } from '../../detector/shared/baseline.ts';
import { alarmsOf, run } from './data/examples.ts';

const series = (stepMs: number, values: readonly number[]): SeriesInput[] =>
  values.map((value, i) => ({
    start: i * stepMs,
    durationMs: stepMs,
    direction: 'send',
    metric: 'bytes',
    value,
  }));
const opinions = (options: Record<string, unknown>, stepMs: number, values: readonly number[]) =>
  run(rollingZscore as never, options, series(stepMs, values) as never[]);
const alarms = (options: Record<string, unknown>, stepMs: number, values: readonly number[]) =>
  alarmsOf(opinions(options, stepMs, values));
const repeat = (n: number, ...values: number[]) => Array.from({ length: n }, () => values).flat();

describe('the baseline', () => {
  const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 });

  it('is mean and variance of all values while they fit into the window', () => {
    fc.assert(
      fc.property(values, list => {
        const base = list.reduce((b, value) => learn(b, single(value, 1000), 1e9), emptyBaseline());
        const known = total(base);
        expect(known.n).toBe(list.length);
        expect(known.mean).toBeCloseTo(mean(list), 3);
        const exact = variance(list);
        expect(Math.abs(known.variance - exact)).toBeLessThanOrEqual(1e-9 * exact + 1e-3);
      }),
    );
  });

  it('covers the window to within a slice of it, at any interval, and stays small', () => {
    for (const ms of [200, 5000, 60_000]) {
      let base = emptyBaseline();
      for (let i = 0; i < 4 * (900_000 / ms); i++) base = learn(base, single(i, ms), 900_000);
      expect(total(base).ms).toBeGreaterThanOrEqual(900_000 - 60_000);
      expect(total(base).ms).toBeLessThanOrEqual(900_000 + 60_000);
      expect(base.slices.length).toBeLessThanOrEqual(15);
    }
  });
});

describe('warming up', () => {
  it('needs both time and windows', () => {
    const firstJudged = (stepMs: number) =>
      opinions({ warm_up: '1m', min_samples: 6 }, stepMs, repeat(400, 1e5)).findIndex(o => 'score' in o);
    expect(firstJudged(200)).toBe(300);
    expect(firstJudged(5000)).toBe(12);
    expect(firstJudged(60_000)).toBe(6);
  });

  it('is short enough for a demonstration when it is told to be', () => {
    const quick = { warm_up: '20s', min_samples: 10, for: '2s', window: '5m' };
    const steady = [9e4, 1e5, 1.1e5, 1e5];
    for (const stepMs of [500, 1000]) {
      const n = 10_000 / stepMs;
      const values = [...repeat(n, ...steady), ...repeat(5, 1e6)];
      expect(alarms(quick, stepMs, values)[0]).toBe(4 * n + 2000 / stepMs - 1);
    }
  });
});

describe('what does not alarm', () => {
  it.each([
    ['zeros', repeat(500, 0)],
    ['a flat line that moves by a hair', [...repeat(300, 5e6), ...repeat(10, 5e6 + 1), ...repeat(10, 5.5e6)]],
    ['anything below the floor', [...repeat(300, 10), ...repeat(10, 60_000)]],
    ['a fall, when only what is above matters', [...repeat(300, 5e6), ...repeat(10, 0)]],
    ['single spikes every minute', repeat(40, ...repeat(11, 1e5), 5e6)],
    ['a slow ramp', Array.from({ length: 2000 }, (_, i) => 1e5 * (1 + i / 200))],
  ])('%s', (_, values) => expect(alarms({}, 5000, values)).toEqual([]));
});

describe('gaps', () => {
  const firstAlarm = (gapMs: number) => {
    const values = [...repeat(100, 1e5), 2e6, 2e6, 2e6];
    const inputs = series(5000, values).map((input, i) => ({
      ...input,
      start: input.start + (i > 100 ? gapMs : 0),
    }));
    return alarmsOf(run(rollingZscore as never, {}, inputs as never[]))[0];
  };

  it('a short one does not break a deviation, a long one does', () => {
    expect(firstAlarm(10_000)).toBe(101);
    expect(firstAlarm(10_001)).toBe(102);
  });

  it('do not age the baseline: after a night it is what it was', () => {
    const evening = series(5000, repeat(100, 1e5));
    const morning = series(5000, [2e6, 2e6]).map(input => ({
      ...input,
      start: input.start + 10 * 3_600_000,
    }));
    expect(alarmsOf(run(rollingZscore as never, {}, [...evening, ...morning] as never[]))).toEqual([101]);
  });
});

describe('deviations', () => {
  const normal = repeat(100, 9e4, 1e5, 1.1e5);

  it('do not enter the baseline: what is expected is the same after a burst', () => {
    const [before, after] = [[], repeat(20, 2e6)].map(burst => {
      const last = opinions({}, 5000, [...normal, ...burst, 1e5]).at(-1);
      return last && 'score' in last ? last.evidence.high : null;
    });
    expect(after).toBe(before);
  });

  it('that last alarm once and are then normal; so is the way back', () => {
    const found = alarms({ relearn: '5m' }, 5000, [...normal, ...repeat(400, 2e6), ...normal]);
    expect(found).toEqual(Array.from({ length: 59 }, (_, i) => 301 + i));
  });

  it('that last with a dip now and then are relearned too', () => {
    const shift = repeat(30, ...repeat(5, 2e6), 1e5);
    const found = alarms({ relearn: '5m', for: '0s' }, 5000, [...normal, ...shift]);
    expect(found.at(-1)).toBeLessThan(300 + 100);
  });

  it('on both sides alarm on the logarithmic scale', () => {
    const options = { side: 'both', scale: 'log', limit: 5, for: '0s' };
    const high = opinions(options, 5000, [...normal.map(v => 10 * v), 2e7]).at(-1);
    expect(high).toMatchObject({ evidence: { seen: 2e7, unit: 'B/s' } });
    expect(high && 'score' in high && high.score).toBeGreaterThan(1);
    expect(alarms(options, 5000, [...normal.map(v => 10 * v), 0])).toEqual([300]);
  });

  it('are explained: the band is where the score is 1', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e5, max: 1e6, noNaN: true }), { minLength: 30, maxLength: 60 }),
        fc.constantFrom('linear', 'log'),
        (values, scale) => {
          const options = { scale, for: '0s' };
          const last = opinions(options, 5000, [...values, 1]).at(-1);
          const high = last && 'score' in last ? last.evidence.high : null;
          expect(alarms(options, 5000, [...values, (high ?? 0) * 1.001])).toEqual([values.length]);
          expect(alarms(options, 5000, [...values, (high ?? 0) * 0.999])).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('say what was seen and expected', () => {
    const said = (options: Record<string, unknown>, value: number) => {
      const last = opinions({ for: '0s', ...options }, 5000, [...repeat(100, 1024 * 1024), value]).at(-1);
      return last && 'score' in last ? last.evidence.text : '';
    };
    expect(said({}, 12 * 1024 * 1024)).toBe('12 MiB/s, expected up to 3 MiB/s');
    expect(said({ side: 'both', limit: 2 }, 12 * 1024 * 1024)).toBe(
      '12 MiB/s, expected 512 KiB/s to 1.5 MiB/s',
    );
    expect(said({ side: 'below', limit: 2 }, 0)).toBe('0 B/s, expected at least 512 KiB/s');
  });
});

describe('what recurs', () => {
  const MINUTE = 60_000;
  /** Days of ordinary traffic a minute, with a load of 40 times as much in the minutes that `isBusy` says. */
  const days = (n: number, isBusy: (minute: number) => boolean) =>
    Array.from({ length: n * 1440 }, (_, i) => 1e5 * (1 + 0.1 * Math.sin(i * 1.7)) * (isBusy(i) ? 40 : 1));
  /** Alarms that follow each other within ten minutes are one incident. */
  const incidents = (values: readonly number[], options: Record<string, unknown> = {}) => {
    const found = alarms({ for: '1m', ...options }, MINUTE, values);
    return found.filter((at, i) => i === 0 || at - (found[i - 1] ?? 0) > 10).length;
  };

  it.each([
    ['each ten minutes', 2, (minute: number) => minute % 10 < 1],
    ['each hour', 3, (minute: number) => minute % 60 < 3],
    ['each night', 8, (minute: number) => minute % 1440 < 20],
    ['on each working morning', 12, (m: number) => m % 1440 > 540 && m % 1440 < 1000 && (m / 1440) % 7 < 5],
  ] as const)('alarms twice at most, ever: %s', (_, n, isBusy) => {
    const values = days(n, minute => minute > 200 && isBusy(minute));
    expect(incidents(values)).toBeLessThanOrEqual(2);
    expect(incidents(values)).toBeGreaterThan(0);
  });

  it('is news when it is larger, and all of it is where it is not to be known', () => {
    const values = days(4, minute => minute > 200 && minute % 60 < 3);
    const last = values.length - 2;
    values[last] = 1e7;
    expect(alarms({ for: '1m' }, MINUTE, values).at(-1)).toBe(last);
    expect(incidents(values, { recurs: false })).toBeGreaterThan(80);
  });
});
