import { formatValue } from '../../../core/config/units.ts';
import type { Sharpness } from '../envelope.ts';
import { logBytes, messagePadding, type Part, type Traffic } from '../traffic.ts';
import type { View } from './view.ts';

/**
 * More bytes sent than usual, and more for what is received: what leaves a container that nobody asked for it. Over a
 * minute, and over five, where chance counts for less. While no more is sent than usual, it is what is received that is
 * less: work that rests is no leak.
 */

interface Span {
  readonly of: 'minute' | 'minutes';
  readonly minutes: number;
  readonly words: string;
  readonly overMs: number;
  /** So many messages make little difference. */
  readonly messages: number;
  readonly sharp: Sharpness;
}

const SPANS: readonly Span[] = [
  {
    of: 'minute',
    minutes: 1,
    words: 'over 1m',
    overMs: 60_000,
    messages: 16,
    sharp: { floor: 0.62, steadyFloor: 0.5, restless: 0.4, allowance: 0.3 },
  },
  {
    of: 'minutes',
    minutes: 5,
    words: 'over 5m',
    overMs: 300_000,
    messages: 32,
    sharp: { floor: 0.53, steadyFloor: 0.42, restless: 0.3, allowance: 0.3 },
  },
];

/** So much more than usual is more, in logarithms. */
const MORE = 0.2;

const sumsOf = (part: Part, { of }: Span) => (of === 'minute' ? part.minute : part.minutes);

function sendsMore(traffic: Traffic, part: Part, span: Span): boolean {
  const bytes = sumsOf(part, span)?.[2] ?? 0;
  return logBytes(traffic, bytes / span.minutes) > traffic.given + MORE;
}

function read(traffic: Traffic, part: Part, span: Span): number | null {
  const sums = sumsOf(part, span);
  if (sums === null) return null;
  const { messages } = span;
  const [, received = 0, sentBytes = 0] = sums;
  return Math.log(sentBytes + messagePadding(traffic, messages)) - Math.log(received + messages);
}

export const ratios: readonly View[] = SPANS.map(span => ({
  name: 'ratio',
  sharp: span.sharp,
  daily: true,
  read: (traffic, part) => read(traffic, part, span),
  isLearntOnly: (traffic, part) => !sendsMore(traffic, part, span),
  tell(value, bound) {
    const seen = Math.exp(value);
    const high = Math.exp(bound);
    const text = `sent ${formatValue(seen, 'B')} for each message received ${span.words}, expected up to ${formatValue(high, 'B')}`;
    return { seen, low: null, high, unit: 'B', direction: 'send', overMs: span.overMs, text };
  },
}));
