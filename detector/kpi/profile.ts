import { clamp, difference, fadingRate, spreads } from './numbers.ts';

/** What is usual at each half-hour of the day (UTC), and the spread around it. */
export interface Profile {
  readonly usual: (number | null)[];
  /** Mean absolute deviation, of the whole day. */
  deviation: number;
  n: number;
}

const SLOTS = 48;
const FEW = 20;
const LIMIT = 4;
/** A day moves what is usual by this part of the way. */
const PER_DAY = 0.3;
/** And the spread by this part. */
const SPREAD_PER_DAY = 0.4;

export const newProfile = (): Profile => ({
  usual: Array<number | null>(SLOTS).fill(null),
  deviation: 0,
  n: 0,
});

/** How far a value is from what is usual at this half-hour, in standard deviations; null while unknown. Learns it. */
export function fromProfile(state: Profile, x: number, slot: number, rowsPerDay: number): number | null {
  const usual = state.usual[slot] ?? null;
  if (usual === null) {
    state.usual[slot] = x;
    return null;
  }
  const d = difference(x, usual);
  state.n++;
  const z = state.n > FEW ? spreads(d, state.deviation) : null;
  const limited = state.n > FEW && state.deviation > 0 ? clamp(d, LIMIT * state.deviation) : d;
  state.deviation +=
    (Math.abs(limited) - state.deviation) * fadingRate(state.n, Math.min(1, SPREAD_PER_DAY / rowsPerDay));
  state.usual[slot] = usual + (limited * PER_DAY) / Math.max(1, rowsPerDay / SLOTS);
  return z;
}
