/**
 * The only file that reads the machine's clocks. Everything else takes time as an argument, so that live runs,
 * replays, reviews and tests run the same code.
 */
export interface Clock {
  /** Wall time, epoch milliseconds. */
  now(): number;
  /** Time that never steps back, milliseconds with fractions, arbitrary origin. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Wait on a real timer; an aborted signal ends the wait early. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
};

/** ISO 8601 text of an epoch-millisecond time, UTC. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** Epoch milliseconds of a date as HTTP writes it (`Wed, 21 Oct 2026 07:28:00 GMT`), or null when it is none. */
export function parseHttpDate(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? ms : null;
}
