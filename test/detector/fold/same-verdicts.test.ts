import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { MARK_KINDS, type Mark, spokeIn } from '../../../core/incident/mark.ts';
import type { Judged } from '../../../core/incident/verdict.ts';
import { compareConnections } from '../../../core/traffic/connection.ts';
import { compareFlows, type Flow } from '../../../core/traffic/flow.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { MarkedLimits, NO_MARKS } from '../../../detector/fold/marks.ts';
import { DETECTORS } from '../../../detector/index.ts';
import { markOf } from '../../data/marks.ts';
import { row, talk } from '../data/conversations.ts';
import { container, frame, rules, window } from '../data/frames.ts';

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

/** One container in one frame: who it is, what it moves, whom it talks to. */
const part = fc.record({
  who: fc.nat(4),
  /** Its name: a redeployed one has another. */
  generation: fc.nat(3),
  numbered: fc.boolean(),
  messages: fc.constantFrom(0, 1, 20, 3000),
  peer: fc.constantFrom('db', 'cache', 'nobody'),
  outside: fc.option(fc.constantFrom('8.8.8.8', '1.1.1.1', '9.9.9.9')),
  refused: fc.nat(6),
  born: fc.boolean(),
});

const trafficOf = (minLength: number) =>
  fc
    .array(
      fc.record({
        parts: fc.uniqueArray(part, { selector: ({ who }) => who, maxLength: 4 }),
        odds: fc.nat(9),
        skipped: fc.constantFrom(1, 1, 1, 1, 3, 60),
      }),
      { minLength, maxLength: 60 },
    )
    .map(list => {
      let i = 0;
      return list.map(({ parts, odds, skipped }) => {
        i += skipped;
        return frameOf(i, parts, odds === 0);
      });
    });

const traffic = trafficOf(1);

type Part = typeof part extends fc.Arbitrary<infer T> ? T : never;

function frameOf(i: number, parts: readonly Part[], incomplete: boolean): Frame {
  const names = parts.map(({ who, generation }) => `c${who}-${generation}`);
  const containers = parts.map(({ who, numbered }, n) =>
    container(names[n] ?? '', {
      service: `s${who % 2}`,
      replica: numbered ? String(who) : (names[n] ?? ''),
    }),
  );
  const own = <Row extends object>(n: number, rows: readonly Row[]) =>
    rows.map(each => ({ ...each, container: names[n] ?? '' }));
  const flows = parts.flatMap(({ peer, outside, messages }, n): Flow[] =>
    own(n, [
      ...(messages > 0 ? [talk({ peer, port: 5432 }, messages, 100, 100)] : []),
      ...(outside ? [talk({ peerKind: 'outside', port: 4444, address: outside }, 1, 200, 50, 1)] : []),
    ]),
  );
  const connections = parts.flatMap(({ outside, refused }, n) =>
    own(n, [
      ...(outside ? [row('opened', outside, 4444)] : []),
      ...Array.from({ length: refused }, (_, port) => row('failed', '10.0.0.1', port + 1)),
    ]),
  );
  const windows = parts.flatMap(({ messages }, n) =>
    messages > 0 ? [window(names[n] ?? '', 'send', messages, 100)] : [],
  );
  return frame(i, containers, windows, {
    flows: flows.sort(compareFlows),
    connections: connections.sort(compareConnections),
    started: names.filter((_, n) => parts[n]?.born).sort(),
    ...(incomplete ? { faults: ['lost-events'] as const } : {}),
  });
}

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
    const long = trafficOf(20);
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
