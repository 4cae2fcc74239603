import { get, kept } from '../api.js';
import { topOf } from '../chart.js';
import { bytes, el, named, svg, table } from '../dom.js';
import { length, time } from '../time.js';

/** What is normal of a container: what its rules have learnt, now and by time of day. */

const HALF_MS = 1_800_000;
const HALVES = 48;
/** What `now` of a rule looks back to. */
const RECENT_MS = 7_200_000;

export const normalOf = ({ host }, container) =>
  kept(60_000, `/containers/${encodeURIComponent(container)}/normal`, host === '' ? {} : { host }, get);

const WORDS = {
  'send B/s': 'bytes sent',
  'receive B/s': 'bytes received',
  'send msg/s': 'messages sent',
  'receive msg/s': 'messages received',
  'both msg/s': 'messages, both ways',
};
const nameOf = ({ direction, unit }) => WORDS[`${direction ?? 'both'} ${unit}`] ?? unit;
const rateText = (rate, { unit }) =>
  unit === 'B/s' ? `${bytes(rate)}/s` : `${Number(rate.toPrecision(3))} msg/s`;

/** From which rate on bytes sent are an incident, for each step of a chart; null: not known. */
export function limitsOf({ at, rules }, { first, stepMs, count }) {
  const quantity = rules
    .flatMap(({ quantities }) => quantities)
    .find(one => one.unit === 'B/s' && one.direction === 'send');
  if (!quantity) return [];
  const known = Date.parse(at);
  return Array.from({ length: count }, (_, i) => {
    const start = first + i * stepMs;
    const isRecent = Math.abs(known - start) < RECENT_MS && quantity.now !== null;
    const rate = isRecent ? quantity.now : quantity.by_half_hour[Math.floor(start / HALF_MS) % HALVES];
    return rate?.limit ?? null;
  });
}

export function normalView({ at, rules, learning }) {
  const until = new Map(learning.map(one => [one.rule, one.until]));
  const rows = rules.flatMap(({ rule, quantities }) =>
    quantities.map(quantity => row(rule, quantity, until)),
  );
  const said = learning.length === 0 ? null : el('p', {}, ...learning.flatMap(learningText));
  if (rows.length === 0)
    return el(
      'div',
      {},
      said ??
        el(
          'p',
          { class: 'quiet' },
          'Not known: no rule that learns over a day judges it, or it came only minutes ago. Fixed limits and the last hour are judged besides.',
        ),
    );
  const head = ['What', 'Usual lately', 'Incident', 'By time of day', 'Rule'];
  return el(
    'div',
    {},
    said,
    table('what is normal here', head, [1, 2], rows),
    el(
      'p',
      { class: 'quiet' },
      `Over a minute each, as known at ${time(at)}. By time of day, from midnight to midnight here: filled what was `,
      'usual, dashed where an incident begins, if that fits; the bar is now; empty where nobody has watched yet.',
    ),
  );
}

/** `traffic is still learning it, until 22:05:00, for another 12 min.` */
const learningText = ({ rule, until }) => [
  el('strong', {}, named(rule)),
  until === null
    ? ' is still learning it, until it has seen more of it. '
    : ` is still learning it, until ${time(until)}, for another ${length(Math.max(0, Date.parse(until) - Date.now()))}. `,
];

function row(rule, quantity, learning) {
  const { now, side } = quantity;
  const isLow = side === 'low';
  const rate = (kind, word) => `${word} ${rateText(now[kind], quantity)}`;
  const unknown = learning.has(rule) ? 'learning' : 'not known yet';
  const usual = now === null ? unknown : rate('usual', isLow ? 'at least' : 'up to');
  const limit = isLow && now?.limit === 0 ? 'never' : now && rate('limit', isLow ? 'below' : 'from');
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, nameOf(quantity)),
    el('td', { class: 'number' }, usual),
    // Nobody is told before that.
    el('td', { class: 'number' }, learning.has(rule) ? 'none yet' : (limit ?? unknown)),
    el('td', {}, quantity.by_half_hour.some(Boolean) ? dayChart(quantity) : 'nothing yet'),
    el('td', {}, named(rule)),
  );
}

/** Half-hours of the day, in the zone of the browser. */
function dayChart(quantity) {
  const shift = Math.round(new Date().getTimezoneOffset() / 30);
  const day = Array.from(
    { length: HALVES },
    (_, i) => quantity.by_half_hour[(i + shift + HALVES) % HALVES] ?? null,
  );
  const known = day.filter(rate => rate !== null).length;
  const top = topOf(
    Math.max(0, ...day.map(rate => rate?.usual ?? 0)),
    day.map(rate => rate?.limit ?? null),
  );
  const y = rate => (39 - (38 * rate) / top).toFixed(1);
  const now = (Math.floor(Date.now() / HALF_MS) - shift + HALVES) % HALVES;
  const words = `${nameOf(quantity)}, ${quantity.side === 'low' ? 'least' : 'most'}, by time of day: ${known} of ${HALVES} half-hours are known`;
  return svg(
    'svg',
    {
      class: 'day',
      viewBox: `0 0 ${HALVES} 40`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': words,
    },
    svg('rect', { class: 'now', x: now, y: 0, width: 1, height: 40 }),
    svg('path', {
      class: 'usual',
      d: day.map((rate, i) => (rate === null ? '' : `M${i} 40V${y(rate.usual)}h1V40z`)).join(''),
    }),
    svg('path', {
      class: 'limit',
      d: day.map((rate, i) => (rate === null || rate.limit > top ? '' : `M${i} ${y(rate.limit)}h1`)).join(''),
    }),
  );
}
