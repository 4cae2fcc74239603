import type { Frame } from '../core/frame.ts';

/** A frame without what is stored in other rows, and how many containers belong to it. */
export interface FrameHead {
  readonly frame: Omit<Frame, 'containers' | 'started' | 'ended' | 'windows'>;
  readonly containers: number;
}

/** As many of the first heads as have at most `limit` containers together, but at least one. */
export function withinRows(heads: readonly FrameHead[], limit: number): readonly FrameHead[] {
  let rows = 0;
  let taken = 0;
  for (const { containers } of heads) {
    rows += containers;
    if (rows > limit && taken > 0) break;
    taken++;
  }
  return heads.slice(0, taken);
}
