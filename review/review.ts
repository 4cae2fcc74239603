import { type HostFold, type HostState, stepOver } from '../alert/host.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Interval } from '../core/interval.ts';
import { type Frame, frameEnd, isComplete } from '../core/traffic/frame.ts';
import { type MarkedLimits, type MarksOf, NO_MARKS } from '../detector/fold/marks.ts';
import type { FrameStore } from '../store/contract.ts';

/** What one host's history gave under these settings. */
export interface HostReview {
  readonly host: string;
  /** Stored frames that were folded, and those inside the reviewed range. */
  readonly folded: number;
  readonly frames: number;
  /** Start of the frame after whose checkpoint folding began, or null when it began with the oldest stored frame. */
  readonly checkpoint: number | null;
  /** Start of the first folded frame; without a checkpoint, baselines come from here on. Null: nothing is stored. */
  readonly from: number | null;
  /** End of the last folded frame. */
  readonly to: number | null;
  /** Parts of the range without a frame, or with one that is incomplete or made a detector fail: nothing is known about them. */
  readonly blind: readonly Interval[];
  /** Incidents that touch the range, by start, then container. */
  readonly incidents: readonly Incident[];
}

/** What live workers knew after a frame. */
export interface Beginning {
  /** Start of that frame. */
  readonly last: number;
  /** What the fold's `encode` gave. */
  readonly data: string;
}

/**
 * Folds frames of one host in order, as live workers do, and keeps the incidents that touch the range. `beginning`:
 * what came before the first one; `marksOf`: what people said of incidents of a host.
 */
export class HostReviewer {
  readonly #fold: HostFold;
  readonly #marksOf: MarksOf;
  #marks: MarkedLimits | undefined;
  readonly #range: Interval;
  readonly #coverage: Coverage;
  readonly #checkpoint: number | null;
  readonly #incidents: Map<string, Incident>;
  #state: HostState;
  #folded = 0;
  #first: number | null = null;
  #last: Pick<Frame, 'host' | 'start' | 'durationMs'> | null = null;

  constructor(
    fold: HostFold,
    range: Interval,
    beginning: Beginning | null = null,
    marksOf: MarksOf = () => NO_MARKS,
  ) {
    this.#marksOf = marksOf;
    this.#fold = fold;
    this.#range = range;
    this.#coverage = new Coverage(range);
    this.#checkpoint = beginning?.last ?? null;
    this.#state = beginning ? fold.decode(beginning.data) : fold.init();
    this.#incidents = firing(this.#state);
  }

  /** Start of the newest frame, epoch ms; null before the first. */
  get last(): number | null {
    return this.#last?.start ?? this.#checkpoint;
  }

  add(frame: Frame): void {
    let judged = isComplete(frame);
    this.#marks ??= this.#marksOf(frame.host);
    const step = stepOver(this.#fold, this.#state, frame, this.#marks.at(frame.start), () => {
      judged = false;
    });
    this.#state = step?.state ?? this.#state;
    for (const incident of step?.incidents ?? []) {
      if (touches(incident, this.#range)) this.#incidents.set(incident.id, incident);
    }
    this.#coverage.add(frame, judged);
    this.#folded++;
    this.#first ??= frame.start;
    this.#last = { host: frame.host, start: frame.start, durationMs: frame.durationMs };
  }

  result(): HostReview {
    return {
      host: this.#last?.host ?? '',
      folded: this.#folded,
      frames: this.#coverage.frames,
      checkpoint: this.#checkpoint,
      from: this.#first,
      to: this.#last && frameEnd(this.#last),
      blind: this.#coverage.blind(),
      incidents: [...this.#incidents.values()]
        .filter(incident => touches(incident, this.#range))
        .sort(byStart),
    };
  }
}

/** As HostReviewer, over all frames of a stream. `onFrame` is told of every frame, for progress. */
export async function reviewFrames(
  fold: HostFold,
  frames: AsyncIterable<Frame>,
  range: Interval,
  onFrame?: (frame: Frame) => void,
  beginning: Beginning | null = null,
  marksOf?: MarksOf,
): Promise<HostReview> {
  const reviewer = new HostReviewer(fold, range, beginning, marksOf);
  for await (const frame of frames) {
    reviewer.add(frame);
    onFrame?.(frame);
  }
  return reviewer.result();
}

/**
 * Review stored history of some hosts: folds from the newest checkpoint before the range that these settings have made,
 * else from the oldest stored frame, so that baselines are what they were live.
 */
export async function reviewStore(
  fold: HostFold,
  store: Pick<FrameStore, 'readFrames' | 'hosts'>,
  range: Interval,
  options: {
    /** Of what is stored, all without it. */
    hosts?: readonly string[];
    onFrame?: (frame: Frame) => void;
    /** The newest checkpoint of these settings whose frame starts before `before`. */
    checkpoint?: (host: string, before: number) => Promise<Beginning | null>;
    /** What people said of incidents of a host. */
    marksOf?: MarksOf;
  } = {},
): Promise<HostReview[]> {
  const hosts = options.hosts ?? (await store.hosts());
  const reviews: HostReview[] = [];
  for (const host of hosts) {
    const beginning = (await options.checkpoint?.(host, range.from)) ?? null;
    const frames = store.readFrames(host, { from: beginning ? beginning.last + 1 : 0, to: range.to });
    const { onFrame, marksOf } = options;
    reviews.push({ ...(await reviewFrames(fold, frames, range, onFrame, beginning, marksOf)), host });
  }
  return reviews;
}

const firing = (state: HostState): Map<string, Incident> =>
  new Map(state.pipeline.open.map(({ incident }) => [incident.id, incident]));

const touches = (incident: Incident, range: Interval): boolean =>
  incident.start < range.to && incident.end > range.from;

function byStart(a: Incident, b: Incident): number {
  return a.start - b.start || (a.container < b.container ? -1 : a.container > b.container ? 1 : 0);
}

/** Finds the parts of a range that judged frames do not cover. */
class Coverage {
  frames = 0;
  readonly #range: Interval;
  readonly #blind: Interval[] = [];
  #covered: number | null = null;

  constructor(range: Interval) {
    this.#range = range;
  }

  /** Frames come in order of start. */
  add(frame: Frame, judged: boolean): void {
    const from = Math.max(frame.start, this.#range.from);
    const to = Math.min(frameEnd(frame), this.#range.to);
    if (from >= to) return;
    this.frames++;
    if (this.#covered !== null && from > this.#covered) this.#addBlind({ from: this.#covered, to: from });
    if (!judged) this.#addBlind({ from, to });
    this.#covered = Math.max(this.#covered ?? to, to);
  }

  /** Blind parts between the first and the last frame of the range; adjacent ones are one. */
  blind(): Interval[] {
    return [...this.#blind];
  }

  /** Hours of incomplete frames are one stretch, not thousands. */
  #addBlind(stretch: Interval): void {
    const last = this.#blind.at(-1);
    if (last && last.to >= stretch.from)
      this.#blind[this.#blind.length - 1] = { from: last.from, to: Math.max(last.to, stretch.to) };
    else this.#blind.push(stretch);
  }
}
