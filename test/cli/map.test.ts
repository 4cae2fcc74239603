import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAP_FORMATS } from '../../cli/map-formats.ts';
import { PEER_KINDS } from '../../core/flow.ts';
import type { ServiceMap } from '../../core/service-map.ts';
import { tidegauge } from '../parts/tidegauge.ts';
import { hostileText, NASTY } from '../store/arbitrary.ts';

const mapOf = (from: string, to: string): ServiceMap => ({
  nodes: [from, to].map((name, i) => ({ id: `${i}`, kind: 'container', name, service: '' })),
  edges: [
    {
      from: '0',
      to: '1',
      protocol: 'tcp',
      port: 80,
      sentMessages: 1,
      sentBytes: 2048,
      receivedMessages: 1,
      receivedBytes: 10,
      connections: 3,
      failures: 1,
    },
  ],
});

const render = (format: string, map: ServiceMap): string => MAP_FORMATS[format]?.(map) ?? '';

describe('a map', () => {
  it('as text, Graphviz and Mermaid', () => {
    const map = mapOf('web', 'db');
    const numbers = '2 KiB there, 10 B back, 3 connections, 1 failure';
    expect(render('text', map)).toBe(`web -> db tcp/80: ${numbers}\n`);
    expect(render('dot', map)).toBe(
      `digraph tidegauge {\n  rankdir=LR;\n  n0 [label="web", shape=box];\n  n1 [label="db", shape=box];\n` +
        `  n0 -> n1 [label="tcp/80 ${numbers}"];\n}\n`,
    );
    expect(render('mermaid', map)).toBe(
      `flowchart LR\n  n0["web"]\n  n1["db"]\n  n0 -->|"tcp/80 ${numbers}"| n1\n`,
    );
    expect(JSON.parse(render('json', map))).toEqual(map);
  });

  it('of hostile names keeps its shape in every format', () => {
    const dotLine = /^ {2}n\d( -> n\d)? \[label="(?:[^"\\]|\\["\\])*"(, shape=box)?\];$/;
    const mermaidLine = /^ {2}(n\d\["[^"\]|]*"\]|n\d -->\|"[^"|]*"\| n\d)$/;
    const name = fc.oneof(hostileText, fc.constantFrom(...NASTY, '"];x', '|"', ']]>', '#35;'));
    fc.assert(
      fc.property(name, name, (from, to) => {
        const map = mapOf(from, to);
        expect(render('text', map).split('\n')).toHaveLength(2);
        const dot = render('dot', map).split('\n');
        expect(dot.slice(2, -2).filter(line => !dotLine.test(line))).toEqual([]);
        expect(dot).toHaveLength(7);
        const mermaid = render('mermaid', map).split('\n');
        expect(mermaid.slice(1, -1).filter(line => !mermaidLine.test(line))).toEqual([]);
        expect(mermaid).toHaveLength(5);
      }),
    );
  });
});

it('has a legend of who is no container in its help', async () => {
  const help = tidegauge(['map', '--help'], { cwd: '/' });
  expect(await help.exited).toBe(0);
  const kinds = PEER_KINDS.filter(kind => kind !== 'container' && kind !== 'virtual');
  for (const kind of kinds) expect(help.output).toContain(`(${kind})`);
});
