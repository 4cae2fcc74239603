import { describe, expect, it } from '@jest/globals';
import { NO_EXCHANGE, type PeerKind } from '../../core/traffic/flow.ts';
import { type FlowTotal, serviceMap } from '../../core/traffic/service-map.ts';
import { newEdges } from '../../review/new-edges.ts';

const total = (container: string, peerKind: PeerKind, peer: string, port = 5432): FlowTotal => ({
  ...{ container, service: 'shop', protocol: 'tcp', role: 'client', peerKind, peer, port },
  ...{ ...NO_EXCHANGE, sentBytes: 10 },
});

describe('new edges', () => {
  it('are those of the map that were not there before, by their ends and the port', () => {
    const before = serviceMap([total('web', 'container', 'db'), total('web', 'outside', '', 443)]);
    const map = serviceMap([
      ...[total('web', 'container', 'db'), total('web', 'container', 'db', 22)],
      ...[total('web', 'outside', '', 443), total('web', 'container', 'cache')],
    ]);
    const { edges, partly } = newEdges(map, before);
    expect(edges.map(({ to, port }) => `${to} ${port}`).sort()).toEqual([
      'container:cache 5432',
      'container:db 22',
    ]);
    expect(partly).toBe(0);
  });

  it('are not told of whom some peers were counted together before: those may be among them', () => {
    const before = serviceMap([total('web', 'container', 'db'), total('web', 'other', '', 0)]);
    const map = serviceMap([
      ...[total('web', 'container', 'db'), total('web', 'container', 'cache')],
      ...[total('job', 'container', 'cache'), total('job', 'other', '', 0)],
    ]);
    const { edges, partly } = newEdges(map, before);
    expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual(['container:job container:cache']);
    expect(partly).toBe(1);
    expect(newEdges(serviceMap([total('web', 'container', 'db')]), before)).toEqual({ edges: [], partly: 0 });
  });
});
