import type { HostFold } from '../alert/host.ts';
import { type Frame, frameEnd } from '../core/frame.ts';
import type { Incident } from '../core/incident.ts';
import type { Range, Store } from '../store/contract.ts';

/** What one host's history gave under these settings. */
export interface HostReview {
  readonly host: string;
  /** Stored frames that were folded, and those inside the reviewed range. */
  readonly folded: number;
  readonly frames: number;
  /** From when on history was folded: baselines before the range come from here. Null: nothing is stored. */
  readonly from: number | null;
  /** End of the last folded frame. */
  readonly to: number | null;
  /** Stretches of the range without a frame, or with incomplete ones: nothing can be said about them. */
  readonly blind: readonly Range[];
  /** Incidents that touch the range, by start, then container. */
  readonly incidents: readonly Incident[];
}

/**
 * Fold frames of one host in order and keep the incidents that touch the range: the very fold that live workers run.
 * `onFrame` is told of every frame, for progress.
 */
export async function reviewFrames(
  fold: HostFold,
  frames: AsyncIterable<Frame>,
  range: Range,
  onFrame?: (frame: Frame) => void,
): Promise<HostReview> {
  const incidents = new Map<string, Incident>();
  const coverage = new Coverage(range);
  let state = fold.init();
  let folded = 0;
  let first: number | null = null;
  let last: Frame | null = null;
  let host = '';
  for await (const frame of frames) {
    const step = fold.step(state, frame);
    state = step.state;
    for (const incident of step.incidents) incidents.set(incident.id, incident);
    coverage.add(frame);
    folded++;
    host = frame.host;
    first ??= frame.start;
    last = frame;
    onFrame?.(frame);
  }
  return {
    host,
    folded,
    frames: coverage.frames,
    from: first,
    to: last && frameEnd(last),
    blind: coverage.blind(),
    incidents: [...incidents.values()].filter(incident => touches(incident, range)).sort(byStart),
  };
}

/** Review stored history of some hosts: folds from the oldest stored frame, so that baselines are what they were live. */
export async function reviewStore(
  fold: HostFold,
  store: Pick<Store, 'readFrames' | 'hosts'>,
  range: Range,
  options: { host?: string; onFrame?: (frame: Frame) => void } = {},
): Promise<HostReview[]> {
  const hosts = options.host === undefined ? await store.hosts() : [options.host];
  const reviews: HostReview[] = [];
  for (const host of hosts) {
    const frames = store.readFrames(host, { from: 0, to: range.to });
    reviews.push({ ...(await reviewFrames(fold, frames, range, options.onFrame)), host });
  }
  return reviews;
}

const touches = (incident: Incident, range: Range): boolean =>
  incident.start < range.to && incident.end > range.from;

function byStart(a: Incident, b: Incident): number {
  return a.start - b.start || (a.container < b.container ? -1 : a.container > b.container ? 1 : 0);
}

/** Finds the stretches of a range that complete frames do not cover. */
class Coverage {
  frames = 0;
  readonly #range: Range;
  readonly #blind: Range[] = [];
  #covered: number | null = null;

  constructor(range: Range) {
    this.#range = range;
  }

  /** Frames come in order of start. */
  add(frame: Frame): void {
    const from = Math.max(frame.start, this.#range.from);
    const to = Math.min(frameEnd(frame), this.#range.to);
    if (from >= to) return;
    this.frames++;
    if (this.#covered !== null && from > this.#covered) this.#blind.push({ from: this.#covered, to: from });
    if (frame.faults.length > 0) this.#blind.push({ from, to });
    this.#covered = Math.max(this.#covered ?? to, to);
  }

  /** Blind stretches between the first and the last frame of the range, touching ones joined. */
  blind(): Range[] {
    const joined: Range[] = [];
    for (const stretch of this.#blind) {
      const last = joined.at(-1);
      if (last && last.to >= stretch.from)
        joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, stretch.to) };
      else joined.push(stretch);
    }
    return joined;
  }
}
