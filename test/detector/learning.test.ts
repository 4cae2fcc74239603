import { describe, expect, it } from '@jest/globals';
import { learningIn } from '../../core/incident/learning.ts';
import type { Abstained } from '../../core/incident/verdict.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { DETECTORS } from '../../detector/index.ts';
import { container, frame, rules, window } from './data/frames.ts';

const members = ['a', 'b', 'c'].map(name => container(name, { service: 'web' }));

/** What a rule says while it learns ordinary traffic, and the start of the first frame that it judges. */
function learn(written: Record<string, unknown>, durationMs: number): { told: Abstained[]; judged: number } {
  const fold = createFold({ rules: rules([{ ...written, name: 'rule' }]), detectors: DETECTORS });
  const windows = members.map(({ name }) => window(name, 'receive', 100, 100));
  const told: Abstained[] = [];
  let state = fold.init();
  for (let start = 1_700_000_000_000; ; start += durationMs) {
    const step = fold.step(state, frame(0, members, windows, { start, durationMs }));
    state = step.state;
    const learning = learningIn(step.verdicts);
    if (learning.length === 0) return { told, judged: start };
    told.push(...learning);
  }
}

describe.each([
  { use: 'threshold', rises_by: '3x', within: '1m', at_least: '1kB/s', for: '0s' },
  { use: 'rolling-zscore' },
  { use: 'dynamic-threshold' },
  { use: 'siblings' },
  { use: 'scan' },
  { use: 'beacon' },
  { use: 'new-peer' },
  { use: 'host' },
  { use: 'kpi' },
])('$use', written => {
  it.each([1000, 5000, 60_000])(
    'says from its first frame on when it will judge, in frames of %i ms',
    durationMs => {
      const { told, judged } = learn(written, durationMs);
      expect(told.length).toBeGreaterThan(0);
      // To within a frame; a level of before is known by eighths of the time looked back to.
      const slack = written.use === 'threshold' ? 7500 + durationMs : durationMs;
      for (const { until } of told) expect(Math.abs((until ?? 0) - judged)).toBeLessThanOrEqual(slack);
    },
  );
});
