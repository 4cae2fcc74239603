import type { Container, Frame, Window } from '../../core/traffic/frame.ts';
import { bucketOf } from '../../core/traffic/histogram.ts';

/** Frames of a host on which this many containers all send and receive, in amounts that differ from frame to frame. */
export function frameSource(host: string, count: number, intervalMs: number) {
  const containers = Array.from({ length: count }, (_, i): Container => {
    const name = `c${String(i).padStart(5, '0')}`;
    return { name, kind: 'container', service: name, replica: '1', image: 'soak:1', id: name };
  });
  let previous: number | null = null;
  let n = 0;
  /** The next frame; it starts at `start`, epoch ms. */
  return (start: number): Frame => {
    const windows = containers.flatMap(({ name }, i): Window[] => {
      // A saw-tooth of small primes: steady for detectors, never the same twice.
      const messages = 100 + ((n * 7 + i * 13) % 50);
      const size = 200 + ((n * 11 + i) % 1000);
      const sizes = [[bucketOf(size), messages]] as const;
      return (['send', 'receive'] as const).map(direction => ({
        container: name,
        direction,
        messages,
        bytes: messages * size,
        sizes,
      }));
    });
    const frame: Frame = {
      host,
      start,
      durationMs: intervalMs,
      previous,
      faults: [],
      lost: 0,
      occupancy: 0.1,
      containers,
      started: [],
      ended: [],
      windows,
      flows: [],
      connections: [],
    };
    previous = start;
    n++;
    return frame;
  };
}
