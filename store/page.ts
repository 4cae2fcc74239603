import type { Frame } from '../core/frame.ts';
import type { Rollup } from '../core/rollup.ts';

/** A frame without what is stored in other rows, and how many containers and flows belong to it. */
export interface FrameHead {
  readonly frame: Omit<Frame, 'containers' | 'started' | 'ended' | 'windows' | 'flows'>;
  readonly containers: number;
  readonly flows: number;
}

/** A bucket without its containers, and how many there are. */
export interface RollupHead {
  readonly rollup: Omit<Rollup, 'traffic'>;
  readonly containers: number;
}

/** As many of the first heads as have at most `limit` containers and flows together, but at least one. */
export function withinRows<H extends { readonly containers: number; readonly flows?: number }>(
  heads: readonly H[],
  limit: number,
): readonly H[] {
  let rows = 0;
  let taken = 0;
  for (const { containers, flows = 0 } of heads) {
    rows += containers + flows;
    if (rows > limit && taken > 0) break;
    taken++;
  }
  return heads.slice(0, taken);
}
