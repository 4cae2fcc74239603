import type { Clock } from '../core/clock.ts';
import { describeError, ExchangeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Backoff, pauseAfter } from '../core/retry.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Handler } from './contract.ts';

/** Pauses between attempts of a handler that fails. */
export const HANDLER_BACKOFF: Backoff = { firstMs: 100, maxMs: 5000 };

/**
 * Give a frame to the handler until it takes it (true) or the consumer is stopped (false). Every failure is tried
 * again, even one that calls itself final: giving up would let a later frame overtake.
 */
export async function handOver(
  frame: Frame,
  handler: Handler,
  options: { lane: number; clock: Clock; log: Log; backoff: Backoff; signal: AbortSignal },
): Promise<boolean> {
  const { lane, clock, log, backoff, signal } = options;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await handler(frame);
      return true;
    } catch (error) {
      const level = attempt === 1 ? 'warn' : 'debug';
      log[level](
        { lane, attempt, error: describeError(error) },
        'a frame could not be handled; trying again',
      );
      const asked = error instanceof ExchangeError ? error.retryAfterMs : undefined;
      await clock.sleep(pauseAfter(attempt, backoff, asked), signal);
    }
  }
  return false;
}
