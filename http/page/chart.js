import { bytes, el, svg } from './dom.js';
import { time } from './time.js';

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

/** Lines of one container in a box that is stretched to its place. */
function lines(container, height, attributes, limits = []) {
  const top = topOf(greatest(container), limits);
  const line = (kind, rates) => svg('path', { class: kind, d: pathOf(rates, top, height) });
  const limit = limits.map(rate => (rate === null || rate > top ? null : rate));
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: 'none', ...attributes },
    line('received', container.received_rates),
    line('sent', container.sent_rates),
    limits.length === 0 ? null : line('limit', limit),
  );
}

/** Beside a number that says the same. */
export const sparkline = container => lines(container, 30, { class: 'spark', 'aria-hidden': 'true' });

/** Height of a chart without its axis, px. */
const HEIGHT = 150;
const MINUTE_MS = 60_000;
/** Between two times on the axis. */
const TICKS_MS = [1, 5, 10, 15, 30, 60, 120, 240, 720, 1440, 2880, 7200, 14_400].map(n => n * MINUTE_MS);
const DAY_MS = 1440 * MINUTE_MS;
/** Those with a day are longer. */
const [TICKS, DAYS] = [7, 4];

/** Times on the axis, on round hours of the zone of the browser. */
export function ticksOf(from, to) {
  const most = to - from > DAY_MS ? DAYS : TICKS;
  const step = TICKS_MS.find(ms => (to - from) / ms <= most) ?? TICKS_MS.at(-1);
  const shift = new Date(to).getTimezoneOffset() * MINUTE_MS;
  const first = Math.ceil((from - shift) / step) * step + shift;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => first + i * step);
}

function axis(from, to) {
  return ticksOf(from, to).map(at => {
    const x = (100 * (at - from)) / (to - from);
    const day = time(at, new Date(to));
    const anchor = x < 6 ? 'start' : x > 94 ? 'end' : 'middle';
    // `22:05`, or with its day `01-31 22:05`.
    const text = day.length > 8 ? day.slice(5, 16) : day.slice(0, 5);
    return svg('text', { class: 'tick', x: `${x.toFixed(2)}%`, y: HEIGHT + 16, 'text-anchor': anchor }, text);
  });
}

function shade({ start, end, severity }, from, to) {
  const x = at => Math.min(100, Math.max(0, (100 * (at - from)) / (to - from)));
  const [left, right] = [x(Date.parse(start)), x(Date.parse(end))];
  // What is shorter than a pixel is still there.
  const width = `${Math.max(0.3, right - left).toFixed(2)}%`;
  return svg('rect', { class: `shade ${severity}`, x: `${left.toFixed(2)}%`, y: 0, width, height: HEIGHT });
}

/**
 * A container's rates with their scale in words.
 * @param {{ first: number, stepMs: number, count: number }} steps when its rates are
 * @param {(number | null)[]} limits from which rate on bytes sent are an incident, for each step; empty: not known
 * @param {{ start: string, end: string, severity: string }[]} incidents are shaded
 */
export function chart(container, steps, limits, incidents) {
  const [from, to] = [steps.first, steps.first + steps.count * steps.stepMs];
  const most = bytes(greatest(container));
  const known = limits.filter(limit => limit !== null);
  const during = incidents.map(one => `${one.severity} from ${time(one.start)} to ${time(one.end)}`);
  const words = [
    `Bytes sent and received per second from ${time(from)} to ${time(to)}, at most ${most}/s`,
    ...(during.length > 0 ? [`incidents: ${during.join(', ')}`] : []),
  ].join('; ');
  return el(
    'figure',
    {},
    svg(
      'svg',
      { class: 'chart', width: '100%', height: HEIGHT + 22, role: 'img', 'aria-label': words },
      ...incidents.map(one => shade(one, from, to)),
      lines(container, HEIGHT, { width: '100%', height: HEIGHT }, known.length > 0 ? limits : []),
      ...axis(from, to),
    ),
    el(
      'figcaption',
      { class: 'quiet' },
      el('span', { class: 'sent' }, 'sent'),
      ', ',
      el('span', { class: 'received' }, 'received'),
      `, at most ${most}/s`,
      incidents.length === 0 ? null : '; shaded: incidents',
      known.length === 0
        ? null
        : `; from ${bytes(known.at(-1))}/s sent on (dashed, where it fits) it is an incident`,
    ),
  );
}
