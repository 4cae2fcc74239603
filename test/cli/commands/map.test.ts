import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAP_FORMATS } from '../../../cli/screen/map-formats.ts';
import { NO_EXCHANGE, PEER_KINDS } from '../../../core/traffic/flow.ts';
import type { MapEdge, ServiceMap } from '../../../core/traffic/service-map.ts';
import { tidegauge } from '../../parts/tidegauge.ts';
import { hostileText, NASTY } from '../../store/arbitrary.ts';

const edgeOf = (parts: Partial<MapEdge>): MapEdge => ({
  ...{ from: '0', to: '1', protocol: 'tcp', port: 80, ...NO_EXCHANGE },
  ...{ sentMessages: 1, sentBytes: 2048, receivedMessages: 1, receivedBytes: 10, connections: 3 },
  ...parts,
});

const mapOf = (from: string, to: string, ...edges: readonly MapEdge[]): ServiceMap => ({
  nodes: [from, to].map((name, i) => ({ id: `${i}`, kind: 'container', name, service: '' })),
  edges,
});

const render = (format: keyof typeof MAP_FORMATS, map: ServiceMap): string => MAP_FORMATS[format](map);

describe('a map', () => {
  it('as text, Graphviz and Mermaid', () => {
    const map = mapOf('web', 'db', edgeOf({}));
    const numbers = '2 KiB there, 10 B back, 3 connections';
    expect(render('text', map)).toBe(`web -> db tcp/80: ${numbers}\n`);
    expect(render('dot', map)).toBe(
      `digraph tidegauge {\n  rankdir=LR;\n  n0 [label="web", shape=box];\n  n1 [label="db", shape=box];\n` +
        `  n0 -> n1 [label="tcp/80 ${numbers}"];\n}\n`,
    );
    expect(render('mermaid', map)).toBe(
      `flowchart LR\n  n0["web"]\n  n1["db"]\n  n0 -->|"tcp/80 ${numbers}"| n1\n`,
    );
    expect(JSON.parse(render('json', map))).toEqual({
      nodes: map.nodes,
      edges: [
        {
          ...{ from: '0', to: '1', protocol: 'tcp', port: 80 },
          ...{ sent_messages: 1, sent_bytes: 2048, received_messages: 1, received_bytes: 10 },
          ...{ connections: 3, failures: 0 },
        },
      ],
    });
  });

  it('shows first, and marked, what cannot be reached, then what fails at times; all else by its bytes', () => {
    const silent = { ...NO_EXCHANGE, failures: 1 };
    const map = mapOf(
      'web',
      'db',
      ...[edgeOf({ port: 1, sentBytes: 1 }), edgeOf({ port: 2 }), edgeOf({ port: 3, failures: 1 })],
      ...[edgeOf({ port: 4, failures: 9 }), edgeOf({ port: 5, ...silent })],
      edgeOf({ port: 6, connections: 0, failures: 2 }),
    );
    expect(render('text', map).trimEnd().split('\n')).toEqual([
      'web -> db tcp/6: 2 of 2 connections failed, 2 KiB there, 10 B back',
      'web -> db tcp/5: 1 of 1 connection failed',
      'web -> db tcp/4: 9 of 12 connections failed, 2 KiB there, 10 B back',
      'web -> db tcp/3: 1 of 4 connections failed, 2 KiB there, 10 B back',
      'web -> db tcp/2: 2 KiB there, 10 B back, 3 connections',
      'web -> db tcp/1: 1 B there, 10 B back, 3 connections',
    ]);
    expect(JSON.parse(render('json', map)).edges.map(({ port }: MapEdge) => port)).toEqual([
      6, 5, 4, 3, 2, 1,
    ]);
    const dot = render('dot', map).split('\n').slice(4, -2);
    expect(dot.map(line => /"(tcp.\d).*"(.*)\];$/.exec(line)?.slice(1))).toEqual([
      ['tcp/6', ', color=red, fontcolor=red, style=dashed'],
      ['tcp/5', ', color=red, fontcolor=red, style=dashed'],
      ['tcp/4', ', color=red, fontcolor=red'],
      ['tcp/3', ', color=red, fontcolor=red'],
      ['tcp/2', ''],
      ['tcp/1', ''],
    ]);
    const mermaid = render('mermaid', map).split('\n').slice(3, -1);
    expect(mermaid.slice(0, -1).map(line => /n0 (\S+)\|"(tcp.\d)/.exec(line)?.slice(1))).toEqual([
      ['-.->', 'tcp/6'],
      ['-.->', 'tcp/5'],
      ['-->', 'tcp/4'],
      ['-->', 'tcp/3'],
      ['-->', 'tcp/2'],
      ['-->', 'tcp/1'],
    ]);
    expect(mermaid.at(-1)).toBe('  linkStyle 0,1,2,3 stroke:red,color:red');
  });

  it('as text has one line for a scan of many ports, in the place of the first; of a few each has its own', () => {
    const failed = (port: number) => edgeOf({ ...NO_EXCHANGE, port, failures: 2 });
    const scan = Array.from({ length: 40 }, (_, n) => failed(1000 + n));
    const well = edgeOf({ port: 80 });
    expect(
      render('text', mapOf('web', 'db', well, ...scan))
        .trimEnd()
        .split('\n'),
    ).toEqual([
      'web -> db tcp, 40 ports (1000, 1001, 1002, 1003 and 36 more): 80 of 80 connections failed',
      'web -> db tcp/80: 2 KiB there, 10 B back, 3 connections',
    ]);
    expect(
      render('text', mapOf('web', 'db', well, ...scan.slice(0, 4)))
        .trimEnd()
        .split('\n'),
    ).toHaveLength(5);
    const back = scan.map(edge => ({ ...edge, from: '1', to: '0' }));
    expect(
      render('text', mapOf('web', 'db', ...scan, ...back))
        .trimEnd()
        .split('\n'),
    ).toHaveLength(2);
    expect(JSON.parse(render('json', mapOf('web', 'db', ...scan))).edges).toHaveLength(40);
  });

  it('of hostile names keeps its shape in every format', () => {
    const dotLine = /^ {2}n\d( -> n\d)? \[label="(?:[^"\\]|\\["\\])*"(, \w+=\w+)*\];$/;
    const mermaidLine = /^ {2}(n\d\["[^"\]|]*"\]|n\d -->\|"[^"|]*"\| n\d|linkStyle 0 [\w:,]+)$/;
    const name = fc.oneof(hostileText, fc.constantFrom(...NASTY, '"];x', '|"', ']]>', '#35;'));
    fc.assert(
      fc.property(name, name, (from, to) => {
        const map = mapOf(from, to, edgeOf({ failures: 1 }));
        expect(render('text', map).split('\n')).toHaveLength(2);
        const dot = render('dot', map).split('\n');
        expect(dot.slice(2, -2).filter(line => !dotLine.test(line))).toEqual([]);
        expect(dot).toHaveLength(7);
        const mermaid = render('mermaid', map).split('\n');
        expect(mermaid.slice(1, -1).filter(line => !mermaidLine.test(line))).toEqual([]);
        expect(mermaid).toHaveLength(6);
      }),
    );
  });
});

it('has a legend of who is no container in its help', async () => {
  const help = tidegauge(['map', '--help'], { cwd: '/' });
  await help.ended(0);
  const kinds = PEER_KINDS.filter(kind => kind !== 'container' && kind !== 'virtual');
  for (const kind of kinds) expect(help.output).toContain(`(${kind})`);
});
