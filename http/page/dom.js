/** Elements from plain values. Text goes in as text: no name can become markup. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {string} tag
 * @param {Record<string, unknown>} attributes `on…` are listeners, `null` and `false` are left out
 * @param {...(Node | string | number | null)} children
 */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children)
    if (child !== null) node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  return node;
}

/** A name that others chose: its direction of writing stays inside it. */
export const named = text =>
  el('bdi', { dir: 'auto', title: text }, text === '/' ? '/ (the host itself)' : text);

/**
 * A table that scrolls by itself where it is too wide.
 *
 * @param {string} about what it tells, for who cannot see it
 * @param {string[]} head the words above the columns
 * @param {number[]} numbers places of the columns that hold numbers, from 0
 * @param {Node[]} rows
 */
export function table(about, head, numbers, rows) {
  const cells = head.map((text, i) =>
    el('th', { scope: 'col', class: numbers.includes(i) ? 'number' : null }, text),
  );
  return el(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': `Table: ${about}` },
    el('table', {}, el('thead', {}, el('tr', {}, ...cells)), el('tbody', {}, ...rows)),
  );
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.4 MiB`. */
export function bytes(count) {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
