import { describe, expect, it } from '@jest/globals';
import type { Collector } from '../../app/collector-process.ts';
import { checksOf } from '../../app/metrics/table.ts';
import { FrameStats } from '../../collector/frames/frame-stats.ts';
import type { WorkerStatus } from '../../worker/worker.ts';
import { frameOf } from '../data/frames.ts';

describe('readiness of the capture', () => {
  const time = { wall: frameOf('h', 1).start, monotonic: 0 };
  const clock = { now: () => time.wall, monotonic: () => time.monotonic, sleep: async () => {} };
  const stats = new FrameStats();
  const watched = {
    ...{ collector: () => ({ stats }) as Collector, worker: () => null },
    ...{ maintenance: () => null, rules: () => null, learning: () => null },
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

describe('readiness of a detector', () => {
  const clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} };
  const failing = (status: Partial<WorkerStatus>) => {
    const watched = {
      ...{
        collector: () => null,
        worker: () => ({ storeDown: null, stateDown: null, ...status }) as WorkerStatus,
      },
      ...{ maintenance: () => null, rules: () => null, learning: () => null },
      ...{ queue: { depth: async () => 0 }, startup: { unreached: [] }, clock },
    };
    return checksOf(watched, { collect: false, detect: true, intervalMs: 5000 })
      .map(({ name, failing: why }) => [name, why()])
      .filter(([, why]) => why !== null);
  };

  it('needs a store whose frames it can look for, and the state', () => {
    expect(failing({})).toEqual([]);
    expect(failing({ storeDown: 'refused' })).toEqual([['store', 'refused']]);
    expect(failing({ stateDown: 'no connection' })).toEqual([['state', 'no connection']]);
  });
});
