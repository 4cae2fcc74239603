import { get, kept } from '../api.js';
import { bytes, el, named, svg, table } from '../dom.js';

/** Edges of the table at most; those that fail, and then the greatest, come first. */
const EDGES = 300;
/** Rows that are shown at first. */
const FIRST = 20;
/** Characters that fit into a node of the drawing. */
const LABEL = 22;

/** `container`: only its edges. */
export const mapOf = ({ range, host }, container = null) =>
  kept(
    60_000,
    '/map',
    {
      ...range,
      ...(host === '' ? {} : { host }),
      ...(container === null ? {} : { container }),
      ...{ drawing: 'true', limit: String(EDGES) },
    },
    get,
  );

/** Who talked to whom: a drawing of the edges that matter most, and a table of more of them. */
export function mapView(map, page, rows = null) {
  if (map.edges.length === 0)
    return el('p', { class: 'quiet' }, 'No traffic between anybody is stored here.');
  const { left } = map.drawing;
  return el(
    'div',
    {},
    map.drawing.nodes.length === 0
      ? null
      : el(
          'div',
          { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Drawing: who talked to whom' },
          drawing(map.drawing, page),
        ),
    left.edges === 0
      ? null
      : el(
          'p',
          { class: 'quiet' },
          `${left.nodes} more containers or services and ${left.edges} edges with less traffic are not drawn.`,
        ),
    mapTable(map, page, rows),
    ...legend(map),
  );
}

/** Ends that have no name, in words. */
const ENDS = {
  host: 'an address of this host where no container was seen',
  virtual: 'an address or port that is translated on the way',
  private: 'an address of a private range that is none of this host',
  outside: 'any other address',
  unknown:
    'an end that could not be told: of a socket without the address of its peer, or of a connection inside of this host that was open before the capture began, of a service with sockets in several networks',
  other: 'all beyond the bounds of a frame',
};

function legend({ nodes }) {
  const kinds = new Set(
    nodes.filter(({ kind, name }) => kind !== 'container' && name === '').map(({ kind }) => kind),
  );
  return Object.entries(ENDS)
    .filter(([kind]) => kinds.has(kind))
    .map(([kind, text]) => el('p', { class: 'quiet' }, `(${kind}): ${text}.`));
}

function drawing({ width, height, node: size, nodes, edges }, page) {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const most = Math.max(1, ...edges.map(total));
  return svg(
    'svg',
    { class: 'map', width, height, viewBox: `0 0 ${width} ${height}` },
    ...edges.flatMap(edge => line(edge, byId, most)),
    ...nodes.map(node => box(node, size, page)),
  );
}

const total = ({ sent_bytes, received_bytes }) => sent_bytes + received_bytes;

/** The table has all of it in words: what is drawn of an edge is for eyes only. */
function line(edge, byId, most) {
  const { health, failures, ports, more_ports } = edge;
  const [from, to] = [edge.from, edge.to].map(id => isolated(byId.get(id)?.name ?? id, 60));
  const where = [...ports, ...(more_ports > 0 ? [`${more_ports} more ports`] : [])].join(', ');
  const failed = failures > 0 ? `, ${failures} connections failed` : '';
  const said = `${from} to ${to}, ${where}: ${bytes(edge.sent_bytes)} there, ${bytes(edge.received_bytes)} back${failed}`;
  const width = (1 + (4 * Math.log1p(total(edge))) / Math.log1p(most)).toFixed(1);
  const hidden = { 'aria-hidden': 'true' };
  return [
    svg(
      'path',
      { class: `edge ${health}`, 'stroke-width': width, d: edge.path, ...hidden },
      svg('title', {}, said),
    ),
    svg('path', { class: `head ${health}`, d: edge.head, ...hidden }),
  ];
}

/** A container leads to what is known of it, replicas of a service to the list of them. */
function box({ kind, name, service, containers, x, y }, { width, height }, page) {
  const isOurs = kind === 'container';
  const label = isOurs ? isolated(name, LABEL) : `(${isolated(name, LABEL - 2)})`;
  const shape = svg(
    'g',
    { class: `node ${isOurs ? 'ours' : 'others'}` },
    svg('title', {}, isolated(name, 200)),
    svg('rect', { x, y, width, height, rx: 5 }),
    svg('text', { x: x + width / 2, y: y + height / 2 + 4, 'text-anchor': 'middle' }, label),
  );
  if (!isOurs) return shape;
  const parts = containers === 1 ? { container: name } : { view: 'containers', find: service };
  return svg('a', { href: page.link(parts) }, shape);
}

/** A name cut to a length, its direction of writing kept inside: in a picture there is no bdi. */
const isolated = (name, most) =>
  `\u2068${[...name].length > most ? `${[...name].slice(0, most - 1).join('')}…` : name}\u2069`;

function mapTable({ nodes, edges }, page, rows) {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const head = ['From', 'To', 'Port', 'There', 'Back', 'Connections'];
  const shown = rows === 'all' ? edges : edges.slice(0, FIRST);
  const isCut = edges.length >= EDGES;
  const rest = isCut ? `The ${EDGES} rows that fail or move most` : `All ${edges.length} rows`;
  return el(
    'div',
    {},
    table(
      'who talked to whom',
      head,
      [3, 4, 5],
      shown.map(edge => row(edge, byId, page)),
    ),
    edges.length > shown.length ? el('p', {}, el('a', { href: page.link({ rows: 'all' }) }, rest)) : null,
    isCut && shown.length === edges.length
      ? el('p', { class: 'quiet' }, 'There may be more, with less traffic: tidegauge map has all.')
      : null,
  );
}

function row({ from, to, protocol, port, sent_bytes, received_bytes, connections, failures }, byId, page) {
  const end = id => {
    const { kind, name } = byId.get(id) ?? { kind: 'other', name: id };
    return kind === 'container'
      ? el('a', { href: page.link({ container: name }) }, named(name))
      : named(`(${name || kind})`);
  };
  const failed = failures === 0 ? `${connections}` : `${failures} of ${connections + failures} failed`;
  return el(
    'tr',
    { class: failures === 0 ? null : 'failing' },
    el('td', {}, end(from)),
    el('td', {}, end(to)),
    el('td', {}, port === 0 ? `${protocol}, several` : `${protocol}/${port}`),
    el('td', { class: 'number' }, bytes(sent_bytes)),
    el('td', { class: 'number' }, bytes(received_bytes)),
    el('td', { class: 'number' }, failed),
  );
}
