import { describe, expect, it } from '@jest/globals';
import type { Collector } from '../../app/collector-process.ts';
import { checksOf } from '../../app/metrics/table.ts';
import { FrameStats } from '../../collector/frames/frame-stats.ts';
import { frameOf } from '../data/frames.ts';

describe('readiness of the capture', () => {
  const time = { wall: frameOf('h', 1).start, monotonic: 0 };
  const clock = { now: () => time.wall, monotonic: () => time.monotonic, sleep: async () => {} };
  const stats = new FrameStats();
  const watched = {
    ...{ collector: () => ({ stats }) as Collector, worker: () => null },
    ...{ maintenance: () => null, rules: () => null },
    ...{ queue: { depth: async () => 0 }, startup: { unreached: [] }, clock },
  };
  const failing = () => {
    const checks = checksOf(watched, { collect: true, detect: false, intervalMs: 5000 });
    return checks.find(({ name }) => name === 'capture')?.failing();
  };

  it('needs a frame, and then one every few intervals, however the wall clock is set', () => {
    expect(failing()).toBe('no frame yet');
    stats.add(frameOf('h', 0), clock.monotonic());
    expect(failing()).toBeNull();
    time.wall += 3_600_000;
    expect(failing()).toBeNull();
    time.wall -= 7_200_000;
    time.monotonic += 20_000;
    expect(failing()).toBeNull();
    time.monotonic += 1000;
    expect(failing()).toBe('no frame for 21 s');
  });
});
