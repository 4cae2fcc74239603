/** How often a series has rows: the median of the first distances between them. */
export interface Cadence {
  /** Ascending, ms. */
  readonly gaps: number[];
}

const ENOUGH = 31;
const UNKNOWN_MS = 60_000;

export const newCadence = (): Cadence => ({ gaps: [] });

export function learnGap({ gaps }: Cadence, gap: number): void {
  if (gaps.length >= ENOUGH || gap <= 0) return;
  const at = gaps.findIndex(other => other > gap);
  gaps.splice(at < 0 ? gaps.length : at, 0, gap);
}

/** Milliseconds from row to row; a minute while nothing is known. */
export const interval = ({ gaps }: Cadence): number => gaps[gaps.length >> 1] ?? UNKNOWN_MS;
