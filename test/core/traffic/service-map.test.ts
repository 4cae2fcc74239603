import { describe, expect, it } from '@jest/globals';
import { NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import { type FlowTotal, serviceMap } from '../../../core/traffic/service-map.ts';

const total = (parts: Partial<FlowTotal>): FlowTotal => ({
  container: 'web',
  service: 'shop',
  protocol: 'tcp',
  role: 'client',
  peerKind: 'container',
  peer: 'db',
  port: 5432,
  ...NO_EXCHANGE,
  ...parts,
});

const edgesOf = (...totals: FlowTotal[]) =>
  serviceMap(totals).edges.map(({ from, to, port, sentBytes, receivedBytes }) => [
    `${from} -> ${to}:${port}`,
    sentBytes,
    receivedBytes,
  ]);

describe('the service map', () => {
  it('has one edge for both ends, with the greater of what they saw', () => {
    const server = { container: 'db', role: 'server', peer: 'web' } as const;
    const map = serviceMap([
      total({ sentBytes: 100, receivedBytes: 900, connections: 2, failures: 1 }),
      total({ ...server, sentBytes: 1000, receivedBytes: 90, connections: 2 }),
    ]);
    expect(map.edges).toEqual([
      {
        from: 'container:web',
        to: 'container:db',
        protocol: 'tcp',
        port: 5432,
        ...NO_EXCHANGE,
        ...{ sentBytes: 100, receivedBytes: 1000, connections: 2, failures: 1 },
      },
    ]);
    expect(map.nodes.map(node => node.id)).toEqual(['container:db', 'container:web']);
  });

  it('shows of datagrams whose sender nobody saw only what no client explains', () => {
    const udp = { protocol: 'udp', container: 'dns', role: 'server', port: 53 } as const;
    const known = total({ protocol: 'udp', peer: 'dns', port: 53, sentBytes: 70 });
    const replies = total({ ...udp, peer: 'web', sentBytes: 300 });
    const asked = total({ ...udp, peerKind: 'unknown', peer: '', receivedBytes: 70 });
    const answered = total({ protocol: 'udp', peerKind: 'unknown', peer: '', port: 0, receivedBytes: 300 });
    const edge = ['container:web -> container:dns:53', 70, 300];
    expect(edgesOf(known, replies, asked, answered)).toEqual([edge]);
    expect(edgesOf(known, replies, { ...asked, receivedBytes: 75 }, answered)).toEqual([
      edge,
      ['unknown -> container:dns:53', 5, 0],
    ]);
  });

  it('explains one row only by what the other ends tell', () => {
    const udp = { protocol: 'udp', port: 53 } as const;
    const replies = total({ ...udp, container: 'dns', role: 'server', peer: 'web', sentBytes: 300 });
    const answered = total({ ...udp, peerKind: 'unknown', peer: '', port: 0, receivedBytes: 300 });
    const fromHost = total({ ...udp, peerKind: 'host', peer: '', port: 99, receivedBytes: 200 });
    expect(edgesOf(replies, answered, fromHost)).toEqual([
      ['container:web -> container:dns:53', 0, 300],
      ['container:web -> host:99', 0, 200],
    ]);
    const asked = total({ ...udp, container: 'dns', peer: 'web', sentBytes: 300 });
    const server = { ...udp, role: 'server', peer: '', receivedBytes: 200 } as const;
    expect(
      edgesOf(asked, total({ ...server, peerKind: 'unknown' }), total({ ...server, peerKind: 'host' })),
    ).toEqual([
      ['container:dns -> container:web:53', 300, 0],
      ['host -> container:web:53', 100, 0],
    ]);
  });

  it('leaves nobody out: the host, the outside, what was folded', () => {
    expect(
      edgesOf(
        total({ peerKind: 'outside', peer: '', port: 443, sentBytes: 1 }),
        total({ peerKind: 'other', peer: '', port: 0, sentBytes: 2 }),
        total({ role: 'server', peerKind: 'host', peer: '', port: 80, receivedBytes: 3 }),
      ),
    ).toEqual([
      ['container:web -> other:0', 2, 0],
      ['container:web -> outside:443', 1, 0],
      ['host -> container:web:80', 3, 0],
    ]);
  });
});
