import { describe, expect, it } from '@jest/globals';
import { createHostFold } from '../../../alert/host.ts';
import type { HostState } from '../../../alert/host-state.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import { type ExpectedRange, thousandths } from '../../../core/incident/normal.ts';
import type { Judged, Verdict } from '../../../core/incident/verdict.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { UNIT_OF } from '../../../core/traffic/series.ts';
import type { RaisedLimits } from '../../../detector/contract.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { createExpected, createNormals } from '../../../detector/fold/normal.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { container, frame, rules, window } from '../data/frames.ts';

const RULES = rules([
  { use: 'dynamic-threshold', name: 'traffic', views: ['level'] },
  { use: 'rolling-zscore', name: 'other' },
]);
const FRAMES_PER_MINUTE = 12;
const MINUTES = 45;
/** Minutes before the first row: a start, which is not learnt from, and the rule's `warm_up`. */
const WARM_UP = 17;

const fold = createHostFold({
  fold: createFold({ rules: RULES, detectors: DETECTORS }),
  pipeline: createPipeline({ alert: { resolve_after: 60_000, critical_score: 3 }, receivers: [] }),
  expectedIn: createExpected(RULES, DETECTORS),
});

/** Two containers; `web` sends five times as much for three minutes, near the end. */
const frames: readonly Frame[] = Array.from({ length: MINUTES * FRAMES_PER_MINUTE }, (_, i) => {
  const all = [container('db'), container('web')];
  const burst = i >= 40 * FRAMES_PER_MINUTE && i < 43 * FRAMES_PER_MINUTE ? 5 : 1;
  const windows = all.flatMap(({ name }) => [
    window(name, 'send', (50 + (i % 7)) * (name === 'web' ? burst : 1), 700),
    window(name, 'receive', 40 + (i % 5), 300),
  ]);
  return frame(i, all, windows);
});

interface Folded {
  readonly frame: Frame;
  readonly verdicts: readonly Verdict[];
  readonly expected: readonly ExpectedRange[];
  readonly state: HostState;
}

function* folded(raised?: RaisedLimits, each = (state: HostState) => state): Generator<Folded> {
  let state = fold.init();
  for (const one of frames) {
    const { verdicts, expected, state: next } = fold.step(state, one, raised);
    state = each(next);
    yield { frame: one, verdicts, expected, state };
  }
}

const rowsOf = (all: Iterable<Folded>): ExpectedRange[] => [...all].flatMap(({ expected }) => expected);
const nameOf = ({ container, direction, metric }: ExpectedRange): string =>
  `${container} ${direction ?? 'both'} ${metric}`;

describe('what rules expect of containers', () => {
  it('has a row of each container and quantity in the frame in which a minute ends, once the rule judges', () => {
    const rows = rowsOf(folded());
    const byStart = Map.groupBy(rows, ({ start }) => start);
    const names = ['both messages', 'receive messages', 'send bytes', 'send messages'];
    for (const [start, of] of byStart) {
      expect(new Date(start).getUTCSeconds()).toBe(55);
      expect(of.map(nameOf).sort()).toEqual(
        ['db', 'web'].flatMap(one => names.map(name => `${one} ${name}`)),
      );
    }
    expect(byStart.size).toBeGreaterThan(MINUTES - WARM_UP - 10);
    expect(Math.min(...byStart.keys())).toBeGreaterThan((frames[0]?.start ?? 0) + (WARM_UP - 1) * 60_000);
    expect(new Set(rows.map(({ rule }) => rule))).toEqual(new Set(['traffic']));
    for (const { direction, low, high } of rows) {
      if (direction === null) expect([low > 0, high]).toEqual([true, null]);
      else expect([low, (high ?? 0) > 0]).toEqual([0, true]);
    }
  });

  it('is what the page tells of the same moment', () => {
    const normalsOf = createNormals(RULES, DETECTORS);
    let compared = 0;
    for (const { frame: one, expected, state } of folded()) {
      for (const who of expected.length > 0 ? one.containers : []) {
        const [told, ...others] = normalsOf(state.fold, who, one.host);
        expect(others).toEqual([]);
        const limits = told?.normals.map(({ direction, side, unit, now }) => [
          ...[direction, unit],
          ...(side === 'low' ? [thousandths(now?.limit ?? -1), null] : [0, thousandths(now?.limit ?? -1)]),
        ]);
        const rows = expected.filter(row => row.container === who.name);
        expect(rows.map(row => [row.direction, UNIT_OF[row.metric], row.low, row.high])).toEqual(limits);
        compared += rows.length;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  it.each([1, 2.5])('is what a report draws of an incident, limits raised %d times by marks', factor => {
    const raised: RaisedLimits = { of: () => ({ factor: () => factor }) };
    let compared = 0;
    for (const { verdicts, expected } of folded(raised)) {
      for (const { evidence } of verdicts.filter(isOfMinute)) {
        const own = expected.find(
          row =>
            row.container === 'web' &&
            row.direction === evidence.direction &&
            UNIT_OF[row.metric] === evidence.unit,
        );
        if (!own) continue;
        expect(own.high).toBe(thousandths(evidence.high ?? -1));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });

  it('is the same from a checkpoint of any frame, and is not said twice', () => {
    const rows = rowsOf(folded());
    expect(rowsOf(folded(undefined, state => fold.decode(fold.encode(state))))).toEqual(rows);
    const again = [
      ...folded(undefined, state => {
        const repeated = fold.step(state, frames[0] as Frame);
        expect(repeated.expected).toEqual([]);
        return repeated.state;
      }),
    ];
    expect(rowsOf(again)).toEqual(rows);
  });

  it('is not said of an incomplete frame, which is not judged', () => {
    let state = fold.init();
    for (const one of frames.slice(0, -1)) state = fold.step(state, one).state;
    const text = fold.encode(state);
    const last = frames.at(-1) as Frame;
    const atMinute = { ...last, start: Math.ceil(last.start / 60_000) * 60_000 + 55_000 };
    expect(fold.step(fold.decode(text), atMinute).expected).not.toEqual([]);
    expect(fold.step(fold.decode(text), { ...atMinute, faults: ['lost-events'] }).expected).toEqual([]);
  });
});

/** Says what is expected of a minute of `web`. */
const isOfMinute = (verdict: Verdict): verdict is Judged =>
  verdict.kind === 'judged' &&
  verdict.scope.container === 'web' &&
  verdict.evidence.view === 'level' &&
  verdict.evidence.overMs === 60_000 &&
  verdict.evidence.high !== null;
