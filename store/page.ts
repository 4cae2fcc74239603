import type { Frame } from '../core/traffic/frame.ts';
import type { Rollup } from '../core/traffic/rollup.ts';

/** A frame without what is stored in other rows, and how many rows of each other kind belong to it. */
export interface FrameHead {
  readonly frame: Omit<Frame, 'containers' | 'started' | 'ended' | 'windows' | 'flows' | 'connections'>;
  readonly containers: number;
  readonly flows: number;
  readonly connections: number;
  /** Written ahead of earlier frames that are still to come. */
  readonly ahead: boolean;
}

/** A bucket without its containers, and how many there are. */
export interface RollupHead {
  readonly rollup: Omit<Rollup, 'traffic'>;
  readonly containers: number;
}

/**
 * The heads, ascending, up to the first that was written ahead and is newer than `newest`, the start of the newest frame
 * that was not (epoch ms; -Infinity: none): earlier frames may still come before that one.
 */
export function inTurn(heads: readonly FrameHead[], newest: number): readonly FrameHead[] {
  const end = heads.findIndex(({ ahead, frame }) => ahead && frame.start > newest);
  return end === -1 ? heads : heads.slice(0, end);
}

/** The first heads that have at most `limit` other rows together, but at least one. */
export function withinRows<
  H extends { readonly containers: number; readonly flows?: number; readonly connections?: number },
>(heads: readonly H[], limit: number): readonly H[] {
  let rows = 0;
  let taken = 0;
  for (const { containers, flows = 0, connections = 0 } of heads) {
    rows += containers + flows + connections;
    if (rows > limit && taken > 0) break;
    taken++;
  }
  return heads.slice(0, taken);
}
