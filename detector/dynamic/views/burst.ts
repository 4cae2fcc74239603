import { formatValue } from '../../../core/config/units.ts';
import { PART_MS, type Traffic } from '../traffic.ts';
import type { View } from './view.ts';

/** 5 seconds that stand out from those before and after: jobs that are larger last longer. Told when it is over. */

/** Messages that make little difference. */
const FEW = 16;
const SECONDS = PART_MS / 1000;

/** Messages both ways in the last three parts, oldest first; null: not known yet. */
function lastThree({ parts: [sent = [], received = []] }: Traffic): [number, number, number] | null {
  const n = sent.length;
  if (n < 3) return null;
  const both = (i: number) => (sent[i] ?? 0) + (received[i] ?? 0);
  return [both(n - 3), both(n - 2), both(n - 1)];
}

export const burst: View = {
  name: 'burst',
  sharp: { floor: 1.38, steadyFloor: 1.38, restless: 0.4, allowance: 0.36 },
  daily: false,
  work: 'follows',
  read(traffic) {
    const parts = lastThree(traffic);
    if (parts === null) return null;
    const [before, middle, after] = parts;
    return Math.log((middle + FEW) / (Math.max(before, after) + FEW));
  },
  tell(value, bound, traffic) {
    const [before, , after] = lastThree(traffic) ?? [0, 0, 0];
    const around = Math.max(before, after) + FEW;
    const seen = Math.max(0, around * Math.exp(value) - FEW) / SECONDS;
    const high = Math.max(0, around * Math.exp(bound) - FEW) / SECONDS;
    const text = `${formatValue(seen, 'msg/s')} for 5s alone, expected up to ${formatValue(high, 'msg/s')}`;
    return { seen, low: null, high, unit: 'msg/s', text };
  },
};
