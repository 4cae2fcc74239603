import type { Clock } from '../core/clock.ts';
import type { Observe } from './contract.ts';

/** An asynchronous method that is timed; everything about the call stays as it was. */
export function timed<A extends unknown[], R>(
  operation: string,
  call: (...args: A) => Promise<R>,
  { clock, observe }: { clock: Clock; observe: Observe },
): (...args: A) => Promise<R> {
  return async (...args) => {
    const start = clock.monotonic();
    const told = (outcome: 'ok' | 'error') => observe(operation, outcome, (clock.monotonic() - start) / 1000);
    try {
      const result = await call(...args);
      told('ok');
      return result;
    } catch (error) {
      told('error');
      throw error;
    }
  };
}
