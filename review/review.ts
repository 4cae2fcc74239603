import { type HostFold, type HostOutput, stepOver } from '../alert/host.ts';
import type { HostState } from '../alert/host-state.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Verdict } from '../core/incident/verdict.ts';
import type { Interval } from '../core/interval.ts';
import { type Frame, frameEnd, isComplete } from '../core/traffic/frame.ts';
import type { FoldState } from '../detector/contract.ts';
import { type MarkedLimits, type MarksOf, NO_MARKS } from '../detector/fold/marks.ts';
import type { FrameStore } from '../store/contract.ts';
import { Coverage, type Covered } from './coverage.ts';
import type { Seen, Threads } from './threads/threads.ts';

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
  /** From the first to the last frame of the range; null: there is none. */
  readonly covered: Interval | null;
  /** Parts of that without a frame, or with one that is incomplete or made a detector fail: nothing is known about them. */
  readonly blind: readonly Interval[];
  /** What is known to be missing in the range. */
  readonly missing: Covered['missing'];
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

  /** What the rules have learnt so far. */
  get learnt(): FoldState {
    return this.#state.fold;
  }

  /** What the frame brought; null when a detector failed on it. `verdicts`: what the rules say of it, where others have judged. */
  add(frame: Frame, verdicts?: readonly Verdict[]): HostOutput | null {
    let judged = isComplete(frame);
    this.#marks ??= this.#marksOf(frame.host);
    const raised = this.#marks.at(frame.start);
    const fold = verdicts ? concluding(this.#fold, verdicts) : this.#fold;
    const step = stepOver(fold, this.#state, frame, raised, () => {
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
    return step;
  }

  result(): HostReview {
    return {
      host: this.#last?.host ?? '',
      folded: this.#folded,
      checkpoint: this.#checkpoint,
      from: this.#first,
      to: this.#last && frameEnd(this.#last),
      ...this.#coverage.result(),
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

/** Settings that history is judged by. */
export interface Side {
  readonly fold: HostFold;
  /** Told of every frame that is folded and what it brought (null: a detector failed), host by host. */
  readonly onStep?: (frame: Frame, output: HostOutput | null) => void;
}

/** What a review of a store reads besides its frames. */
export interface ReviewOptions {
  /** Of what is stored, all without it. */
  readonly hosts?: readonly string[];
  /** Told of every frame once, whoever folds it; `begin`: start of the first frame of this host that may be read. */
  readonly onFrame?: (frame: Frame, begin: number) => void;
  /** The newest checkpoint that a fold of this fingerprint has made and whose frame starts before `before`. */
  readonly checkpoint?: (host: string, before: number, fingerprint: string) => Promise<Beginning | null>;
  /** What people said of incidents of a host. */
  readonly marksOf?: MarksOf;
  /** Those who judge by the same rules and marks; without them it is done here. */
  readonly threads?: Threads;
}

type Frames = Pick<FrameStore, 'readFrames' | 'hosts' | 'firstFrame'>;

/**
 * Review stored history of some hosts: folds from the newest checkpoint before the range that these settings have made,
 * else from the oldest stored frame, so that baselines are what they were live.
 */
export async function reviewStore(
  fold: HostFold,
  store: Frames,
  range: Interval,
  options: ReviewOptions = {},
): Promise<HostReview[]> {
  const reviews = await reviewSides([{ fold }], store, range, options);
  return reviews.flatMap(([review]) => review ?? []);
}

/**
 * The same by several settings at once, each from its own checkpoint: frames are read once. Returns for each host, in the
 * order of the hosts, one review for each side. Memory does not grow with the range.
 */
export async function reviewSides(
  sides: readonly Side[],
  store: Frames,
  range: Interval,
  options: ReviewOptions = {},
): Promise<HostReview[][]> {
  const reviews: HostReview[][] = [];
  for (const host of options.hosts ?? (await store.hosts()))
    reviews.push(await reviewHost(host, sides, store, range, options));
  return reviews;
}

async function reviewHost(
  host: string,
  sides: readonly Side[],
  store: Frames,
  range: Interval,
  { checkpoint, onFrame, marksOf, threads }: ReviewOptions,
): Promise<HostReview[]> {
  const beginnings: (Beginning | null)[] = [];
  for (const { fold } of sides)
    beginnings.push((await checkpoint?.(host, range.from, fold.fingerprint)) ?? null);
  const reviewers = sides.map(({ fold }, i) => new HostReviewer(fold, range, beginnings[i] ?? null, marksOf));
  const known = beginnings.flatMap(beginning => (beginning ? [beginning.last + 1] : []));
  const isWhole = known.length < sides.length;
  const from = isWhole ? 0 : Math.min(...known);
  const begin = isWhole ? ((await store.firstFrame(host)) ?? 0) : from;
  const frames = store.readFrames(host, { from, to: range.to });
  const learnt = () => reviewers.map(reviewer => reviewer.learnt);
  for await (const { frame, verdicts } of threads?.judge(host, frames, learnt) ?? unjudged(frames)) {
    for (const [i, reviewer] of reviewers.entries()) {
      if (reviewer.last !== null && frame.start <= reviewer.last) continue;
      const output = reviewer.add(frame, verdicts?.[i]);
      sides[i]?.onStep?.(frame, output);
    }
    onFrame?.(frame, begin);
  }
  return reviewers.map(reviewer => ({ ...reviewer.result(), host }));
}

async function* unjudged(frames: AsyncIterable<Frame>): AsyncIterable<Seen> {
  for await (const frame of frames) yield { frame, verdicts: null };
}

/** Takes these verdicts for its own. */
const concluding = (fold: HostFold, verdicts: readonly Verdict[]): Pick<HostFold, 'step'> => ({
  step: (state, frame) => fold.conclude(state, frame, verdicts),
});

const firing = (state: HostState): Map<string, Incident> =>
  new Map(state.pipeline.open.map(({ incident }) => [incident.id, incident]));

const touches = (incident: Incident, range: Interval): boolean =>
  incident.start < range.to && incident.end > range.from;

function byStart(a: Incident, b: Incident): number {
  return a.start - b.start || (a.container < b.container ? -1 : a.container > b.container ? 1 : 0);
}
