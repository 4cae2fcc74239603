import type { Clock } from '../../core/clock.ts';
import { printable, UsageError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** Who wants to own the name of a host, wherever it is claimed. */
export interface OwnerOptions {
  readonly host: string;
  /** Of this installation; see instance.ts. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The name is another installation's: `found` says whose, `wait` until when it is. */
export const nameTaken = (host: string, found: string, wait: string): UsageError =>
  new UsageError({
    place: placeOf(host),
    found,
    remedy: `Set \`host\` to another name here, or ${wait}.`,
  });

/** `who` has the id of this installation. */
export const idTaken = (host: string, who: string): UsageError =>
  new UsageError({
    place: placeOf(host),
    found: `${who} has the same id, as in a copy of the data directory`,
    remedy:
      'Remove the file `instance` from the data directory of one of them, and give it a `host` of its own.',
  });

const placeOf = (host: string): string => `host ${printable(host, 100)}`;
