import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MARK_KINDS, MARK_LIFE_MS, type Mark, type Spoke } from '../../../core/incident/mark.ts';
import type { Verdict } from '../../../core/incident/verdict.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { limitsByHost, MarkedLimits, NO_MARKS } from '../../../detector/fold/marks.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { incidentOf } from '../../data/incidents.ts';
import { markOf } from '../../data/marks.ts';
import { container, frame, rules, window } from '../data/frames.ts';

const T0 = 1_700_000_000_000;
const BYTES = { direction: 'send', metric: 'bytes', view: null } as const;
const spoke = (score: number, parts: Partial<Spoke> = {}): Spoke => ({
  ...{ rule: 'limit', service: 'shop', ...BYTES, score },
  ...parts,
});

/** Marks in this order, each of another incident, made and begun at T0. */
const marks = (...said: (readonly [Mark['kind'], Spoke])[]): Mark[] =>
  said.map(([kind, one], i) => markOf(incidentOf(T0 + i), i + 1, { kind, at: T0, from: T0, spoke: [one] }));
const factorOf = (all: readonly Mark[], start = T0, series: Parameters<typeof spoke>[1] = {}) => {
  const judged = { ...BYTES, ...series };
  return new MarkedLimits(all).at(start).of('limit', 'shop')?.factor(judged) ?? 1;
};

