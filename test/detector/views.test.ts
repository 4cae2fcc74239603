import { describe, expect, it } from '@jest/globals';
import type { ViewName } from '../../detector/dynamic/view.ts';
import { dynamicThreshold } from '../../detector/dynamic-threshold.ts';
import { type Both, frames } from './data/containers.ts';
import { alarmsOf, run } from './data/examples.ts';
import { random } from './data/traffic.ts';

/** What each view sees beside jobs that are larger. Frames of 5 s. */

const HOUR = 720;
const START = 5 * HOUR;

/** Alarms of some views alone on traffic of which `make` says what each frame holds. */
function alarms(views: readonly ViewName[], n: number, make: (i: number) => Both): number[] {
  return alarmsOf(run(dynamicThreshold, { views }, frames(n, make)));
}

/** A job of 40 s each ten minutes, 45 times what is there besides. */
const isJob = (i: number): boolean => i % 120 < 8;

describe('burst', () => {
  const traffic = (i: number, burst: (i: number) => boolean): Both => {
    const n = isJob(i) ? 900 : burst(i) ? 250 : 20;
    return { sent: n, received: n };
  };

  it('finds 5 s that stand out, below what a job sends, in the frame after', () => {
    expect(alarms(['burst'], START + 100, i => traffic(i, at => at === START + 60))).toEqual([START + 61]);
  });

  it('takes the beginning of a job of 40 s for none', () => {
    const early = (at: number) => at >= START + 60 && at < START + 68;
    expect(alarms(['burst'], START + 100, i => traffic(i, early))).toEqual([]);
  });
});

describe('base', () => {
  const traffic = (i: number, usual: number, r: () => number): Both => {
    const n = Math.round((isJob(i) ? 900 : usual) * (0.8 + 0.4 * r()));
    return { sent: n, received: n };
  };

  it('finds that everything but the jobs is three times as much, within a quarter of an hour', () => {
    const r = random(1);
    const [first] = alarms(['base'], START + HOUR, i => traffic(i, i < START ? 20 : 60, r));
    expect(first).toBeGreaterThan(START);
    expect(first).toBeLessThan(START + HOUR / 4);
  });

  it('takes a job that goes on for half an hour for none', () => {
    const r = random(2);
    const isLong = (i: number) => i >= START && i < START + HOUR / 2;
    expect(alarms(['base'], START + 2 * HOUR, i => traffic(i, isLong(i) ? 900 : 20, r))).toEqual([]);
  });
});

describe('by-size', () => {
  const job = (i: number): Both => ({ sent: isJob(i) ? 900 : 0, received: isJob(i) ? 900 : 0 });

  it('finds messages of a size that jobs do not have, far fewer than theirs', () => {
    const seen = alarms(['by-size'], START + 100, i =>
      i === START + 60 ? { sent: 60, received: 0, sentSize: 100 } : job(i),
    );
    expect(seen[0]).toBe(START + 60);
  });

  it('finds one message in each frame between the jobs, and names its size', () => {
    const inputs = frames(START + HOUR / 2, i =>
      i >= START && !isJob(i) ? { sent: 1, received: 0, sentSize: 100 } : job(i),
    );
    const opinions = run(dynamicThreshold, { views: ['by-size'] }, inputs);
    const [first] = alarmsOf(opinions);
    expect(first).toBeGreaterThan(START);
    expect(opinions[first ?? 0]).toMatchObject({
      evidence: { text: expect.stringMatching(/^messages sent of 64 to 127 B pause .*% of the time/) },
    });
  });

  it('takes nothing that recurs for news', () => {
    expect(alarms(['by-size'], START + 2 * HOUR, job)).toEqual([]);
  });
});
