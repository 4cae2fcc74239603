import type { Clock } from '../../core/clock.ts';
import type { Receiver, Told } from '../contract.ts';
import { createPoster, type HttpOptions, type Post, shownAddress } from './http.ts';
import { type LimitValues, limitsOf } from './limits.ts';

/** A receiver to which each message is one POST to the address of its service. */
export function postingReceiver(
  name: string,
  options: HttpOptions & LimitValues & { readonly url: string },
  clock: Clock,
  /** What is posted, and headers of this service. */
  postOf: (told: Told) => Pick<Post, 'headers' | 'secrets'> & { readonly body: unknown },
): Receiver {
  const url = new URL(options.url);
  const post = createPoster(name, options, clock);
  return {
    name,
    address: shownAddress(url),
    limits: limitsOf(options),
    takesGroups: true,
    deliver(told, signal) {
      const { body, ...rest } = postOf(told);
      return post({ url, ...rest, body: JSON.stringify(body) }, signal);
    },
  };
}
