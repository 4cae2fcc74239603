import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { isRetriable } from '../core/retry.ts';
import type { IncidentStore } from '../store/contract.ts';
import { within } from './within.ts';
import type { FrameOutput } from './write-batch.ts';

export interface RowsDeps {
  readonly store: IncidentStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
}

/** Why the store did not take rows that must be written before anything else happens. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
}

/**
 * What a fold gives for the store: detections and annotations. A store that does not take them must not hold up alarms:
 * from then on nothing is written, until the fold is done again from its checkpoint, with the same rows.
 */
export class Rows {
  readonly #host: string;
  readonly #deps: RowsDeps;
  /** Why the store did not take the first of the rows that are not written, or null. */
  missing: string | null = null;
  /** Rows that the store refused for good. */
  refused = 0;

  constructor(host: string, deps: RowsDeps) {
    this.#host = host;
    this.#deps = deps;
  }

  /** `limitMs`: longest wait for the store; without it its own time-outs hold. */
  async write({ detections, annotations }: FrameOutput, limitMs: number | null): Promise<void> {
    const { store } = this.#deps;
    if (detections.length > 0)
      await this.#write(detections.length, limitMs, () => store.writeDetections(detections));
    if (annotations.length > 0)
      await this.#write(annotations.length, limitMs, () => store.writeAnnotations(annotations));
  }

  async #write(count: number, limitMs: number | null, action: () => Promise<void>): Promise<void> {
    if (this.missing !== null) return;
    const { clock, log, signal } = this.#deps;
    try {
      await (limitMs === null ? action() : within(limitMs, action, clock));
    } catch (error) {
      if (signal.aborted) throw error;
      const facts = { host: this.#host, rows: count, error: describeError(error) };
      if (isRetriable(error)) {
        this.missing = describeError(error);
        log.warn(facts, 'the store is away: incidents are told, their rows are written when it is back');
      } else {
        this.refused += count;
        log.error(facts, 'the store refused rows');
      }
    }
  }
}
