import type { Clock } from '../core/clock.ts';
import { ExchangeError } from '../core/errors.ts';

/**
 * What `action` gives, or an ExchangeError, to be tried again, when it has given nothing after `ms`. The action is not
 * cut short: what it does later must do no harm.
 */
export async function within<T>(ms: number, action: () => Promise<T>, clock: Clock): Promise<T> {
  const answered = new AbortController();
  const late = clock.sleep(ms, answered.signal).then(() => {
    if (answered.signal.aborted) return null as never;
    const found = `no answer within ${ms} ms`;
    throw new ExchangeError({ place: 'store', found, remedy: 'Check that it is running.' }, { retry: true });
  });
  try {
    return await Promise.race([action(), late]);
  } finally {
    answered.abort();
  }
}
