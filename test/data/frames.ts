import type { Container, Frame } from '../../core/traffic/frame.ts';

const INTERVAL_MS = 5000;

/** Frame number `n` of a host (0, 1, …), naming its predecessor; without traffic unless `parts` say otherwise. */
export function frameOf(host: string, n: number, parts: Partial<Frame> = {}): Frame {
  const start = 1_700_000_000_000 + n * INTERVAL_MS;
  return {
    host,
    start,
    durationMs: INTERVAL_MS,
    previous: n === 0 ? null : start - INTERVAL_MS,
    faults: [],
    lost: 0,
    occupancy: 0,
    containers: [],
    started: [],
    ended: [],
    windows: [],
    flows: [],
    connections: [],
    ...parts,
  };
}

/** Containers c0 … of a frame with traffic in both directions. */
export function busyParts(containers: number): Pick<Frame, 'containers' | 'windows'> {
  const names = Array.from({ length: containers }, (_, i) => `c${String(i).padStart(4, '0')}`);
  return {
    containers: names.map(
      (name): Container => ({
        name,
        kind: 'container',
        service: name,
        replica: '1',
        image: 'web:1',
        id: name,
      }),
    ),
    windows: names.flatMap(container =>
      (['send', 'receive'] as const).map(direction => ({
        container,
        direction,
        messages: 100,
        bytes: 100_000,
        sizes: [
          [64, 40],
          [960, 60],
        ] as [number, number][],
      })),
    ),
  };
}
