import { describe, expect, it } from '@jest/globals';
import { rollingZscore } from '../../detector/rolling-zscore.ts';
import { ORDINARY, random, WINDOWS_A_DAY } from './data/traffic.ts';

/** The defaults on a day of ordinary traffic: how often they are wrong, and how often they notice a burst. */

/** Runs the default rule, or one with these options; `score(i, value)` judges one window. */
function judge(given: Record<string, unknown> = {}): (i: number, value: number) => number {
  const options = rollingZscore.options.parse(given);
  let state = rollingZscore.init(options);
  return (i, value) => {
    const input = { start: i * 5000, durationMs: 5000, direction: 'send', metric: 'bytes', value } as const;
    const result = rollingZscore.step(state, input, options);
    state = result.state;
    return 'score' in result.opinion ? result.opinion.score : 0;
  };
}

/** Alarms of a series; those within a minute of each other are one. */
function falseAlarms(values: readonly number[]): number {
  const score = judge();
  let count = 0;
  let last = -Infinity;
  values.forEach((value, i) => {
    if (score(i, value) < 1) return;
    if (i - last > 12) count++;
    last = i;
  });
  return count;
}

const EVERY = 480;

/** Share of bursts (10x the mean or the value, 30 s, every 40 minutes) that alarm within two windows. */
function caught(values: readonly number[]): number {
  // All of them are to be noticed, not only the first two.
  const score = judge({ recurs: false });
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  let hits = 0;
  values.forEach((value, i) => {
    const phase = i % EVERY;
    const burst = i >= EVERY && phase < 6;
    const s = score(i, burst ? Math.max(value, mean, 1e5) * 10 : value);
    if (burst && phase === 1 && s >= 1) hits++;
  });
  return hits / (WINDOWS_A_DAY / EVERY - 1);
}

/** Where the deviation of normal windows is itself as large as a burst, a z-score cannot see one. */
const BLIND = new Set(['a job every minute', 'sparse transfers', 'idle with transfers']);

describe.each(Object.entries(ORDINARY))('%s', (name, make) => {
  it('raises at most one false alarm a day', () => {
    expect(falseAlarms(make(random(1)))).toBeLessThanOrEqual(1);
  });

  if (BLIND.has(name)) return;
  it('does not hide a burst of ten times for more than two windows', () => {
    expect(caught(make(random(2)))).toBeGreaterThan(0.9);
  });
});
