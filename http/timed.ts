import type { Clock } from '../core/clock.ts';
import type { Observe } from './contract.ts';

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * `part`, with some of its methods timed; everything else about it stays as it is.
 * @param operations what to call each timed method, by its name
 */
export function timed<T extends object>(
  part: T,
  operations: Partial<Readonly<Record<keyof T, string>>>,
  { clock, observe }: { clock: Clock; observe: Observe },
): T {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const method: Method = member.bind(target);
      const operation = operations[name as keyof T];
      if (operation === undefined) return method;
      return async (...args: unknown[]) => {
        const start = clock.monotonic();
        let outcome: 'ok' | 'error' = 'error';
        try {
          const result = await method(...args);
          outcome = 'ok';
          return result;
        } finally {
          observe(operation, outcome, (clock.monotonic() - start) / 1000);
        }
      };
    },
  });
}
