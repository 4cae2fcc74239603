import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { isRetriable } from '../../core/retry.ts';
import type { IncidentStore } from '../../store/contract.ts';
import type { LiveStore } from './live-store.ts';
import type { FrameOutput } from './write-batch.ts';

export interface RowsDeps {
  readonly store: IncidentStore;
  readonly live: LiveStore;
  readonly log: Log;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
}

/** Why the store did not take rows that must be written before anything else happens. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
}

/**
 * What a fold gives for the store: detections, what is expected, and annotations. A store that does not take them must not hold up alarms:
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

  /** `live`: alarms wait for it; otherwise only the time-outs of the store hold. */
  async write(
    { detections, expected, annotations }: FrameOutput,
    { live }: { live: boolean },
  ): Promise<void> {
    const { store } = this.#deps;
    if (detections.length > 0)
      await this.#write(detections.length, live, () => store.writeDetections(detections));
    if (expected.length > 0) await this.#write(expected.length, live, () => store.writeExpected(expected));
    if (annotations.length > 0)
      await this.#write(annotations.length, live, () => store.writeAnnotations(annotations));
  }

  async #write(count: number, isLive: boolean, action: () => Promise<void>): Promise<void> {
    if (this.missing !== null) return;
    const { live, log, signal } = this.#deps;
    try {
      await (isLive ? live.try(action) : action());
    } catch (error) {
      if (signal.aborted) throw error;
      const facts = { host: this.#host, rows: count, error: describeError(error) };
      if (isRetriable(error)) {
        this.missing = describeError(error);
        log.warn(facts, 'the store is away: incidents are reported, their rows are written when it is back');
      } else {
        this.refused += count;
        log.error(facts, 'the store refused rows');
      }
    }
  }
}
