import { printable } from '../core/errors.ts';
import type { MapEdge, MapNode, ServiceMap } from '../core/service-map.ts';
import { formatCounted, formatSize } from '../core/units.ts';

/** Pictures of a service map. Names are untrusted: each format escapes them in its own way. */
export const MAP_FORMATS: Readonly<Record<string, (map: ServiceMap) => string>> = {
  text: mapText,
  dot: mapDot,
  mermaid: mapMermaid,
  json: map => `${JSON.stringify(map, null, 2)}\n`,
};

/** A line for each edge, the heaviest first. */
function mapText({ nodes, edges }: ServiceMap): string {
  if (edges.length === 0) return 'No traffic between anybody is stored for this host and range.\n';
  const names = new Map(nodes.map(node => [node.id, printable(labelOf(node), 60)]));
  const sorted = [...edges].sort((a, b) => bytesOf(b) - bytesOf(a));
  return sorted
    .map(edge => `${names.get(edge.from)} -> ${names.get(edge.to)} ${portOf(edge)}: ${numbersOf(edge)}\n`)
    .join('');
}

function mapDot({ nodes, edges }: ServiceMap): string {
  const ids = numbered(nodes);
  return [
    'digraph tidegauge {',
    '  rankdir=LR;',
    ...nodes.map(node => `  ${ids.get(node.id)} [label=${dotText(labelOf(node))}${shapeOf(node)}];`),
    ...edges.map(edge => {
      const label = dotText(`${portOf(edge)} ${numbersOf(edge)}`);
      return `  ${ids.get(edge.from)} -> ${ids.get(edge.to)} [label=${label}];`;
    }),
    '}',
    '',
  ].join('\n');
}

function mapMermaid({ nodes, edges }: ServiceMap): string {
  const ids = numbered(nodes);
  return [
    'flowchart LR',
    ...nodes.map(node => `  ${ids.get(node.id)}["${mermaidText(labelOf(node))}"]`),
    ...edges.map(edge => {
      const label = mermaidText(`${portOf(edge)} ${numbersOf(edge)}`);
      return `  ${ids.get(edge.from)} -->|"${label}"| ${ids.get(edge.to)}`;
    }),
    '',
  ].join('\n');
}

/** Ids that need no escaping. */
const numbered = (nodes: readonly MapNode[]): Map<string, string> =>
  new Map(nodes.map((node, i) => [node.id, `n${i}`]));

const labelOf = (node: MapNode): string => (node.kind === 'container' ? node.name : `(${node.name})`);
const shapeOf = (node: MapNode): string => (node.kind === 'container' ? ', shape=box' : '');
const portOf = ({ protocol, port }: MapEdge): string => (port === 0 ? protocol : `${protocol}/${port}`);
const bytesOf = (edge: MapEdge): number => edge.sentBytes + edge.receivedBytes;

function numbersOf(edge: MapEdge): string {
  const parts = [`${formatSize(edge.sentBytes)} there`, `${formatSize(edge.receivedBytes)} back`];
  if (edge.connections > 0) parts.push(formatCounted(edge.connections, 'connection'));
  if (edge.failures > 0) parts.push(formatCounted(edge.failures, 'failure'));
  return parts.join(', ');
}

const dotText = (text: string): string => `"${printable(text).replace(/["\\]/g, '\\$&')}"`;

/** Mermaid knows no quoting, only entities by number. */
const mermaidText = (text: string): string =>
  printable(text).replace(/[^\p{L}\p{N} ._,/():-]/gu, char => `#${char.codePointAt(0)};`);
