import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { retrying } from '../core/retry.ts';

/** The lane belongs to somebody else now: nothing more may be written for it. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** Why a write under the lease of `name` was refused. */
export const leaseLost = (name: string): LeaseLost =>
  new LeaseLost(`another worker owns ${name}, or the state did not answer in time`);

/** Pauses between attempts at the state. */
export const BACKOFF = { firstMs: 100, maxMs: 5000 };

export interface RetryDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
}

/** Try until it works or the lane is given up. */
export function retryUnderLease<T>(deps: RetryDeps, action: () => Promise<T>): Promise<T> {
  return retrying(action, {
    clock: deps.clock,
    backoff: BACKOFF,
    signal: deps.signal,
    onFailure: (error, attempt) => {
      if (attempt === 1) deps.log.warn({ error: describeError(error) }, 'the state is away, trying again');
    },
  });
}
