import type { Clock } from './clock.ts';
import { ExchangeError } from './errors.ts';

export interface Backoff {
  /** Pause after the first failure, milliseconds; doubled after each further one. */
  firstMs: number;
  /** Longest pause, milliseconds. */
  maxMs: number;
}

/** Pause before attempt `attempt + 1` (attempt >= 1), milliseconds: exponential, bounded, not shorter than asked for. */
export function pauseAfter(attempt: number, backoff: Backoff, retryAfterMs = 0): number {
  const doubled = backoff.firstMs * 2 ** Math.min(attempt - 1, 30);
  return Math.min(Math.max(doubled, retryAfterMs), Math.max(backoff.maxMs, retryAfterMs));
}

/** True when trying the same thing again may help: everything except an ExchangeError that says it cannot. */
export const isRetriable = (error: unknown): boolean => !(error instanceof ExchangeError) || error.retry;

/**
 * Run `action` until it succeeds, until it fails for good (that error is thrown), or until the signal is aborted
 * (the last error is thrown). `onFailure` sees every failure that will be tried again.
 */
export async function retrying<T>(
  action: () => Promise<T>,
  options: {
    clock: Clock;
    backoff: Backoff;
    signal: AbortSignal;
    onFailure?: (error: unknown, attempt: number, pauseMs: number) => void;
  },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!isRetriable(error) || options.signal.aborted) throw error;
      const asked = error instanceof ExchangeError ? error.retryAfterMs : undefined;
      const pause = pauseAfter(attempt, options.backoff, asked);
      options.onFailure?.(error, attempt, pause);
      await options.clock.sleep(pause, options.signal);
      if (options.signal.aborted) throw error;
    }
  }
}
