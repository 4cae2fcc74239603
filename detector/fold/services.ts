import type { Subjects } from '../contract.ts';

/** Name of each service that has a memory, or had one, and the key of that in the subjects. */
export type ServiceKeys = Map<string, string>;

/** How keys of services begin. */
const PREFIX = '["service",';

/**
 * The services of states, so that nobody has to look through all subjects in each frame. Derived from a state when it is
 * first met; who judges services adds new ones.
 */
export class Services {
  readonly #known = new WeakMap<Subjects, ServiceKeys>();

  of(subjects: Subjects): ServiceKeys {
    let keys = this.#known.get(subjects);
    if (!keys) {
      keys = new Map();
      for (const key in subjects.byKey) if (key.startsWith(PREFIX)) keys.set(String(JSON.parse(key)[1]), key);
      this.#known.set(subjects, keys);
    }
    return keys;
  }
}

/** The key of a service, which is known from now on. */
export function keyOfService(services: ServiceKeys, service: string): string {
  let key = services.get(service);
  if (key === undefined) {
    key = JSON.stringify(['service', service]);
    services.set(service, key);
  }
  return key;
}
