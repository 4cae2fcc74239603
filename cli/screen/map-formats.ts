import { formatCount, formatCounted, formatSize } from '../../core/config/units.ts';
import { printable } from '../../core/errors.ts';
import { foldPorts, type PortsEdge, portsText } from '../../core/traffic/map-ports.ts';
import {
  edgeHealth,
  edgesInOrder,
  type MapEdge,
  type MapNode,
  type ServiceMap,
} from '../../core/traffic/service-map.ts';
import { mapJson } from '../../http/api/resources/map.ts';
import { jsonText } from '../../review/report.ts';
import { shownName } from './shown-name.ts';

/** Pictures of a service map. Names are untrusted: each format escapes them in its own way. */
export const MAP_FORMATS = {
  text: mapText,
  dot: mapDot,
  mermaid: mapMermaid,
  json: (map: ServiceMap) => jsonText(mapJson(map)),
} satisfies Record<string, (map: ServiceMap) => string>;

/** A line for each edge; a scan of many ports is one. */
function mapText({ nodes, edges }: ServiceMap): string {
  if (edges.length === 0) return 'No traffic between anybody is stored for this host and range.\n';
  const names = new Map(nodes.map(node => [node.id, shownName(labelOf(node), 60)]));
  const where = ({ edge, ports }: PortsEdge): string => {
    const many = portsText(ports);
    return many === null ? portOf(edge) : `${edge.protocol}, ${many}`;
  };
  return foldPorts(edgesInOrder(edges), edge => edgeHealth(edge) === 'down')
    .map(
      line =>
        `${names.get(line.edge.from)} -> ${names.get(line.edge.to)} ${where(line)}: ${numbersOf(line.edge)}\n`,
    )
    .join('');
}

/** Failing edges are red, dashed where no connection succeeded. */
function mapDot({ nodes, edges }: ServiceMap): string {
  const ids = numbered(nodes);
  return [
    'digraph tidegauge {',
    '  rankdir=LR;',
    ...nodes.map(
      node => `  ${ids.get(node.id)} [label=${dotText(shownName(labelOf(node), LABEL))}${shapeOf(node)}];`,
    ),
    ...edgesInOrder(edges).map(edge => {
      const label = dotText(`${portOf(edge)} ${numbersOf(edge)}`);
      const health = edgeHealth(edge);
      const colour = health === 'well' ? '' : ', color=red, fontcolor=red';
      const style = health === 'down' ? ', style=dashed' : '';
      return `  ${ids.get(edge.from)} -> ${ids.get(edge.to)} [label=${label}${colour}${style}];`;
    }),
    '}',
    '',
  ].join('\n');
}

/** Failing edges are red, dotted where no connection succeeded. */
function mapMermaid({ nodes, edges }: ServiceMap): string {
  const ids = numbered(nodes);
  // They come first, and styles name edges by their place.
  const failing = edges.filter(edge => edgeHealth(edge) !== 'well').map((_, i) => i);
  return [
    'flowchart LR',
    ...nodes.map(node => `  ${ids.get(node.id)}["${mermaidText(shownName(labelOf(node), LABEL))}"]`),
    ...edgesInOrder(edges).map(edge => {
      const label = mermaidText(`${portOf(edge)} ${numbersOf(edge)}`);
      const arrow = edgeHealth(edge) === 'down' ? '-.->' : '-->';
      return `  ${ids.get(edge.from)} ${arrow}|"${label}"| ${ids.get(edge.to)}`;
    }),
    ...(failing.length === 0 ? [] : [`  linkStyle ${failing.join(',')} stroke:red,color:red`]),
    '',
  ].join('\n');
}

/** Longest name in a drawing. */
const LABEL = 500;

/** Ids that need no escaping. */
const numbered = (nodes: readonly MapNode[]): Map<string, string> =>
  new Map(nodes.map((node, i) => [node.id, `n${i}`]));

const labelOf = (node: MapNode): string => (node.kind === 'container' ? node.name : `(${node.name})`);
const shapeOf = (node: MapNode): string => (node.kind === 'container' ? ', shape=box' : '');
const portOf = ({ protocol, port }: MapEdge): string => (port === 0 ? protocol : `${protocol}/${port}`);
const bytesOf = (edge: MapEdge): number => edge.sentBytes + edge.receivedBytes;

function numbersOf(edge: MapEdge): string {
  const { sentBytes, receivedBytes, connections, failures } = edge;
  const parts: string[] = [];
  if (failures > 0)
    parts.push(`${formatCount(failures)} of ${formatCounted(connections + failures, 'connection')} failed`);
  if (failures === 0 || bytesOf(edge) > 0)
    parts.push(`${formatSize(sentBytes)} there, ${formatSize(receivedBytes)} back`);
  if (failures === 0 && connections > 0) parts.push(formatCounted(connections, 'connection'));
  return parts.join(', ');
}

const dotText = (text: string): string => `"${printable(text).replace(/["\\]/g, '\\$&')}"`;

/** Mermaid knows no quoting, only entities by number. */
const mermaidText = (text: string): string =>
  printable(text).replace(/[^\p{L}\p{N} ._,/():-]/gu, char => `#${char.codePointAt(0)};`);
