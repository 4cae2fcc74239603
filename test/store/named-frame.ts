import type { Frame } from '../../core/traffic/frame.ts';

export const T0 = 1_700_000_000_000;

/** A frame in which each of these containers has a window, a flow and a connection. */
export function namedFrame(host: string, start: number, names: readonly string[]): Frame {
  return {
    host,
    start,
    durationMs: 5000,
    previous: start - 5000,
    faults: [],
    lost: 0,
    occupancy: 0.25,
    containers: names.map(name => ({
      name,
      kind: 'container',
      service: `service of ${name}`,
      replica: name,
      image: `image:${name}`,
      id: `id ${name}`,
    })),
    started: [],
    ended: [],
    windows: names.map(container => ({
      container,
      direction: 'send',
      messages: 3,
      bytes: 300,
      sizes: [
        [64, 2],
        [128, 1],
      ],
    })),
    flows: names.map(container => ({
      container,
      protocol: 'tcp',
      role: 'client',
      peerKind: 'container',
      peer: `peer of ${container}`,
      port: 443,
      address: '10.0.0.1',
      sentMessages: 3,
      sentBytes: 300,
      receivedMessages: 0,
      receivedBytes: 0,
      connections: 1,
      failures: 0,
    })),
    connections: names.map(container => ({
      container,
      kind: 'opened',
      own: '10.0.0.2',
      peer: '10.0.0.1',
      port: 443,
      clientPort: 50_123,
      count: 1,
    })),
  };
}
