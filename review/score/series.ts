/** A series as a file gives it, its rows in order of time; rows of one time in the order of the file. */
export interface Series {
  /** Epoch ms, ascending. */
  readonly times: readonly number[];
  /** NaN where a row has no value. */
  readonly values: readonly number[];
  /** True: the file says that this row is anomalous. Null: it says nothing of that. */
  readonly labels: readonly boolean[] | null;
  /** How each row wrote its time. */
  readonly stamps: readonly string[];
  /** Where each row stood in the file, from 0, counting rows only. */
  readonly places: readonly number[];
  readonly refused: Refused;
}

/** Lines that are no rows. */
export interface Refused {
  readonly count: number;
  /** The first ones. */
  readonly first: readonly { readonly line: number; readonly why: string }[];
}

/** Median distance of rows, ms; rows of one time count once. Null of fewer than two times. */
export function cadenceOf({ times }: Series): number | null {
  const gaps: number[] = [];
  for (let i = 1; i < times.length; i++) {
    const gap = (times[i] as number) - (times[i - 1] as number);
    if (gap > 0) gaps.push(gap);
  }
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? null;
}

/** Anomalies: runs of rows that `labels` says are anomalous, first and last row of each. */
export function runsOf(labels: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = [];
  labels.forEach((anomalous, i) => {
    if (!anomalous) return;
    const open = runs.at(-1);
    if (open && open[1] === i - 1) open[1] = i;
    else runs.push([i, i]);
  });
  return runs;
}
