import { type Capture, type CaptureOptions, startCapture } from '../../../collector/capture/capture.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Config } from '../../../core/config/config.ts';
import type { Log } from '../../../core/log.ts';
import { type Direction, type Frame, frameEnd } from '../../../core/traffic/frame.ts';
import type { Sizes } from '../../../core/traffic/histogram.ts';
import { mergeSizes } from '../../data/sizes.ts';
import { until } from '../process.ts';

export interface TestCapture {
  readonly capture: Capture;
  /** All frames so far. */
  readonly frames: Frame[];
  /** Wait until a frame has come whose whole interval lies after this call, for 20 s unless told otherwise. */
  settled(timeoutMs?: number): Promise<void>;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Settings without Docker and with intervals of 200 ms, unless told otherwise. */
export const captureConfig = (config: Partial<Config['capture']> = {}): Config['capture'] => ({
  interval: 200,
  probe: 'auto',
  hook: 'auto',
  account: 'fast',
  zerocopy: 'auto',
  bpftrace: 'bpftrace',
  map_keys: 65_536,
  docker: 'off',
  pods: 'off',
  labels: [],
  service_ranges: [],
  spool: { size: 1, age: 1, fsync: 'never' },
  pending: 0,
  ...config,
});

/** A real capture without Docker and with intervals of 200 ms, unless told otherwise; resolves when it is ready. */
export async function captureFrames(
  config: Partial<Config['capture']> = {},
  options: Partial<CaptureOptions> = {},
): Promise<TestCapture> {
  const frames: Frame[] = [];
  const capture = await startCapture({
    config: captureConfig(config),
    host: 'test',
    clock: systemClock,
    log: silentLog,
    previous: null,
    onFrame: frame => frames.push(frame),
    ...options,
  });
  await capture.ready;
  return {
    capture,
    frames,
    async settled(timeoutMs) {
      const now = systemClock.now();
      await until('the next frame', () => frames.some(frame => frame.start >= now), timeoutMs);
    },
  };
}

/** All traffic of a container in one direction. */
export function trafficOf(
  frames: readonly Frame[],
  container: string,
  direction: Direction,
): { messages: number; bytes: number; sizes: Sizes } {
  const windows = frames
    .flatMap(frame => frame.windows)
    .filter(window => window.container === container && window.direction === direction);
  return {
    messages: windows.reduce((sum, window) => sum + window.messages, 0),
    bytes: windows.reduce((sum, window) => sum + window.bytes, 0),
    sizes: mergeSizes(...windows.map(window => window.sizes)),
  };
}

/** Places where frames do not follow each other without a gap, an overlap or a wrong predecessor. */
export function breaks(frames: readonly Frame[]): string[] {
  return frames.flatMap((frame, i) => {
    const before = frames[i - 1];
    if (!before || (frameEnd(before) === frame.start && frame.previous === before.start)) return [];
    return [`${before.start}+${before.durationMs} -> ${frame.start} (previous ${frame.previous})`];
  });
}
