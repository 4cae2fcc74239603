import { get } from './api.js';
import { bytes, el, named } from './dom.js';

/** Edges shown at most; those that fail, and then the greatest, come first. */
const EDGES = 300;

export const mapOf = ({ range, host }) =>
  get('/map', { ...range, ...(host === '' ? {} : { host }), limit: String(EDGES) });

/** Who talked to whom, as a table. `only`: the edges of this container. */
export function mapTable({ nodes, edges }, page, only = null) {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const touches = ({ from, to }) =>
    [from, to].some(id => byId.get(id)?.kind === 'container' && byId.get(id)?.name === only);
  const shown = only === null ? edges : edges.filter(touches);
  if (shown.length === 0) return el('p', { class: 'quiet' }, 'No traffic between anybody is stored here.');
  const head = ['From', 'To', 'Port', 'There', 'Back', 'Connections'];
  return el(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Who talked to whom' },
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ...head.map((text, i) => el('th', { scope: 'col', class: i > 2 ? 'number' : null }, text)),
        ),
      ),
      el('tbody', {}, ...shown.map(edge => row(edge, byId, page))),
    ),
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
    el('td', {}, port === 0 ? protocol : `${protocol}/${port}`),
    el('td', { class: 'number' }, bytes(sent_bytes)),
    el('td', { class: 'number' }, bytes(received_bytes)),
    el('td', { class: 'number' }, failed),
  );
}
