import { all, kept } from '../api.js';
import { chart, sparkline } from '../chart.js';
import { bytes, el, named } from '../dom.js';
import { longList } from '../list.js';
import { time } from '../time.js';
import { limitsOf } from './normal.js';

/** The step of a range's rates: about a hundred points. */
const STEPS = { '1h': '1m', '6h': '4m', '24h': '15m', '7d': '2h', '30d': '6h' };
const STEP_MS = { '1h': 60_000, '6h': 240_000, '24h': 900_000, '7d': 7_200_000, '30d': 21_600_000 };

/**
 * As new as their steps, and no older than five minutes.
 * @returns {Promise<{ rows: object[], at: number }>} and when they were asked for, epoch ms: there their rates end
 */
export const containersOf = ({ range, host, choice }, more = {}) =>
  kept(
    Math.min(STEP_MS[choice] ?? 60_000, 300_000),
    '/containers',
    { ...range, step: STEPS[choice] ?? '1m', ...(host === '' ? {} : { host }), ...more },
    async (path, query) => {
      const at = Date.now();
      return { rows: await all(path, query), at };
    },
  );

const rateOf = (count, { watched_ms }) => (watched_ms > 0 ? `${bytes((count * 1000) / watched_ms)}/s` : '-');

/** Without a frame for so long after its last step it is not there any more, or nobody watches. */
const GONE_MS = 60_000;

/** The busiest first; `what.find`: only those with this in their name or service. */
export function containerList({ rows: containers, at }, page, what) {
  if (containers.length === 0) return el('p', { class: 'quiet' }, 'No container was seen in this range.');
  const found = el('div', {});
  const stepMs = STEP_MS[what.choice] ?? 60_000;
  /** Seen since then: it is there at the end of the range. */
  const here = (what.until?.getTime() ?? at) - stepMs - GONE_MS;
  const show = text => {
    const isMeant = one => `${one.container}\n${one.service}`.toLowerCase().includes(text.toLowerCase());
    const shown = text === '' ? containers : containers.filter(isMeant);
    found.replaceChildren(...foundList(shown, { total: containers.length, here }, page));
  };
  show(what.find);
  const look = event => {
    page.look(event.target.value);
    show(event.target.value);
  };
  const input = { type: 'search', 'aria-label': 'Find a container or service', placeholder: 'Find…' };
  return el('div', {}, el('input', { ...input, value: what.find, oninput: look }), found);
}

function foundList(shown, { total, here }, page) {
  const count = shown.length === total ? `${total}` : `${shown.length} of ${total}`;
  return [
    el(
      'p',
      { class: 'quiet', role: 'status' },
      `${count}, the busiest first: name, rates over time, sent/s and received/s.`,
    ),
    shown.length === 0
      ? null
      : longList('Containers', shown, one => [
          el(
            'span',
            { class: 'who' },
            el('a', { href: page.link({ host: one.host, container: one.container }) }, named(one.container)),
            Date.parse(one.last) < here ? el('span', { class: 'quiet' }, ` until ${time(one.last)}`) : null,
          ),
          sparkline(one),
          el('span', { class: 'number sent', title: 'sent per second' }, rateOf(one.sent_bytes, one)),
          el(
            'span',
            { class: 'number received', title: 'received per second' },
            rateOf(one.received_bytes, one),
          ),
        ]),
  ].filter(part => part !== null);
}

/** When the steps of a range are, asked for at `at`, epoch ms. */
export const stepsOf = ({ choice, until }, count, at) => {
  const stepMs = STEP_MS[choice] ?? 60_000;
  const end = Math.ceil((until?.getTime() ?? at) / stepMs) * stepMs;
  return { first: end - count * stepMs, stepMs, count };
};

/** One container, with its incidents shaded: one that changed its service has a part for each. */
export function containerView({ rows: parts, at }, normal, what, incidents) {
  if (parts.length === 0) return el('p', { class: 'quiet' }, 'It was not seen in this range.');
  return el(
    'div',
    {},
    ...parts.map(one => {
      const steps = stepsOf(what, one.sent_rates.length, at);
      return el(
        'div',
        {},
        el('p', {}, 'Service ', named(one.service || 'none'), ' on ', named(one.host)),
        chart(one, steps, limitsOf(normal, steps), incidents),
        el(
          'p',
          {},
          `Sent ${bytes(one.sent_bytes)} in ${one.sent_messages} messages (${rateOf(one.sent_bytes, one)}), `,
          `received ${bytes(one.received_bytes)} in ${one.received_messages} (${rateOf(one.received_bytes, one)}). `,
          `Seen from ${time(one.first)} to ${time(one.last)}. `,
          `Lines are means over ${STEPS[what.choice] ?? '1m'}: within, traffic can be higher.`,
          one.incomplete > 0
            ? ` ${one.incomplete === 1 ? '1 frame is' : `${one.incomplete} frames are`} incomplete.`
            : null,
        ),
      );
    }),
  );
}
