import { formatValue } from '../../../core/config/units.ts';
import { LITTLE, SPANS, type SpanIndex } from '../by-size.ts';
import type { Sharpness } from '../envelope.ts';
import { CLASSES, sizeRange } from '../shape.ts';
import type { View } from './view.ts';

/** More messages of one size than there ever were of it, or more often, whatever there is of others. */

/** `received of 64 to 127 B`, by number of the class and direction. */
const named = (i: number): string =>
  `${i < CLASSES.length ? 'sent' : 'received'} of ${sizeRange(i % CLASSES.length)}`;

const of = (i: number) => ({ direction: i < CLASSES.length ? ('send' as const) : ('receive' as const) });

function more(index: SpanIndex, sharp: Sharpness): View {
  const { words, seconds, few } = SPANS[index];
  return {
    name: 'by-size',
    sharp,
    daily: false,
    work: 'follows',
    read: (_, part) => part.bySize[index] ?? null,
    tell(value, bound, traffic) {
      const reached = traffic.bySize.most[index];
      const i = reached?.furthest ?? 0;
      const little = reached?.few ?? few;
      const most = Math.exp(reached?.before[i] ?? 0) - few + little;
      const rate = (g: number) => Math.max(0, Math.exp(g) * most - little) / seconds;
      const text = `${formatValue(rate(value), 'msg/s')} ${named(i)} ${words}, expected up to ${formatValue(rate(bound), 'msg/s')}`;
      return {
        seen: rate(value),
        low: null,
        high: rate(bound),
        unit: 'msg/s',
        ...of(i),
        overMs: seconds * 1000,
        text,
      };
    },
  };
}

const moreOften: View = {
  name: 'by-size',
  sharp: { floor: 0.9, steadyFloor: 0.9, restless: 0.4, allowance: 0.25 },
  daily: false,
  work: 'follows',
  read: (_, part) => part.bySize[3] ?? null,
  tell(value, bound, traffic) {
    const { restless } = traffic.bySize;
    const i = restless.furthest;
    const share = (g: number) =>
      Math.round(1000 * Math.max(0, Math.exp(-g - (restless.before[i] ?? 0)) - LITTLE)) / 10;
    const text = `messages ${named(i)} pause ${share(value)}% of the time, expected at least ${share(bound)}%: something goes on all the time`;
    return { seen: share(value), low: share(bound), high: null, unit: '%', ...of(i), overMs: 600_000, text };
  },
};

export const bySize: readonly View[] = [
  moreOften,
  more(0, { floor: 0.95, steadyFloor: 0.78, restless: 0.4, allowance: 0.3 }),
  more(1, { floor: 0.68, steadyFloor: 0.6, restless: 0.4, allowance: 0.26 }),
  more(2, { floor: 0.69, steadyFloor: 0.6, restless: 0.4, allowance: 0.26 }),
];
