import { all } from './api.js';
import { chart, sparkline } from './chart.js';
import { bytes, el, named, time } from './dom.js';
import { longList } from './list.js';

/** The step of a range's rates: about a hundred points. */
const STEPS = { '1h': '1m', '6h': '4m', '24h': '15m', '7d': '2h', '30d': '6h' };

export const containersOf = ({ range, host, choice }, more = {}) =>
  all('/containers', { ...range, step: STEPS[choice] ?? '1m', ...(host === '' ? {} : { host }), ...more });

const rateOf = (count, { watched_ms }) => (watched_ms > 0 ? `${bytes((count * 1000) / watched_ms)}/s` : '-');

export function containerList(containers, page) {
  if (containers.length === 0) return el('p', { class: 'quiet' }, 'No container was seen in this range.');
  return el(
    'div',
    {},
    el(
      'p',
      { class: 'quiet' },
      `${containers.length}, the busiest first: name, rates over time, sent/s and received/s.`,
    ),
    longList('Containers', containers, one => [
      el('a', { href: page.link({ host: one.host, container: one.container }) }, named(one.container)),
      sparkline(one),
      el('span', { class: 'number sent', title: 'sent per second' }, rateOf(one.sent_bytes, one)),
      el('span', { class: 'number received', title: 'received per second' }, rateOf(one.received_bytes, one)),
    ]),
  );
}

/** One container: a container that changed its service has a part for each. */
export function containerView(parts) {
  if (parts.length === 0) return el('p', { class: 'quiet' }, 'It was not seen in this range.');
  return el(
    'div',
    {},
    ...parts.map(one =>
      el(
        'section',
        {},
        el('p', {}, 'Service ', named(one.service), ' on ', named(one.host)),
        chart(one),
        el(
          'p',
          {},
          `Sent ${bytes(one.sent_bytes)} in ${one.sent_messages} messages (${rateOf(one.sent_bytes, one)}), `,
          `received ${bytes(one.received_bytes)} in ${one.received_messages} (${rateOf(one.received_bytes, one)}). `,
          `Seen from ${time(one.first)} to ${time(one.last)}.`,
          one.incomplete > 0 ? ` ${one.incomplete} frames are incomplete.` : null,
        ),
      ),
    ),
  );
}
