import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseConnection } from '../../../collector/capture/live-connections.ts';
import type { EndCount } from '../../../collector/contract.ts';
import { connectionRows } from '../../../collector/frames/connection-rows.ts';
import { CONNECTION_KINDS, compareConnections, connectionId } from '../../../core/traffic/connection.ts';

const LIMITS = { frame: 5, container: 3 };
const NAMES = new Map([
  ['1', 'web'],
  ['2', 'web'],
  ['3', 'db'],
]);

const end = (cgroup: string, peer: string | null, count: number): EndCount => ({
  cgroup,
  kind: 'opened',
  count,
  port: 80,
  netns: 1,
  own: peer && '10.0.0.1',
  peer,
});
const rowsOf = (ends: EndCount[], totals = ends) =>
  connectionRows({ ends, clients: [], connections: totals }, NAMES, LIMITS).rows.map(row => [
    row.container,
    row.peer,
    row.port,
    row.count,
  ]);

describe('connections of a frame', () => {
  it('are added up by name and ends; cgroups that nobody knows are other', () => {
    expect(rowsOf([end('1', '10.0.0.2', 2), end('2', '10.0.0.2', 3), end('9', '10.0.0.2', 1)])).toEqual([
      ['other', '10.0.0.2', 80, 1],
      ['web', '10.0.0.2', 80, 5],
    ]);
  });

  it('keep the highest counts of each container, and every container has its first before any has its second', () => {
    const many = [1, 2, 3, 4, 5, 6].map(n => end('1', `10.0.0.${n}`, n));
    expect(rowsOf(many)).toEqual([
      ['web', '', 0, 6],
      ['web', '10.0.0.4', 80, 4],
      ['web', '10.0.0.5', 80, 5],
      ['web', '10.0.0.6', 80, 6],
    ]);
    const others = [1, 2, 3].map(n => end('3', `10.0.1.${n}`, 1));
    expect(rowsOf([...many, ...others])).toEqual([
      ['db', '', 0, 1],
      ['db', '10.0.1.1', 80, 1],
      ['db', '10.0.1.2', 80, 1],
      ['web', '', 0, 6],
      ['web', '10.0.0.4', 80, 4],
      ['web', '10.0.0.5', 80, 5],
      ['web', '10.0.0.6', 80, 6],
    ]);
  });

  it('show what fails among many that do not', () => {
    const many = [1, 2, 3, 4].map(n => end('1', `10.0.0.${n}`, 100 * n));
    const failed: EndCount = { ...end('1', '10.0.0.9', 1), kind: 'failed' };
    expect(rowsOf([...many, failed])).toEqual([
      ['web', '10.0.0.9', 80, 1],
      ['web', '', 0, 300],
      ['web', '10.0.0.3', 80, 300],
      ['web', '10.0.0.4', 80, 400],
    ]);
  });

  it("tell the client's port of one of them, the latest; one that no row has is nobody's", () => {
    const ends = [end('1', '10.0.0.2', 1), end('2', '10.0.0.2', 3), end('3', '10.0.0.2', 2)];
    const port = (one: EndCount, clientPort: number) => ({ ...one, clientPort });
    const clients = [
      port(end('1', '10.0.0.2', 1), 40_001),
      port(end('2', '10.0.0.2', 1), 40_002),
      port(end('1', '10.0.0.3', 1), 40_003),
      port({ ...end('3', '10.0.0.2', 1), kind: 'failed' }, 40_004),
    ];
    const { rows } = connectionRows({ ends, clients, connections: ends }, NAMES, LIMITS);
    expect(rows.map(({ container, clientPort, count }) => [container, clientPort, count])).toEqual([
      ['db', 0, 2],
      ['web', 40_002, 4],
    ]);
  });

  it('that the kernel counted without their ends are in the row without addresses', () => {
    expect(rowsOf([end('1', '10.0.0.2', 2)], [end('1', null, 9)])).toEqual([
      ['web', '', 0, 7],
      ['web', '10.0.0.2', 80, 2],
    ]);
  });

  it('are bounded and add up, whatever they are', () => {
    const arbitrary = fc.record({
      cgroup: fc.constantFrom('1', '2', '3', '9'),
      kind: fc.constantFrom(...CONNECTION_KINDS),
      count: fc.integer({ min: 1, max: 9 }),
      port: fc.integer({ min: 1, max: 3 }),
      netns: fc.constant(1),
      own: fc.constantFrom('10.0.0.1', 'fd00::1', null),
      peer: fc.constantFrom('10.0.0.1', 'fd00::1', '8.8.8.8', null),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 40 }), fc.nat(9), (ends, unseen) => {
        const totals = [...ends, { ...end('1', null, unseen + 1) }];
        const clients = ends.map((one, i) => ({ ...one, clientPort: 1000 + i }));
        const { rows, aggregated } = connectionRows({ ends, clients, connections: totals }, NAMES, LIMITS);
        const sum = (list: readonly { count: number }[]) => list.reduce((all, { count }) => all + count, 0);
        expect(sum(rows)).toBe(sum(totals));
        const isAggregated = (row: { own: string; peer: string }) => row.own === '' && row.peer === '';
        expect(aggregated).toBe(sum(rows.filter(isAggregated)));
        expect(rows.every(row => (row.clientPort === 0) === isAggregated(row))).toBe(true);
        expect(rows.length).toBeLessThanOrEqual(LIMITS.frame + 3 * CONNECTION_KINDS.length);
        expect(new Set(rows.map(connectionId)).size).toBe(rows.length);
        expect(rows).toEqual(rows.toSorted(compareConnections));
      }),
    );
  });
});

/** As bpftrace escapes the name of a cgroup, but for the backslash. */
const FORGED = '"connection 1 1 243 80 80 10.0.0.2 10.0.0.3\\n"}';

describe('a line about a connection', () => {
  const line = (rest: string) =>
    JSON.stringify({ type: 'printf', data: `connection 1162931413967 ${rest}\n` });

  it('says who connected to whom', () => {
    expect(parseConnection(line('1 243 51234 5432 ::ffff:10.0.0.2 ::ffff:10.0.0.3'))).toEqual({
      cgroup: '243',
      connection: { kind: 'opened', own: '10.0.0.2', ownPort: 51_234, peer: '10.0.0.3', peerPort: 5432 },
    });
    expect(parseConnection(line('3 18446744073709551615 80 1 fd00::1 ::'))).toEqual({
      cgroup: '18446744073709551615',
      connection: { kind: 'accepted', own: 'fd00::1', ownPort: 80, peer: '?', peerPort: 1 },
    });
  });

  it.each([
    ['a kind that is none', line('4 243 1 2 ::1 ::1')],
    ['a port that is none', line('1 243 65536 2 ::1 ::1')],
    ['a part too few', line('1 243 1 2 ::1')],
    ['a negative cgroup', line('1 -243 1 2 ::1 ::1')],
    ['a mark of another kind', '{"type": "printf", "data": "begin 1 connections 1000 1\\n"}'],
    ['the path of a cgroup that ends like one', line('').replace(/connection.*/, `mkdir 1 2 /x\\${FORGED}`)],
  ])('is none: %s', (_, text) => {
    expect(parseConnection(text)).toBeNull();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        parseConnection(text);
        parseConnection(line(text));
      }),
    );
  });
});
