import { clamp, difference, fadingRate, spreads } from './numbers.ts';

/** Level of the last few hundred rows and the spread around it. Outliers count in part, so that they do not hide the next ones. */
export interface Level {
  mean: number | null;
  /** Mean absolute deviation. */
  deviation: number;
}

const ROWS = 300;
const FEW = 20;
const LIMIT = 3;

export const newLevel = (): Level => ({ mean: null, deviation: 0 });

/** How far a value is from the level, in standard deviations; null while too little is known. Learns it. `rows`: with this one. */
export function fromLevel(state: Level, x: number, rows: number): number | null {
  if (state.mean === null) {
    state.mean = x;
    return null;
  }
  const d = difference(x, state.mean);
  const z = rows > FEW ? spreads(d, state.deviation) : null;
  const limited = rows > FEW && state.deviation > 0 ? clamp(d, LIMIT * state.deviation) : d;
  const rate = fadingRate(rows, 1 / ROWS);
  state.deviation += (Math.abs(limited) - state.deviation) * rate;
  state.mean += limited * rate;
  return z;
}
