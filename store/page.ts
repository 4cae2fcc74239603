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

/** What one row of heads has of other rows. */
type Rows = { readonly containers: number; readonly flows?: number; readonly connections?: number };

/** Counts the rows of heads up to a limit. */
export class RowLimit {
  readonly #limit: number;
  #rows = 0;
  #isFirst = true;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether one more is within the limit; the first always is. */
  takes({ containers, flows = 0, connections = 0 }: Rows): boolean {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    this.#rows += containers + flows + connections;
    return isFirst || this.#rows <= this.#limit;
  }
}

/** The first heads that have at most `limit` other rows together, but at least one. */
export function withinRows<H extends Rows>(heads: readonly H[], limit: number): readonly H[] {
  const rows = new RowLimit(limit);
  const end = heads.findIndex(head => !rows.takes(head));
  return end === -1 ? heads : heads.slice(0, end);
}
