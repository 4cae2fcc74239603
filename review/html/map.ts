import { formatCount, formatSize } from '../../core/config/units.ts';
import {
  drawMap,
  type MapDrawing,
  NODE,
  type PlacedEdge,
  type PlacedNode,
} from '../../core/traffic/map-layout.ts';
import { foldPorts, type PortsEdge, portsText } from '../../core/traffic/map-ports.ts';
import { edgesInOrder, type MapEdge, type MapNode, type ServiceMap } from '../../core/traffic/service-map.ts';
import { type Html, html } from './html.ts';
import { nameHtml, nameText } from './text.ts';

/** Rows of a table at most. */
const LISTED = 100;
/** Characters that fit into a node. */
const LABEL = 22;

/** Who talked to whom: a drawing of the edges that matter most, and a table that has more of them. */
export function mapHtml(map: ServiceMap, host: string): Html {
  if (map.edges.length === 0) return html`<p>No traffic between anybody is stored for this range.</p>`;
  const edges = edgesInOrder(map.edges);
  const drawing = drawMap(map);
  const { left } = drawing;
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Drawing: who talked to whom on ${host}">${drawingHtml(drawing)}</div>
${left.edges > 0 && html`<p class="note">${left.nodes} more containers or services and ${left.edges} edges with less traffic are not drawn.</p>`}
<details><summary>As a table: ${edges.length} edges</summary>${edgeTable(
    edges.map(edge => ({ edge, ports: [edge.port] })),
    map.nodes,
  )}</details>`;
}

/** Edges that are new, where many ports between two are one row: a host has hundreds of them. */
export const newEdgeTable = (edges: readonly MapEdge[], nodes: readonly MapNode[]): Html =>
  edgeTable(foldPorts(edgesInOrder(edges)), nodes);

function edgeTable(lines: readonly PortsEdge[], nodes: readonly MapNode[]): Html {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const shown = (id: string) => endHtml(byId.get(id));
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Table: who talked to whom"><table>
<thead><tr><th scope="col">from</th><th scope="col">to</th><th scope="col">port</th><th scope="col" class="number">there</th><th scope="col" class="number">back</th><th scope="col" class="number">connections</th><th scope="col" class="number">failed</th></tr></thead>
<tbody>${lines.slice(0, LISTED).map(
    ({
      edge,
      ports,
    }) => html`<tr><td>${shown(edge.from)}</td><td>${shown(edge.to)}</td><td>${portText(edge, ports)}</td>
<td class="number">${formatSize(edge.sentBytes)}</td><td class="number">${formatSize(edge.receivedBytes)}</td>
<td class="number">${formatCount(edge.connections)}</td><td class="number${edge.failures > 0 && ' bad'}">${formatCount(edge.failures)}</td></tr>
`,
  )}</tbody></table></div>${lines.length > LISTED && html`<p class="note">${lines.length - LISTED} more are not listed: <code>tidegauge map</code> has all.</p>`}`;
}

const endHtml = (node: MapNode | undefined): Html =>
  node === undefined
    ? html``
    : node.kind === 'container'
      ? nameHtml(node.name)
      : html`(${nameHtml(node.name)})`;

const bytesOf = ({ sentBytes, receivedBytes }: Pick<MapEdge, 'sentBytes' | 'receivedBytes'>): number =>
  sentBytes + receivedBytes;

function portText({ protocol, port }: MapEdge, ports: readonly number[]): string {
  const many = portsText(ports);
  if (many !== null) return `${protocol}, ${many}`;
  return port === 0 ? protocol : `${protocol} ${port}`;
}

function drawingHtml({ width, height, nodes, edges }: MapDrawing): Html {
  const most = Math.max(1, ...edges.map(bytesOf));
  const byId = new Map(nodes.map(node => [node.id, node]));
  return html`<svg class="map" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${nodes.length} nodes and ${edges.length} edges; the table below says the same">
${edges.map(edge => edgeHtml(edge, byId, most))}
${nodes.map(nodeHtml)}
</svg>`;
}

function edgeHtml(edge: PlacedEdge, byId: ReadonlyMap<string, PlacedNode>, most: number): Html {
  const { health, failures, path, head } = edge;
  const [from, to] = [edge.from, edge.to].map(id => nameText(byId.get(id)?.name ?? id, 60));
  const wide = 1 + (4 * Math.log1p(bytesOf(edge))) / Math.log1p(most);
  const ports = [...edge.ports, ...(edge.morePorts > 0 ? [`${edge.morePorts} more ports`] : [])].join(', ');
  const failed = failures > 0 ? `, ${formatCount(failures)} connections failed` : '';
  const said = `${formatSize(edge.sentBytes)} there, ${formatSize(edge.receivedBytes)} back${failed}`;
  return html`<path class="edge ${health}" stroke-width="${wide.toFixed(1)}" d="${path}"><title>${from} to ${to}, ${ports}: ${said}</title></path>
<path class="head ${health}" d="${head}"/>`;
}

function nodeHtml(node: PlacedNode): Html {
  const { x, y } = node;
  const isOurs = node.kind === 'container';
  const name = isOurs ? nameText(node.name, LABEL) : `(${nameText(node.name, LABEL - 2)})`;
  return html`<g class="node ${isOurs ? 'ours' : 'others'}"><title>${nameText(node.name, 200)}</title><rect x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="5"/><text x="${x + NODE.width / 2}" y="${y + NODE.height / 2 + 4}" text-anchor="middle">${name}</text></g>`;
}
