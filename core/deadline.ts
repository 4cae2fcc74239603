import type { Clock } from './clock.ts';

/**
 * Run `action` with a signal that is aborted when `parent` is, or after `ms` (reason: a TimeoutError).
 * Not AbortSignal.any with AbortSignal.timeout: those hold their sources weakly, and one that is garbage-collected
 * while it is waited for never fires.
 */
export async function withDeadline<T>(
  action: (signal: AbortSignal) => Promise<T>,
  options: { parent: AbortSignal; ms: number; clock: Clock },
): Promise<T> {
  const { parent, ms, clock } = options;
  const limit = new AbortController();
  const done = new AbortController();
  const forward = () => limit.abort(parent.reason);
  if (parent.aborted) forward();
  else parent.addEventListener('abort', forward, { once: true });
  void clock.sleep(ms, done.signal).then(() => {
    if (!done.signal.aborted) limit.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError'));
  });
  try {
    return await action(limit.signal);
  } finally {
    done.abort();
    parent.removeEventListener('abort', forward);
  }
}
