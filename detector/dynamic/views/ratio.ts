import { formatValue } from '../../../core/config/units.ts';
import type { Sharpness } from '../envelope.ts';
import { messagePadding, type Part, type Traffic } from '../traffic.ts';
import type { View } from './view.ts';

/**
 * More bytes sent for what is received than usual: what leaves a container that nobody asked for it. Over a minute, and
 * over five, where chance counts for less.
 */

interface Span {
  readonly of: 'minute' | 'minutes';
  readonly words: string;
  readonly overMs: number;
  /** So many messages make little difference. */
  readonly messages: number;
  readonly sharp: Sharpness;
}

const SPANS: readonly Span[] = [
  {
    of: 'minute',
    words: 'over 1m',
    overMs: 60_000,
    messages: 16,
    sharp: { floor: 0.66, steadyFloor: 0.53, restless: 0.4, allowance: 0.3 },
  },
  {
    of: 'minutes',
    words: 'over 5m',
    overMs: 300_000,
    messages: 32,
    sharp: { floor: 0.53, steadyFloor: 0.42, restless: 0.3, allowance: 0.3 },
  },
];

function read(traffic: Traffic, part: Part, { of, messages }: Span): number | null {
  const sums = part[of];
  if (sums === null) return null;
  const [, received = 0, sentBytes = 0] = sums;
  return Math.log(sentBytes + messagePadding(traffic, messages)) - Math.log(received + messages);
}

export const ratios: readonly View[] = SPANS.map(span => ({
  name: 'ratio',
  sharp: span.sharp,
  daily: true,
  read: (traffic, part) => read(traffic, part, span),
  tell(value, bound) {
    const seen = Math.exp(value);
    const high = Math.exp(bound);
    const text = `sent ${formatValue(seen, 'B')} for each message received ${span.words}, expected up to ${formatValue(high, 'B')}`;
    return { seen, low: null, high, unit: 'B', direction: 'send', overMs: span.overMs, text };
  },
}));
