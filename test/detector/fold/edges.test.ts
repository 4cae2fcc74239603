import { describe, expect, it } from '@jest/globals';
import type { Verdict } from '../../../core/incident/verdict.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../../detector/index.ts';
import { container, frame, rules, window } from '../data/frames.ts';

/** Traffic at the edges of what numbers and clocks can be, as the default rules and those of old judge it. */

const RULES = rules([
  ...DEFAULT_RULES,
  { use: 'rolling-zscore', name: 'zscore' },
  { use: 'kpi', name: 'kpi' },
]);
const web = container('web', { id: 'web' });
const MINUTES = 180;

/** Minute `i` of one container that sends and receives `messages` of 100 bytes. */
const minute = (i: number, messages: number, more: Partial<Frame> = {}): Frame => {
  const windows =
    messages === 0 ? [] : [window('web', 'send', messages, 100), window('web', 'receive', messages, 100)];
  const start = 1_700_000_000_000 + i * 60_000;
  return frame(0, [web], windows, { start, durationMs: 60_000, previous: start - 60_000, ...more });
};

/** What is said of each frame. The state goes through JSON in between, and holds no number that is none. */
function said(frames: readonly Frame[]): Verdict[][] {
  const fold = createFold({ rules: RULES, detectors: DETECTORS });
  let state = fold.init();
  return frames.map(one => {
    const step = fold.step(state, one);
    const text = JSON.stringify([step.state, step.verdicts], (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? 'no number' : value,
    );
    expect(text).not.toContain('no number');
    state = JSON.parse(JSON.stringify(step.state));
    return step.verdicts;
  });
}

/** Frames that alarm, by their index. */
const alarms = (all: readonly Verdict[][]): number[] =>
  all.flatMap((verdicts, i) => (verdicts.some(one => one.kind === 'judged' && one.score >= 1) ? [i] : []));

const steady = (n: number, messages: number): Frame[] =>
  Array.from({ length: n }, (_, i) => minute(i, messages));

describe('all rules', () => {
  it.each([0, 1, 7, 600])(
    'say nothing of a container that sends %d messages a minute, for ever',
    messages => {
      expect(alarms(said(steady(MINUTES, messages)))).toEqual([]);
    },
  );

  it('are one alarm of a minute of fifty times as much, which is over with what is summed over ten minutes', () => {
    const spike = [
      ...steady(MINUTES, 600),
      minute(MINUTES, 30_000),
      ...steady(60, 600).map((_, k) => minute(MINUTES + 1 + k, 600)),
    ];
    const seen = alarms(said(spike));
    expect(seen.length).toBeLessThanOrEqual(12);
    expect(seen).toEqual(seen.map((_, k) => MINUTES + k));
    expect(seen).not.toEqual([]);
  });

  it('have numbers of messages and bytes of 2^53 in them, and go on', () => {
    const counters = (i: number) => {
      const messages = i % 50 === 49 ? 2 ** 53 : 600;
      const windows = [{ ...window('web', 'send', messages, 1), bytes: 2 ** 53 }];
      return minute(i, 600, { windows });
    };
    const all = said(Array.from({ length: MINUTES }, (_, i) => counters(i)));
    expect(alarms(all)).toContain(49);
  });

  it('say nothing of frames that a clock set back has sent twice, nor of a gap of a day', () => {
    const before = steady(MINUTES, 600);
    const back = Array.from({ length: 30 }, (_, i) => minute(MINUTES - 30 + i, 600));
    const later = Array.from({ length: 30 }, (_, i) => minute(MINUTES + 1440 + i, 600));
    const all = said([...before, ...back, ...later]);
    expect(all.slice(MINUTES, MINUTES + 30).flat()).toEqual([]);
    expect(alarms(all)).toEqual([]);
  });

  it('abstain at a single window, with the reason', () => {
    const [only = []] = said([minute(0, 600)]);
    expect(only.length).toBeGreaterThan(0);
    for (const one of only) expect(one.kind).toBe('abstained');
  });

  it('neither judge nor learn a frame that is incomplete', () => {
    const incomplete = minute(MINUTES, 30_000, { faults: ['lost-events'] });
    const all = said([...steady(MINUTES, 600), incomplete, minute(MINUTES + 1, 600)]);
    expect(alarms(all)).toEqual([]);
    for (const one of all[MINUTES] ?? []) {
      expect(one).toMatchObject({ kind: 'abstained', reason: 'incomplete frame' });
    }
  });
});
