import { bytes, el, svg } from './dom.js';

/** Rates over time as lines; where nobody watched there is none. */

const WIDTH = 300;

function pathOf(rates, top, height) {
  const step = WIDTH / Math.max(1, rates.length - 1);
  let isOpen = false;
  let path = '';
  rates.forEach((rate, i) => {
    if (rate === null) {
      isOpen = false;
      return;
    }
    const y = height - 1 - (rate / top) * (height - 2);
    path += `${isOpen ? 'L' : 'M'}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    // A step between two gaps is a point.
    if (!isOpen && (rates[i + 1] ?? null) === null) path += 'h1';
    isOpen = true;
  });
  return path;
}

const greatest = ({ sent_rates, received_rates }) =>
  Math.max(0, ...[...sent_rates, ...received_rates].map(rate => rate ?? 0));

/** A limit further above all that was seen is not drawn: it is no reason to draw that as nothing. */
const HEADROOM = 3;

/** The top of a chart in which both can be told from nothing. */
export const topOf = (most, limits) =>
  Math.max(1, most, ...limits.filter(limit => limit !== null && limit <= HEADROOM * most));

function lines(container, height, attributes, limits = []) {
  const top = topOf(greatest(container), limits);
  const line = (kind, rates) => svg('path', { class: kind, d: pathOf(rates, top, height) });
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: 'none', ...attributes },
    line('received', container.received_rates),
    line('sent', container.sent_rates),
    limits.length === 0
      ? null
      : line(
          'limit',
          limits.map(limit => (limit === null || limit > top ? null : limit)),
        ),
  );
}

/** Beside a number that says the same. */
export const sparkline = container => lines(container, 30, { class: 'spark', 'aria-hidden': 'true' });

/** With its scale in words. `limits`: from which rate on bytes sent are an incident, for each step; empty: not known. */
export function chart(container, limits = []) {
  const words = `Bytes sent and received per second over time, at most ${bytes(greatest(container))}/s`;
  const known = limits.filter(limit => limit !== null);
  return el(
    'figure',
    {},
    lines(
      container,
      160,
      { class: 'chart', role: 'img', 'aria-label': words },
      known.length > 0 ? limits : [],
    ),
    el(
      'figcaption',
      { class: 'quiet' },
      el('span', { class: 'sent' }, 'sent'),
      ', ',
      el('span', { class: 'received' }, 'received'),
      `, at most ${bytes(greatest(container))}/s`,
      known.length === 0
        ? null
        : `; from ${bytes(known.at(-1))}/s sent on (dashed, where it fits) it is an incident`,
    ),
  );
}