describe('limits that marks have moved', () => {
  it.each([
    ['false-alarm', 1.5, 1.65],
    ['false-alarm', 2.7, 2.97],
    ['false-alarm', 40, 3],
    ['expected', 1.5, 1.65],
    ['expected', 40, 44],
    ['expected', 100, 50],
    ['real', 40, 1],
    ['none', 40, 1],
  ] as const)('%s of a score of %d makes a limit %d times as tolerant', (kind, score, factor) => {
    expect(factorOf(marks([kind, spoke(score)]))).toBeCloseTo(factor, 12);
  });

  it('are as high as the highest of several asks for, and what was real alarms again', () => {
    const quiet = [['false-alarm', spoke(1.2)] as const, ['expected', spoke(8)] as const];
    expect(factorOf(marks(...quiet))).toBeCloseTo(8.8, 12);
    expect(factorOf(marks(...quiet, ['real', spoke(2.2)]))).toBeCloseTo(2, 12);
    expect(factorOf(marks(['real', spoke(2.2)], ...quiet))).toBeCloseTo(2, 12);
    expect(factorOf(marks(...quiet, ['real', spoke(1.01)]))).toBe(1);
  });

  it('are of one rule, service and series; of a view that is known only of that', () => {
    const all = marks(['false-alarm', spoke(2, { view: 'level', direction: null, metric: null })]);
    const whole = { direction: null, metric: null };
    expect(factorOf(all, T0, { ...whole, view: 'level' })).toBeGreaterThan(2);
    expect(factorOf(all, T0, { ...whole, view: 'sizes' })).toBe(1);
    expect(factorOf(marks(['expected', spoke(2, whole)]), T0, { ...whole, view: 'sizes' })).toBeGreaterThan(
      2,
    );
    const limits = new MarkedLimits(marks(['expected', spoke(2)])).at(T0);
    expect(limits.of('limit', 'other')).toBeUndefined();
    expect(limits.of('limit', null)).toBeUndefined();
    expect(limits.of('other', 'shop')).toBeUndefined();
    expect(limits.of('limit', 'shop')?.factor({ ...BYTES, direction: 'receive' })).toBe(1);
    // Names that objects inherit are names like any other.
    expect(limits.of('constructor', '__proto__')).toBeUndefined();
  });

  it('hold from the beginning of a mark, until it is a year old or something else is said', () => {
    const incident = incidentOf(T0);
    const first = markOf(incident, 1, { at: T0, from: T0 + 100, spoke: [spoke(2)] });
    const second = markOf(incident, 2, { kind: 'real', at: T0 + 500, from: T0 + 700, spoke: [spoke(2)] });
    const times = [T0 + 99, T0 + 100, T0 + 699, T0 + 700, T0 + MARK_LIFE_MS];
    const heights = (all: readonly Mark[]) => times.map(start => factorOf(all, start) > 1);
    expect(heights([first])).toEqual([false, true, true, true, false]);
    expect(heights([second, first])).toEqual([false, true, true, false, false]);
  });

  it('asked in any order of times are the same as asked once', () => {
    const said = fc.record({
      incident: fc.nat(3),
      kind: fc.constantFrom(...MARK_KINDS),
      at: fc.nat(50),
      late: fc.nat(20),
      score: fc.double({ min: 1, max: 20, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(said, { maxLength: 12 }),
        fc.array(fc.nat(90), { maxLength: 40 }),
        (list, times) => {
          const all = list.map(({ incident, kind, at, late, score }, i) =>
            markOf(incidentOf(T0 + incident), i + 1, {
              ...{ kind, at: T0 + at, from: T0 + at + late, spoke: [spoke(score)] },
            }),
          );
          const limits = new MarkedLimits(all);
          for (const time of times) {
            const factor =
              limits
                .at(T0 + time)
                .of('limit', 'shop')
                ?.factor(BYTES) ?? 1;
            expect(factor).toBe(factorOf(all, T0 + time));
            expect(factor).toBeGreaterThanOrEqual(1);
            expect(factor).toBeLessThanOrEqual(22);
          }
        },
      ),
    );
  });

  it('are those of the host that is asked for', () => {
    const all = marks(['expected', spoke(2)]);
    const of = limitsByHost(all);
    expect(
      of(all[0]?.host ?? '')
        .at(T0)
        .of('limit', 'shop'),
    ).toBeDefined();
    expect(of('other')).toBe(NO_MARKS);
  });
});

describe('verdicts by limits that marks have moved', () => {
  const LIMIT = rules([{ use: 'threshold', name: 'limit', direction: 'send', above: '1kB/s', for: '0s' }]);
  const web = container('web', { service: 'shop' });
  const busy = (i: number, bytes: number) => frame(i, [web], [window('web', 'send', 1, bytes)]);

  it('have scores by the raised limit, and evidence that says so', () => {
    const fold = createFold({ rules: LIMIT, detectors: DETECTORS });
    const limits = new MarkedLimits(marks(['false-alarm', spoke(2)]).map(mark => ({ ...mark, from: 0 })));
    const [calm] = fold.step(fold.init(), busy(0, 10_000), limits.at(T0)).verdicts;
    expect(calm).toMatchObject({ kind: 'judged', evidence: { seen: 2000, high: 1000, raised: 2.2 } });
    expect(calm?.kind === 'judged' && calm.score).toBeCloseTo(1 / 1.1, 12);
    expect(calm?.kind === 'judged' && calm.evidence.text).toMatch(/; 2\.2 times as tolerant by marks$/);
    const [more] = fold.step(fold.init(), busy(0, 12_000), limits.at(T0)).verdicts;
    expect(more?.kind === 'judged' && more.score).toBeGreaterThan(1);
  });

  it('were held by the raised limit from nobody knows when on', () => {
    const waiting = rules([
      { use: 'threshold', name: 'limit', direction: 'send', above: '1kB/s', for: '5s' },
    ]);
    const fold = createFold({ rules: waiting, detectors: DETECTORS });
    const limits = new MarkedLimits(marks(['false-alarm', spoke(2)]).map(mark => ({ ...mark, from: 0 })));
    const heldBy = (...raised: Parameters<typeof fold.step>[2][]) =>
      raised.map(one => {
        const [verdict] = fold.step(fold.init(), busy(0, 12_000), one).verdicts;
        return verdict?.kind === 'judged' && [verdict.score > 1, verdict.heldMs];
      });
    expect(heldBy(undefined, limits.at(T0))).toEqual([
      [true, 5000],
      [true, undefined],
    ]);
  });

  it('of who is gone are its absence, apart from what the rule says of its traffic', () => {
    const named = rules([
      { use: 'threshold', name: 'limit', above: '1kB/s', for: '0s', match: { container: 'web' } },
    ]);
    const fold = createFold({ rules: named, detectors: DETECTORS });
    const absence = { direction: null, metric: null, view: 'absence' } as const;
    const all = marks(['expected', spoke(2, absence)]).map(mark => ({ ...mark, from: 0 }));
    const limits = new MarkedLimits(all).at(T0);
    let state = fold.step(fold.init(), frame(0, [web], []), limits).state;
    const scores = Array.from({ length: 30 }, (_, i) => {
      const result = fold.step(state, frame(i + 1, [], []), limits);
      state = result.state;
      const [gone] = result.verdicts;
      return gone?.kind === 'judged' ? gone.score : 0;
    });
    // Gone for 60 s times 2.2, in frames of 5 s.
    expect(scores.findIndex(score => score >= 1)).toBe(26);
    expect(limits.of('limit', 'shop')?.factor(BYTES)).toBe(1);
  });

  /** Two hours of an even load, then one frame of more. */
  const hours = (last: Frame[]): Frame[] => [
    ...Array.from({ length: 1440 }, (_, i) =>
      frame(i, [web], [window('web', 'send', 100 + (i % 5), 200), window('web', 'receive', 100, 200)]),
    ),
    ...last,
  ];
  const DYNAMIC = rules([{ use: 'dynamic-threshold', name: 'traffic' }]);
  const lastOf = (frames: readonly Frame[], all: readonly Mark[] = []): Verdict | undefined => {
    const fold = createFold({ rules: DYNAMIC, detectors: DETECTORS });
    const limits = new MarkedLimits(all);
    let state = fold.init();
    let last: Verdict | undefined;
    for (const one of frames) {
      const result = fold.step(state, one, limits.at(one.start));
      state = result.state;
      last = result.verdicts[0];
    }
    return last;
  };
  const burst = frame(1440, [web], [window('web', 'send', 4000, 200), window('web', 'receive', 100, 200)]);
  const viewOf = (verdict: Verdict | undefined) =>
    verdict?.kind === 'judged' ? [verdict.evidence.view, verdict.score >= 1] : [];

  it('of a detector with views move for the view that was marked: another speaks all the same', () => {
    const before = lastOf(hours([burst]));
    expect(viewOf(before)).toEqual(['by-size', true]);
    const score = before?.kind === 'judged' ? before.score : 0;
    const whole = { rule: 'traffic', direction: null, metric: null };
    const ofSize = marks(['expected', spoke(score, { ...whole, view: 'by-size' })]);
    const quieted = lastOf(
      hours([burst]),
      ofSize.map(mark => ({ ...mark, from: 0 })),
    );
    // So much of any size is another view, which has not been marked.
    expect(viewOf(quieted)).toEqual(['level', true]);
    const ofAll = marks(['expected', spoke(score, whole)]).map(mark => ({ ...mark, from: 0 }));
    expect(viewOf(lastOf(hours([burst]), ofAll))[1]).toBe(false);
  });
});
