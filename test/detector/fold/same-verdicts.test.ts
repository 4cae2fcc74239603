import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { MARK_KINDS, type Mark, spokeIn } from '../../../core/incident/mark.ts';
import type { Judged } from '../../../core/incident/verdict.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { MarkedLimits, NO_MARKS } from '../../../detector/fold/marks.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { markOf } from '../../data/marks.ts';
import { rules } from '../data/frames.ts';
import { randomFrames } from '../data/random-frames.ts';

/** Rules that judge soon, so that short runs reach every branch. */
const RULES = rules([
  { use: 'threshold', name: 'limit', above: '20kB/s', for: '5s' },
  { use: 'rolling-zscore', name: 'score', warm_up: '20s', min_samples: 4 },
  { use: 'new-peer', name: 'new-peer', learn: '1m', warm_up: '10s', volume: '100KiB' },
  { use: 'scan', name: 'scan', failed: 3, silent: 3, opened: 5, warm_up: '10s' },
  { use: 'beacon', name: 'beacon', beats: 5, learn: '10s', relearn: '1m' },
  { use: 'host', name: 'host', at_least: 2, warm_up: '10s' },
]);

const fold = createHostFold({
  fold: createFold({ rules: RULES, detectors: DETECTORS, limits: { subjects: 8, forgetMs: 200_000 } }),
  pipeline: createPipeline({ alert: { resolve_after: 20_000, critical_score: 3 }, receivers: ['chat'] }),
});

const traffic = randomFrames(1);

/** What a run says, frame by frame, without what goes no further. */
function run(
  frames: readonly Frame[],
  between: (state: ReturnType<typeof fold.init>, i: number) => ReturnType<typeof fold.init> = state => state,
  marks: (i: number) => MarkedLimits = () => NO_MARKS,
) {
  let state = fold.init();
  return frames.map((one, i) => {
    const raised = marks(i).at(one.start);
    const { state: next, stopped: _, ...said } = fold.step(between(state, i), one, raised);
    state = next;
    return said;
  });
}

function expectSound({ score, evidence: { seen, low, high, text } }: Judged): void {
  expect([score, seen, low ?? 0, high ?? 0].every(Number.isFinite)).toBe(true);
  expect(score).toBeGreaterThanOrEqual(0);
  expect(text).not.toMatch(/\p{Cc}|NaN|Infinity|undefined/u);
}

describe('verdicts, incidents and messages of random traffic', () => {
  it('are the same after a restart at any frame, and from frames that were stored as text', () => {
    fc.assert(
      fc.property(traffic, fc.array(fc.nat(59), { maxLength: 8 }), (frames, restarts) => {
        const live = run(frames);
        const stored = frames.map(one => decodeFrame(encodeFrame(one), 'the store'));
        const again = run(stored, (state, i) =>
          restarts.includes(i) ? fold.decode(fold.encode(state)) : state,
        );
        expect(again).toEqual(live);
      }),
      { numRuns: 60 },
    );
  });

  it('are the same live, where marks are made as it goes on, and in a replay that knows all of them', () => {
    const kind = fc.constantFrom(...MARK_KINDS, 'expected' as const, 'expected' as const);
    const said = fc.array(fc.record({ frame: fc.nat(40), kind, which: fc.nat(3) }), { minLength: 3 });
    const long = randomFrames(20);
    let moved = 0;
    fc.assert(
      fc.property(long, said, fc.array(fc.nat(59), { maxLength: 8 }), (frames, list, restarts) => {
        const marks: Mark[] = [];
        const raised: Incident[] = [];
        let limits = NO_MARKS;
        // Before a frame is judged its worker hears what was said of incidents raised by then.
        const hear = (i: number) => {
          for (const { kind, which } of list.filter(({ frame: n }) => n === i)) {
            const incident = raised.at(-1 - which);
            const from = frames[i]?.start ?? 0;
            if (incident)
              marks.push(
                markOf(incident, marks.length + 1, { kind, at: from, from, spoke: spokeIn(incident) }),
              );
          }
          limits = new MarkedLimits(marks);
          return limits;
        };
        let state = fold.init();
        const live = frames.map((one, i) => {
          const { state: next, stopped: _, ...output } = fold.step(state, one, hear(i).at(one.start));
          state = next;
          raised.push(...output.incidents);
          return output;
        });
        const again = run(
          frames.map(one => decodeFrame(encodeFrame(one), 'the store')),
          (before, i) => (restarts.includes(i) ? fold.decode(fold.encode(before)) : before),
          () => limits,
        );
        expect(again).toEqual(live);
        if (moved <= 5 && marks.length > 0 && JSON.stringify(live) !== JSON.stringify(run(frames))) moved++;
      }),
      { numRuns: 30 },
    );
    // Else nothing was tested.
    expect(moved).toBeGreaterThan(5);
  });

  it('are nothing, and change nothing, for frames that are delivered again', () => {
    fc.assert(
      fc.property(traffic, fc.array(fc.nat(59), { maxLength: 8 }), (frames, repeats) => {
        const again = run(frames, (state, i) => {
          if (!repeats.includes(i)) return state;
          for (const old of frames.slice(Math.max(0, i - 3), i)) {
            const before = fold.encode(state);
            const result = fold.step(state, old);
            expect(result).toMatchObject({ verdicts: [], incidents: [], detections: [], notifications: [] });
            expect(fold.encode(result.state)).toBe(before);
          }
          return state;
        });
        expect(again).toEqual(run(frames));
      }),
      { numRuns: 40 },
    );
  });

  it('hold no number that is none, and every state is within its bound', () => {
    const bounds = new Map(
      RULES.map(({ name, use, options }) => [
        name,
        DETECTORS.find(one => one.name === use)?.stateBytes(options) ?? 0,
      ]),
    );
    fc.assert(
      fc.property(traffic, frames => {
        let state = fold.init();
        for (const one of frames) {
          const result = fold.step(state, one);
          state = result.state;
          for (const verdict of result.verdicts) if (verdict.kind === 'judged') expectSound(verdict);
        }
        const kept = Object.values(state.fold.subjects.byKey).flatMap(({ states }) => Object.entries(states));
        const tooLarge = kept.filter(
          ([key, one]) => JSON.stringify(one).length > (bounds.get(key.split(' ')[0] ?? '') ?? 0),
        );
        expect(tooLarge).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
