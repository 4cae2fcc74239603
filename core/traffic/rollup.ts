import { compareText, DIRECTIONS, type Direction, type Frame, isComplete } from './frame.ts';
import { addSizes, type Sizes, sizesFrom } from './histogram.ts';

/**
 * Coarser tiers of stored traffic, finest first; each is made of the one before, the first one of frames. A frame
 * belongs to the bucket of its start, as a whole.
 */
export const TIERS = [
  { name: 'minute', stepMs: 60_000 },
  { name: 'hour', stepMs: 3_600_000 },
] as const;
export type Tier = (typeof TIERS)[number];
export type TierName = Tier['name'];

/** How long windows and tiers are kept, ms. */
export type Retention = Readonly<Record<'raw' | TierName, number>>;

export const FOREVER: Retention = {
  raw: Number.POSITIVE_INFINITY,
  minute: Number.POSITIVE_INFINITY,
  hour: Number.POSITIVE_INFINITY,
};

/** Start of the bucket of `stepMs` that a time (epoch ms) belongs to. */
export const bucketStart = (time: number, stepMs: number): number => Math.floor(time / stepMs) * stepMs;

/** What went in one direction. Messages are counted exactly in `sizes`, as in a window. */
export interface Amount {
  readonly messages: number;
  readonly bytes: number;
  readonly sizes: Sizes;
}

/** One container's traffic in a bucket. */
export interface TrafficSum extends Readonly<Record<Direction, Amount>> {
  readonly container: string;
  readonly service: string;
  /** Duration of the frames in which it was alive, ms: a rate is bytes / durationMs, silence included. */
  readonly durationMs: number;
  /** These frames, and how many of them may not hold all that happened. */
  readonly frames: number;
  readonly incomplete: number;
}

/** The exact sum of all frames of one host in one bucket of time. */
export interface Rollup {
  readonly host: string;
  /** Epoch ms, a multiple of the bucket's length. */
  readonly start: number;
  /** Time that was watched, ms. Less than the bucket: there were gaps. */
  readonly durationMs: number;
  readonly frames: number;
  readonly incomplete: number;
  readonly lost: number;
  /** Greatest of the frames. */
  readonly occupancy: number;
  /** Sorted by container, then service: a container that was deployed anew may have had two. */
  readonly traffic: readonly TrafficSum[];
}

interface Sum {
  container: string;
  service: string;
  durationMs: number;
  frames: number;
  incomplete: number;
  readonly amounts: Record<Direction, { messages: number; bytes: number; sizes: Map<number, number> }>;
}

/** Adds up frames or finer rollups of one host and one bucket, in any order. The result is the same in any grouping. */
export class RollupBuilder {
  readonly #host: string;
  readonly #start: number;
  readonly #sums = new Map<string, Sum>();
  #durationMs = 0;
  #frames = 0;
  #incomplete = 0;
  #lost = 0;
  #occupancy = 0;

  constructor(host: string, start: number) {
    this.#host = host;
    this.#start = start;
  }

  addFrame(frame: Frame): void {
    const incomplete = isComplete(frame) ? 0 : 1;
    const { durationMs, lost, occupancy } = frame;
    this.#head({ durationMs, frames: 1, incomplete, lost, occupancy });
    const byName = new Map<string, Sum>();
    for (const { name, service } of frame.containers) {
      const sum = this.#sum(name, service);
      sum.durationMs += durationMs;
      sum.frames += 1;
      sum.incomplete += incomplete;
      byName.set(name, sum);
    }
    for (const window of frame.windows) {
      const sum = byName.get(window.container);
      if (sum) add(sum, window.direction, window);
    }
  }

  addRollup(rollup: Rollup): void {
    this.#head(rollup);
    for (const traffic of rollup.traffic) {
      const sum = this.#sum(traffic.container, traffic.service);
      sum.durationMs += traffic.durationMs;
      sum.frames += traffic.frames;
      sum.incomplete += traffic.incomplete;
      for (const direction of DIRECTIONS) add(sum, direction, traffic[direction]);
    }
  }

  build(): Rollup {
    const traffic = [...this.#sums.values()].map(trafficOf);
    traffic.sort((a, b) => compareText(a.container, b.container) || compareText(a.service, b.service));
    return {
      host: this.#host,
      start: this.#start,
      durationMs: this.#durationMs,
      frames: this.#frames,
      incomplete: this.#incomplete,
      lost: this.#lost,
      occupancy: this.#occupancy,
      traffic,
    };
  }

  #head(part: Pick<Rollup, 'durationMs' | 'frames' | 'incomplete' | 'lost' | 'occupancy'>): void {
    this.#durationMs += part.durationMs;
    this.#frames += part.frames;
    this.#incomplete += part.incomplete;
    this.#lost += part.lost;
    this.#occupancy = Math.max(this.#occupancy, part.occupancy);
  }

  #sum(container: string, service: string): Sum {
    const key = JSON.stringify([container, service]);
    const known = this.#sums.get(key);
    if (known) return known;
    const none = () => ({ messages: 0, bytes: 0, sizes: new Map<number, number>() });
    const amounts = { send: none(), receive: none() };
    const sum = { container, service, durationMs: 0, frames: 0, incomplete: 0, amounts };
    this.#sums.set(key, sum);
    return sum;
  }
}

function add(sum: Sum, direction: Direction, { messages, bytes, sizes }: Amount): void {
  const amount = sum.amounts[direction];
  amount.messages += messages;
  amount.bytes += bytes;
  addSizes(amount.sizes, sizes);
}

function trafficOf({ amounts, ...sum }: Sum): TrafficSum {
  const amount = (direction: Direction): Amount => {
    const { messages, bytes, sizes } = amounts[direction];
    return { messages, bytes, sizes: sizesFrom(sizes) };
  };
  return { ...sum, send: amount('send'), receive: amount('receive') };
}
