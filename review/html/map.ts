import { formatCount, formatSize } from '../../core/config/units.ts';
import type { MapEdge, MapNode, ServiceMap } from '../../core/traffic/service-map.ts';
import { type Html, html } from './html.ts';
import { groupMap } from './svg/map-groups.ts';
import { layoutMap, NODE, type PlacedNode } from './svg/map-layout.ts';
import { nameHtml, nameText } from './text.ts';

/** Nodes of a drawing, and rows of a table, at most. */
const DRAWN = 40;
const LISTED = 100;
/** Characters that fit into a node. */
const LABEL = 22;

/** Who talked to whom: a drawing of the edges that matter most, and a table that has more of them. */
export function mapHtml(map: ServiceMap, host: string): Html {
  if (map.edges.length === 0) return html`<p>No traffic between anybody is stored for this range.</p>`;
  const edges = byWeight(map.edges);
  const groups = groupMap(map);
  const drawn = drawnPart(groups.nodes, byWeight(groups.edges));
  const left = groups.nodes.length - drawn.nodes.length;
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Drawing: who talked to whom on ${host}">${drawing(drawn)}</div>
${left > 0 && html`<p class="note">${left} more with less traffic are not drawn.</p>`}
<details><summary>As a table: ${edges.length} edges</summary>${edgeTable(edges, map.nodes)}</details>`;
}

/** Edges as rows, failing ones as they come; used wherever edges are listed. */
export function edgeTable(edges: readonly MapEdge[], nodes: readonly MapNode[]): Html {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const shown = (id: string) => endHtml(byId.get(id));
  return html`<div class="scroll" role="group" tabindex="0" aria-label="Table: who talked to whom"><table>
<thead><tr><th scope="col">from</th><th scope="col">to</th><th scope="col">port</th><th scope="col" class="number">there</th><th scope="col" class="number">back</th><th scope="col" class="number">connections</th><th scope="col" class="number">failed</th></tr></thead>
<tbody>${edges.slice(0, LISTED).map(
    edge => html`<tr><td>${shown(edge.from)}</td><td>${shown(edge.to)}</td><td>${portText(edge)}</td>
<td class="number">${formatSize(edge.sentBytes)}</td><td class="number">${formatSize(edge.receivedBytes)}</td>
<td class="number">${formatCount(edge.connections)}</td><td class="number${edge.failures > 0 && ' bad'}">${formatCount(edge.failures)}</td></tr>
`,
  )}</tbody></table></div>${edges.length > LISTED && html`<p class="note">${edges.length - LISTED} more are not listed: <code>tidegauge map</code> has all.</p>`}`;
}

const endHtml = (node: MapNode | undefined): Html =>
  node === undefined
    ? html``
    : node.kind === 'container'
      ? nameHtml(node.name)
      : html`(${nameHtml(node.name)})`;

const bytesOf = (edge: MapEdge): number => edge.sentBytes + edge.receivedBytes;
const portText = ({ protocol, port }: MapEdge): string => (port === 0 ? protocol : `${protocol} ${port}`);

/** What fails is what one looks for, and moves the least: it comes first. */
const byWeight = (edges: readonly MapEdge[]): MapEdge[] =>
  edges.toSorted((a, b) => b.failures - a.failures || bytesOf(b) - bytesOf(a));

/** The first edges, until there are too many nodes; then those between these nodes. */
function drawnPart(nodes: readonly MapNode[], edges: readonly MapEdge[]): ServiceMap {
  const kept = new Set<string>();
  for (const { from, to } of edges)
    if (kept.size + 2 <= DRAWN || (kept.has(from) && kept.has(to))) kept.add(from).add(to);
  return {
    nodes: nodes.filter(({ id }) => kept.has(id)),
    edges: edges.filter(({ from, to }) => kept.has(from) && kept.has(to)),
  };
}

function drawing(map: ServiceMap): Html {
  const { width, height, nodes, edges } = layoutMap(map);
  const most = Math.max(1, ...map.edges.map(bytesOf));
  return html`<svg class="map" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${map.nodes.length} nodes and ${map.edges.length} edges; the table below says the same">
${edges.map(({ edge, from, to }) => edgeHtml(edge, from, to, most))}
${nodes.map(nodeHtml)}
</svg>`;
}

function edgeHtml(edge: MapEdge, from: PlacedNode, to: PlacedNode, most: number): Html {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  const wide = 1 + (4 * Math.log1p(bytesOf(edge))) / Math.log1p(most);
  const health = edge.failures === 0 ? 'well' : edge.connections === 0 ? 'down' : 'failing';
  const said = `${formatSize(edge.sentBytes)} there, ${formatSize(edge.receivedBytes)} back${edge.failures > 0 ? `, ${formatCount(edge.failures)} connections failed` : ''}`;
  return html`<path class="edge ${health}" stroke-width="${wide.toFixed(1)}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"><title>${nameText(from.node.name, 60)} to ${nameText(to.node.name, 60)}, ${portText(edge)}: ${said}</title></path>
<path class="head ${health}" d="M${x2 - 7} ${y2 - 4}L${x2} ${y2}L${x2 - 7} ${y2 + 4}Z"/>`;
}

function nodeHtml({ node, x, y }: PlacedNode): Html {
  const isOurs = node.kind === 'container';
  const name = isOurs ? nameText(node.name, LABEL) : `(${nameText(node.name, LABEL - 2)})`;
  return html`<g class="node ${isOurs ? 'ours' : 'others'}"><title>${nameText(node.name, 200)}</title><rect x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="5"/><text x="${x + NODE.width / 2}" y="${y + NODE.height / 2 + 4}" text-anchor="middle">${name}</text></g>`;
}
