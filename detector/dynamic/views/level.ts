import { formatValue } from '../../../core/config/units.ts';
import type { Normal } from '../../../core/incident/normal.ts';
import type { Sharpness } from '../envelope.ts';
import { messagePadding, type Part, type Traffic } from '../traffic.ts';
import type { Told, View } from './view.ts';

/**
 * More than usual, or much less: ln(x + c), x the messages or bytes of the last 5 seconds or of the last minute. With c, a
 * few messages' worth, small counts are harmless, and "twice as much" is ln 2 for every container.
 */

/** How much there is: what it means needs no part. */
export interface Level extends View {
  /** What its rate is of. */
  readonly measures: Pick<Normal, 'direction' | 'side' | 'unit' | 'overMs'>;
  /** The rate that a value stands for. */
  rate(value: number, traffic: Traffic): number;
  tell(value: number, bound: number, traffic: Traffic): Told;
}

interface Span {
  readonly of: 'now' | 'minute';
  readonly seconds: number;
  readonly words: string;
  /** What it looks back to, ms. */
  readonly overMs: number;
  /** Messages that make little difference, and for bytes so many of their usual size. */
  readonly messages: number;
  readonly large: number;
  /** Quantities that are judged over it. */
  readonly quantities: readonly number[];
  readonly sharp: Sharpness;
}

// Bytes of 5 seconds and those received add nothing to what sizes tell; those sent in a minute little.
const SPANS: readonly Span[] = [
  {
    of: 'now',
    seconds: 5,
    words: 'for 5s',
    overMs: 5000,
    quantities: [0, 1],
    messages: 4,
    large: 8,
    sharp: { floor: 1.25, steadyFloor: 0.83, restless: 0.4, allowance: 0.2 },
  },
  {
    of: 'minute',
    seconds: 60,
    words: 'over 1m',
    overMs: 60_000,
    quantities: [0, 1],
    messages: 12,
    large: 24,
    sharp: { floor: 0.92, steadyFloor: 0.68, restless: 0.4, allowance: 0.4 },
  },
  {
    of: 'minute',
    seconds: 60,
    words: 'over 1m',
    overMs: 60_000,
    quantities: [2],
    messages: 12,
    large: 24,
    sharp: { floor: 1.06, steadyFloor: 0.78, restless: 0.4, allowance: 0.46 },
  },
];

function padding(traffic: Traffic, quantity: number, span: Span): number {
  return quantity < 2 ? span.messages : messagePadding(traffic, span.large);
}

function above(quantity: number, span: Span): Level {
  const unit = quantity < 2 ? 'msg/s' : 'B/s';
  const direction = quantity % 2 === 0 ? 'send' : 'receive';
  const verb = direction === 'send' ? 'sent' : 'received';
  const { seconds, words, overMs } = span;
  const rate = (value: number, traffic: Traffic): number =>
    Math.max(0, Math.exp(value) - padding(traffic, quantity, span)) / seconds;
  return {
    measures: { direction, side: 'high', unit, overMs },
    rate,
    name: 'level',
    sharp: span.sharp,
    daily: true,
    work: 'leads',
    read(traffic, part) {
      const sums = span.of === 'now' ? part.now : part.minute;
      return sums === null ? null : Math.log((sums[quantity] ?? 0) + padding(traffic, quantity, span));
    },
    tell(value, bound, traffic) {
      const seen = rate(value, traffic);
      const high = rate(bound, traffic);
      const text = `${verb} ${formatValue(seen, unit)} ${words}, expected up to ${formatValue(high, unit)}`;
      return { seen, low: null, high, unit, direction, overMs, text };
    },
  };
}

/** Messages of a minute that make little difference to how little there is. */
const FEW = 4;
const both = (part: Part): number | null => part.minute && (part.minute[0] ?? 0) + (part.minute[1] ?? 0);

const rateOfBoth = (value: number): number => Math.max(0, Math.exp(-value) - FEW) / 60;

const below: Level = {
  name: 'level',
  measures: { direction: null, side: 'low', unit: 'msg/s', overMs: 60_000 },
  rate: rateOfBoth,
  sharp: { floor: 1.5, steadyFloor: 1.08, restless: 0.4, allowance: 0.36 },
  daily: true,
  read(_, part) {
    const messages = both(part);
    return messages === null ? null : -Math.log(messages + FEW);
  },
  tell(value, bound) {
    const seen = rateOfBoth(value);
    const low = rateOfBoth(bound);
    const text = `${formatValue(seen, 'msg/s')} over 1m, expected at least ${formatValue(low, 'msg/s')}`;
    return { seen, low, high: null, unit: 'msg/s', overMs: 60_000, text };
  },
};

export const levels: readonly Level[] = [
  ...SPANS.flatMap(span => span.quantities.map(quantity => above(quantity, span))),
  below,
];
