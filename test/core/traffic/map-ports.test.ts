import { describe, expect, it } from '@jest/globals';
import { foldPorts, portsText } from '../../../core/traffic/map-ports.ts';
import type { MapEdge } from '../../../core/traffic/service-map.ts';

const edge = (to: string, port: number, sentBytes = 1): MapEdge => ({
  ...{ from: 'container:web', to, protocol: 'tcp', port, sentBytes, sentMessages: 1 },
  ...{ receivedMessages: 0, receivedBytes: 0, connections: 1, failures: 0 },
});
const many = Array.from({ length: 300 }, (_, i) => edge('host', 40_300 - i, 10));

describe('edges as lines of a list', () => {
  it('many ports between two are one line with their sum and number, in the place of the first', () => {
    const lines = foldPorts([edge('container:db', 5432, 9999), ...many, edge('outside', 443)]);
    expect(lines.map(({ edge: { to, sentBytes }, ports }) => [to, sentBytes, portsText(ports)])).toEqual([
      ['container:db', 9999, null],
      ['host', 3000, '300 ports (40001, 40002, 40003, 40004 and 296 more)'],
      ['outside', 1, null],
    ]);
  });

  it('a few ports have a line each, and so have those that are not asked for', () => {
    const few = many.slice(0, 4);
    expect(foldPorts(few)).toEqual(few.map(one => ({ edge: one, ports: [one.port] })));
    expect(foldPorts(many, ({ to }) => to !== 'host')).toHaveLength(300);
  });
});
