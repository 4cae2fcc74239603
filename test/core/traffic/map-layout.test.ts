import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import { groupMap } from '../../../core/traffic/map-groups.ts';
import { drawMap, NODE } from '../../../core/traffic/map-layout.ts';
import type { MapEdge, MapNode, ServiceMap } from '../../../core/traffic/service-map.ts';

const containerNode = (name: string, service = ''): MapNode => ({
  ...{ id: `container:${name}`, kind: 'container', name, service },
});
const host: MapNode = { id: 'host', kind: 'host', name: 'host', service: '' };
const edge = (from: MapNode, to: MapNode, parts: Partial<MapEdge> = {}): MapEdge => ({
  ...NO_EXCHANGE,
  ...{ from: from.id, to: to.id, protocol: 'tcp', port: 80, connections: 1, sentBytes: 100 },
  ...parts,
});

const [web1, web2, db] = [containerNode('web-1', 'web'), containerNode('web-2', 'web'), containerNode('db')];

describe('a drawing of a map', () => {
  it('has clients to the left of their servers, and replicas of a service as one', () => {
    const { nodes, edges } = drawMap({ nodes: [db, web1, web2], edges: [edge(web1, db), edge(web2, db)] });
    expect(nodes.map(({ name, containers }) => [name, containers])).toEqual([
      ['2 × web', 2],
      ['db', 1],
    ]);
    expect(nodes[1]?.x).toBeGreaterThanOrEqual((nodes[0]?.x ?? 0) + NODE.width);
    expect(edges).toMatchObject([{ health: 'well', sentBytes: 200, connections: 2, ports: ['tcp 80'] }]);
  });

  it('has a scan of many ports as one line, beside what is well between the same two', () => {
    const failed = { connections: 0, failures: 1, sentBytes: 0 };
    const scan = Array.from({ length: 300 }, (_, port) => edge(web1, db, { ...failed, port: port + 1 }));
    const { edges } = drawMap({ nodes: [web1, db], edges: [edge(web1, db), ...scan] });
    expect(edges).toMatchObject([
      { health: 'down', failures: 300, morePorts: 296 },
      { health: 'well', ports: ['tcp 80'], morePorts: 0 },
    ]);
    expect(edges[0]?.path).not.toBe(edges[1]?.path);
  });

  it('leaves out what the host says to itself, and what replicas say to each other', () => {
    const root = containerNode('/');
    const edges = [edge(root, host), edge(host, root), edge(root, root), edge(web1, web2), edge(root, db)];
    const drawn = groupMap({ nodes: [root, host, web1, web2, db], edges });
    expect(drawn.nodes.map(({ name }) => name)).toEqual(['/', 'db']);
    expect(drawn.edges).toHaveLength(1);
  });

  it('of a big map has what fails and what moved most, and counts the rest', () => {
    const clients = Array.from({ length: 500 }, (_, i) => containerNode(`c${i}`));
    const edges = clients.map((client, i) => edge(client, db, { sentBytes: i + 1 }));
    const failing = edge(clients[0] as MapNode, db, { port: 81, failures: 3, connections: 0, sentBytes: 0 });
    const drawing = drawMap({ nodes: [...clients, db], edges: [...edges, failing] });
    expect(drawing.edges[0]).toMatchObject({ from: 'container:c0', health: 'down' });
    expect(drawing.nodes.map(({ name }) => name)).toContain('c499');
    expect(drawing.nodes.length).toBeLessThanOrEqual(40);
    expect(drawing.left).toEqual({
      nodes: 501 - drawing.nodes.length,
      edges: 501 - drawing.edges.length,
    });
  });

  it('is the same each time, with no two nodes in one place and all of it inside', () => {
    const nodes = Array.from({ length: 12 }, (_, i) => containerNode(`c${i}`));
    const ends = fc.tuple(fc.nat(11), fc.nat(11), fc.nat(3), fc.nat(1));
    fc.assert(
      fc.property(fc.array(ends, { maxLength: 60 }), pairs => {
        const edges = pairs.map(([a, b, port, failures]) =>
          edge(nodes[a] as MapNode, nodes[b] as MapNode, { port, failures }),
        );
        const map: ServiceMap = { nodes, edges };
        const drawing = drawMap(map);
        expect(drawMap(map)).toEqual(drawing);
        const places = drawing.nodes.map(({ x, y }) => `${x} ${y}`);
        expect(new Set(places).size).toBe(places.length);
        for (const { x, y } of drawing.nodes) {
          expect(x + NODE.width).toBeLessThanOrEqual(drawing.width);
          expect(y + NODE.height).toBeLessThanOrEqual(drawing.height);
        }
      }),
    );
  });
});
