import { el } from './dom.js';

/** Height of a row, px; style.css has the same. */
const ROW = 44;
/** Rows beyond those that are seen. */
const SPARE = 8;

/**
 * A list that makes only the rows that are seen, so that thousands cost as little as twenty.
 * @param {readonly T[]} items
 * @param {(item: T) => Node[]} cells of a row; the first is its link
 */
export function longList(label, items, cells) {
  const spacer = el('li', { class: 'spacer', 'aria-hidden': 'true' });
  spacer.style.height = `${items.length * ROW}px`;
  const list = el('ul', { class: 'list', 'aria-label': label }, spacer);
  if (items.length * ROW < 400) list.style.height = `${items.length * ROW + 2}px`;
  const shown = new Map();
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const end = Math.min(items.length, first + Math.ceil((list.clientHeight || 600) / ROW) + 2 * SPARE);
    for (const [i, row] of shown) {
      if (i >= first && i < end) continue;
      row.remove();
      shown.delete(i);
    }
    for (let i = first; i < end; i++) {
      if (shown.has(i)) continue;
      const place = { 'aria-setsize': items.length, 'aria-posinset': i + 1, 'data-i': i };
      const row = el('li', { class: 'row', ...place }, ...cells(items[i]));
      row.style.transform = `translateY(${i * ROW}px)`;
      shown.set(i, row);
      // In their order: so they are read, and reached by the keyboard.
      const after = [...shown.keys()].filter(j => j > i).sort((a, b) => a - b)[0];
      list.insertBefore(row, after === undefined ? null : shown.get(after));
    }
  };
  const move = event => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = Number(event.target.closest?.('.row')?.dataset.i);
    if (by === undefined || !(at + by >= 0 && at + by < items.length)) return;
    event.preventDefault();
    list.scrollTop = Math.min(
      Math.max(list.scrollTop, (at + by + 1) * ROW - list.clientHeight),
      (at + by) * ROW,
    );
    draw();
    shown
      .get(at + by)
      ?.querySelector('a')
      ?.focus();
  };
  list.addEventListener('scroll', draw);
  list.addEventListener('keydown', move);
  draw();
  // Its height is known once it is in the page.
  requestAnimationFrame(draw);
  return list;
}
