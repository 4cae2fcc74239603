/**
 * The score of the Numenta Anomaly Benchmark, v1.1 (Lavin and Ahmad 2015, arXiv:1510.03336), at a fixed limit: an early
 * detection inside a window earns most, one far behind a window costs as much as one where there is no window.
 */
export interface Profile {
  readonly found: number;
  readonly falseAlarm: number;
  readonly missed: number;
}

export const NAB_PROFILES = {
  standard: { found: 1, falseAlarm: 0.11, missed: 1 },
  lowFalsePositives: { found: 1, falseAlarm: 0.22, missed: 1 },
} as const satisfies Record<string, Profile>;

/** First and last row of a window. */
export type Window = readonly [number, number];

/** What one file contributes to the score of a corpus. */
export interface NabPart {
  readonly raw: number;
  /** What no detection at all, and what perfect ones, would give. */
  readonly none: number;
  readonly perfect: number;
  readonly windows: number;
  readonly found: number;
  /** Detections outside of windows, rows. */
  readonly falseRows: number;
}

/** Rows at the beginning that neither earn nor cost: 15 %, at most 750. */
const probationRows = (rows: number): number => Math.min(750, Math.floor(0.15 * rows));

/** Scaled sigmoid of a relative position: -1 is the left edge of a window, 0 its right edge, above 0 is behind it. */
const sigmoid = (y: number): number => (y > 3 ? -1 : 2 / (1 + Math.exp(5 * y)) - 1);
const LEFT_EDGE = sigmoid(-1);

/** @param alarms by row: the score reaches 1 */
export function nabPart(alarms: readonly boolean[], windows: readonly Window[], profile: Profile): NabPart {
  const start = probationRows(alarms.length);
  const sorted = [...windows].sort((a, b) => a[0] - b[0]);
  const best = new Map<number, number>();
  let cost = 0;
  let falseRows = 0;
  for (let row = start; row < alarms.length; row++) {
    if (!alarms[row]) continue;
    const inside = sorted.findIndex(([left, right]) => row >= left && row <= right);
    if (inside >= 0) {
      best.set(inside, Math.max(best.get(inside) ?? 0, insideValue(row, sorted[inside] as Window)));
    } else {
      falseRows++;
      cost +=
        profile.falseAlarm *
        outsideValue(
          row,
          sorted.findLast(([, right]) => right < row),
        );
    }
  }
  const judged = sorted.filter(([, right]) => right >= start).length;
  const earned = [...best.values()].reduce((sum, value) => sum + profile.found * value, 0);
  return {
    raw: earned + cost - profile.missed * (judged - best.size),
    none: -profile.missed * judged,
    perfect: profile.found * windows.length,
    windows: judged,
    found: best.size,
    falseRows,
  };
}

const insideValue = (row: number, [left, right]: Window): number =>
  sigmoid(-(right - row + 1) / (right - left + 1)) / LEFT_EDGE;

const outsideValue = (row: number, before: Window | undefined): number =>
  before ? sigmoid((row - before[1]) / (before[1] - before[0])) : -1;

/** Score of a corpus: 0 for no detection, 100 for perfect ones; null when it has no window that is judged. */
export function nabScore(parts: readonly NabPart[]): number | null {
  const sum = (of: (part: NabPart) => number) => parts.reduce((total, part) => total + of(part), 0);
  const none = sum(part => part.none);
  const perfect = sum(part => part.perfect);
  return perfect === none ? null : (100 * (sum(part => part.raw) - none)) / (perfect - none);
}
