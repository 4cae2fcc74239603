import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import type { SeriesInput } from '../../detector/contract.ts';
import { DEFAULT_RULES, DETECTORS } from '../../detector/index.ts';
import { run, wrongExamples } from './data/examples.ts';
import { rules } from './data/frames.ts';

/** What every detector of the table promises. */
const value = fc.oneof(
  fc.constant(null),
  fc.constant(0),
  fc.double({ min: 0, max: 1e12, noNaN: true }),
  fc.integer({ min: 0, max: 1e6 }),
);

/** Frames of one cadence with jitter and gaps. */
const inputs = fc
  .record({
    cadence: fc.constantFrom(200, 1000, 5000, 60_000),
    direction: fc.constantFrom('send' as const, 'receive' as const),
    values: fc.array(fc.record({ value, gap: fc.constantFrom(0, 0, 0, 0, 1, 50), jitter: fc.nat(50) }), {
      maxLength: 200,
    }),
  })
  .map(({ cadence, direction, values }) => {
    let start = 1_700_000_000_000;
    return values.map(({ value, gap, jitter }): Omit<SeriesInput, 'metric'> => {
      start += gap * cadence;
      const input = { start, durationMs: cadence + jitter, direction, value };
      start += cadence + jitter;
      return input;
    });
  });

it('has unique names', () => {
  expect(new Set(DETECTORS.map(detector => detector.name)).size).toBe(DETECTORS.length);
});

it('has default rules that the configuration accepts', () => {
  expect(rules(DEFAULT_RULES).map(rule => rule.name)).toEqual(DEFAULT_RULES.map(rule => rule.name));
});

describe.each(DETECTORS)('$name', detector => {
  it('does what its examples say', () => {
    expect(detector.examples.length).toBeGreaterThan(0);
    expect(wrongExamples(detector)).toEqual([]);
  });

  it('describes each of its options', () => {
    const schema = z.toJSONSchema(detector.options, { io: 'input' });
    for (const [key, option] of Object.entries(schema.properties ?? {})) {
      expect([key, typeof option === 'object' && option.description]).toEqual([key, expect.any(String)]);
    }
  });

  const { scope } = detector;
  if (scope !== 'series') return;

  const settings = fc.constantFrom(...detector.examples.map(example => example.options));

  it('gives finite scores and printable evidence, and keeps its state plain and small', () => {
    fc.assert(
      fc.property(settings, inputs, (written, series) => {
        const options = detector.options.parse(written);
        const metric = detector.series(options)[0]?.metric ?? 'bytes';
        let state = detector.init(options);
        let plain = detector.init(options);
        for (const input of series) {
          const a = detector.step(state, { ...input, metric }, options);
          const b = detector.step(JSON.parse(JSON.stringify(plain)), { ...input, metric }, options);
          expect(b).toEqual(a);
          state = a.state;
          plain = b.state;
          expect(JSON.stringify(state).length).toBeLessThanOrEqual(detector.stateBytes(options));
          if ('abstain' in a.opinion) continue;
          expect(a.opinion.score).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(a.opinion.score)).toBe(true);
          expect(a.opinion.evidence.text).toMatch(/^[\x20-\x7e]+$/);
          const { seen, low, high } = a.opinion.evidence;
          expect([seen, low ?? 0, high ?? 0].every(Number.isFinite)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says so when there is no value', () => {
    const none = { start: 0, durationMs: 5000, direction: 'send', metric: 'mean-size', value: null } as const;
    for (const example of detector.examples) {
      expect(run(detector, example.options, [none])).toEqual([{ abstain: 'no value' }]);
    }
  });
});
