import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Interval, Timeline } from '../../../collector/frames/timeline.ts';

const SECOND_NS = 1e9;
const WALL = 1_700_000_000_000;

/** Intervals of one second each; `steps`: by how much the wall clock was set before each flip, ms. */
function run(steps: readonly number[], options: { notBefore?: number; lateMs?: number } = {}): Interval[] {
  const timeline = new Timeline(options.notBefore ?? null);
  let wall = WALL;
  timeline.begin(0, { wall, boot: 0 });
  return steps.map((step, i) => {
    wall += step;
    const boot = (i + 1) * 1000 + (options.lateMs ?? 0);
    return timeline.close((i + 1) * SECOND_NS, { wall: wall + boot, boot });
  });
}

const starts = (intervals: readonly Interval[]) => intervals.map(interval => interval.start - WALL);

describe('the timeline', () => {
  it('takes times from the kernel, however late a flip is read', () => {
    for (const lateMs of [0, 5000]) {
      const intervals = run([0, 0, 0], { lateMs });
      expect(starts(intervals)).toEqual([0, 1000, 2000]);
      expect(intervals.map(interval => interval.durationMs)).toEqual([1000, 1000, 1000]);
    }
  });

  it('is not moved by the resolution of the clocks', () => {
    expect(starts(run([9, -9, 10, -10]))).toEqual([0, 1000, 2000, 3000]);
  });

  it('follows a step forward, leaving a gap', () => {
    const intervals = run([0, 3_600_000, 0]);
    expect(starts(intervals)).toEqual([0, 1000, 3_602_000]);
    expect(intervals.map(interval => interval.durationMs)).toEqual([1000, 1000, 1000]);
  });

  it('does not follow a step backward: nothing overlaps', () => {
    const intervals = run([0, -3_600_000, 0, 0]);
    expect(starts(intervals)).toEqual([0, 1000, 2000, 3000]);
    expect(intervals.map(interval => interval.durationMs)).toEqual([1000, 1000, 1000, 1000]);
  });

  it('says by how much it is ahead', () => {
    const timeline = new Timeline(null);
    timeline.begin(0, { wall: WALL, boot: 0 });
    timeline.close(SECOND_NS, { wall: WALL - 59_000, boot: 1000 });
    expect(timeline.aheadMs).toBe(60_000);
  });

  it('starts where the last interval of an earlier capture ended, when the clock was set back since', () => {
    expect(starts(run([0], { notBefore: WALL - 5000 }))).toEqual([0]);
    expect(starts(run([0, 0], { notBefore: WALL + 5000 }))).toEqual([5000, 6000]);
  });

  it('never overlaps, never goes back, whatever the clocks do', () => {
    const step = fc.integer({ min: -10_000_000, max: 10_000_000 });
    const gap = fc.oneof(fc.integer({ min: 1e6, max: 3e6 }), fc.integer({ min: 1e6, max: 1e12 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(step, gap, fc.nat(10_000))), flips => {
        const timeline = new Timeline(null);
        let [wall, ns, end] = [WALL, 0, Number.NEGATIVE_INFINITY];
        timeline.begin(ns, { wall, boot: 0 });
        for (const [moved, passed, late] of flips) {
          wall += moved;
          ns += passed;
          const boot = ns / 1e6 + late;
          const { start, durationMs } = timeline.close(ns, { wall: wall + boot, boot });
          expect(start).toBeGreaterThanOrEqual(end);
          expect(Number.isInteger(start) && Number.isInteger(durationMs) && durationMs > 0).toBe(true);
          expect(Math.abs(durationMs - passed / 1e6)).toBeLessThanOrEqual(1.5);
          end = start + durationMs;
        }
      }),
    );
  });
});
