import { DIRECTIONS } from '../../../core/traffic/frame.ts';
import type { Sharpness } from '../envelope.ts';
import { CLASSES, IN_A_ROW } from '../shape.ts';
import type { Part, Traffic } from '../traffic.ts';
import type { View } from './view.ts';

/**
 * Other sizes than usual, whatever their number: the share of messages that moved to other classes. Hardly news while
 * the usual messages are all there: who comes in addition (a visitor, a job) is judged by the other views.
 */

/** Share of usual messages that are missing at least, and what the limit is multiplied with where fewer are. */
const MISSING = 0.1;
const ADDED = 3;

const percent = (share: number): number => Math.round(1000 * share) / 10;

/** The class whose share moved most up (sign 1) or down (sign -1). */
function mostMoved(traffic: Traffic, direction: 0 | 1, sign: 1 | -1): string {
  const shape = traffic.shapes[direction];
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < CLASSES.length; i++) {
    const moved = sign * ((shape?.last[i] ?? 0) - (shape?.usual[i] ?? 0));
    if (moved > most) {
      most = moved;
      best = i;
    }
  }
  const upper = CLASSES[best + 1];
  const range = upper === undefined ? `${CLASSES[best]} B and more` : `${CLASSES[best]} to ${upper - 1} B`;
  return `${sign > 0 ? 'more' : 'fewer'} of ${range} (${percent(shape?.usual[best] ?? 0)}% to ${percent(shape?.last[best] ?? 0)}%)`;
}

interface Span {
  readonly minutes: number;
  readonly which: 'last' | 'least';
  readonly sharp: Sharpness;
}
/** A change that lasts shows when it is smaller; a large one at once. */
const SPANS: readonly Span[] = [
  { minutes: 1, which: 'last', sharp: { floor: 0.34, steadyFloor: 0.3, restless: 0.05, allowance: 0.1 } },
  {
    minutes: IN_A_ROW,
    which: 'least',
    sharp: { floor: 0.25, steadyFloor: 0.21, restless: 0.05, allowance: 0.1 },
  },
];

/** The direction that moved further, and how far. */
function further(
  { moved: [sent, received] }: Part,
  which: 'last' | 'least',
): { direction: 0 | 1; value: number; missing: number } | null {
  const of = [sent?.[which] ?? null, received?.[which] ?? null] as const;
  if (of[0] === null && of[1] === null) return null;
  return (of[0] ?? -1) >= (of[1] ?? -1)
    ? { direction: 0, value: of[0] ?? 0, missing: sent?.missing ?? 0 }
    : { direction: 1, value: of[1] ?? 0, missing: received?.missing ?? 0 };
}

export const sizes: readonly View[] = SPANS.map(({ minutes, which, sharp }) => ({
  name: 'sizes',
  sharp,
  daily: true,
  read: (_, part) => further(part, which)?.value ?? null,
  tolerance: part => ((further(part, which)?.missing ?? 0) < MISSING ? ADDED : 1),
  tell(value, bound, traffic, part) {
    const direction = further(part, which)?.direction ?? 0;
    const seen = percent(Math.max(0, value));
    const high = percent(Math.max(0, bound));
    const verb = direction === 0 ? 'sent' : 'received';
    const text =
      `${seen}% of messages ${verb} have other sizes for ${minutes}m, expected up to ${high}%: ` +
      `${mostMoved(traffic, direction, 1)}, ${mostMoved(traffic, direction, -1)}`;
    const overMs = minutes * 60_000;
    return { seen, low: null, high, unit: '%', direction: DIRECTIONS[direction], overMs, text };
  },
}));
