import type { Random } from './random.ts';
import { DAY, FRAME_S } from './sources.ts';

/** What multiplies all that a container does by its own will. */

/** The slow level that replicas of a service share: exp of an AR(1). */
export class SlowLevel {
  readonly #random: Random;
  readonly #sd: number;
  readonly #keep: number;
  #x: number;

  /** `sd` of the logarithm; `correlationS` in seconds. */
  constructor(random: Random, sd: number, correlationS: number) {
    this.#random = random;
    this.#sd = sd;
    this.#keep = Math.exp(-FRAME_S / correlationS);
    this.#x = sd * random.normal();
  }

  next(): number {
    const step = this.#sd * Math.sqrt(1 - this.#keep ** 2);
    this.#x = this.#keep * this.#x + step * this.#random.normal();
    return Math.exp(this.#x);
  }
}

/** How often things happen, per day. */
export interface Rates {
  readonly surges: number;
  readonly stalls: number;
  readonly deploys: number;
}

const RAMP = 300 / FRAME_S;
/** Share of frames that are busier for no reason. */
const BUSY_FRAMES = 2e-4;

/** What one container does in a frame: factor 0 is down, `started` is the first frame after a deploy. */
export interface Moment {
  readonly factor: number;
  readonly down: boolean;
  readonly started: boolean;
}

/** Surges, stalls, busy frames and deploys of one container. */
export class Container {
  readonly #random: Random;
  readonly #rates: Rates;
  #surge: { at: number; length: number; height: number } | null = null;
  #stall: { at: number; length: number } | null = null;
  #deploy: { at: number; down: number; busy: number; height: number } | null = null;
  #level = 1;

  constructor(random: Random, rates: Rates) {
    this.#random = random;
    this.#rates = rates;
  }

  next(frame: number): Moment {
    const { down, started, height } = this.#deployAt(frame);
    const factor = down
      ? 0
      : this.#level * height * this.#surgeAt(frame) * this.#stallAt(frame) * this.#busy();
    return { factor, down, started };
  }

  #busy(): number {
    return this.#random.uniform() < BUSY_FRAMES ? Math.min(5, this.#random.pareto(2.5)) : 1;
  }

  #surgeAt(frame: number): number {
    const random = this.#random;
    if (!this.#surge && random.uniform() < this.#rates.surges / DAY) {
      const length = Math.round((random.between(10, 40) * 60) / FRAME_S);
      this.#surge = { at: frame, length, height: random.between(1.3, 2) };
    }
    if (!this.#surge) return 1;
    const { at, length, height } = this.#surge;
    const age = frame - at;
    if (age >= length + 2 * RAMP) this.#surge = null;
    const ramp = Math.min(1, age / RAMP, (length + 2 * RAMP - age) / RAMP);
    return 1 + (height - 1) * Math.max(0, ramp);
  }

  /** Work that was held up for a while is done afterwards. */
  #stallAt(frame: number): number {
    const random = this.#random;
    if (!this.#stall && random.uniform() < this.#rates.stalls / DAY) {
      this.#stall = { at: frame, length: Math.round(random.between(10, 60) / FRAME_S) };
    }
    if (!this.#stall) return 1;
    const age = frame - this.#stall.at;
    if (age >= 2 * this.#stall.length) this.#stall = null;
    else return age < this.#stall.length ? 0.4 : 1.6;
    return 1;
  }

  #deployAt(frame: number): { down: boolean; started: boolean; height: number } {
    const random = this.#random;
    const hour = ((frame % DAY) / DAY) * 24;
    // All deploys fall into ten of the 24 hours.
    const due = hour >= 8 && hour < 18 && random.uniform() < (this.#rates.deploys * 2.4) / DAY;
    if (due && !this.#deploy) {
      const down = Math.round(random.between(10, 30) / FRAME_S);
      const busy = Math.round(random.between(20, 60) / FRAME_S);
      this.#deploy = { at: frame, down, busy, height: random.between(1.5, 4) };
    }
    if (!this.#deploy) return { down: false, started: false, height: 1 };
    const { at, down, busy, height } = this.#deploy;
    const age = frame - at;
    if (age < down) return { down: true, started: false, height: 0 };
    if (age === down) this.#level *= random.logNormal(1, 0.1);
    if (age >= down + busy) this.#deploy = null;
    return { down: false, started: age === down, height: age < down + busy ? height : 1 };
  }
}
