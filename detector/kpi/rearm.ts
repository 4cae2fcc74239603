/** After an alarm: what goes on is one event, and only what is clearly worse alarms again. */
export interface Rearm {
  /** Number of the last row at or beyond the limit; null before the first. */
  row: number | null;
  /** Score of the last alarm. */
  score: number;
}

const CLEARLY = 1.5;
/** Below the limit, and nothing else. */
const HELD = 0.99;

export const newRearm = (): Rearm => ({ row: null, score: 0 });

/** The score, held just below 1 while it goes on from a row at or beyond the limit less than `rows` rows ago. */
export function rearmed(state: Rearm, score: number, row: number, rows: number): number {
  if (score < 1) return score;
  const goesOn = state.row !== null && row - state.row < rows;
  state.row = row;
  if (goesOn && score < CLEARLY * state.score) return HELD;
  state.score = score;
  return score;
}
