import type { Clock } from '../core/clock.ts';
import { describeError, printable, TidegaugeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Lease, State } from '../state/contract.ts';

export interface ClaimOptions {
  readonly state: State;
  readonly host: string;
  /** Of this installation; see instance.ts. */
  readonly instance: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The right to collect under a host's name: two collectors of one name would write over each other's frames. It belongs
 * to the installation, not to the process: whoever comes back after a kill has it at once.
 */
export class HostClaim {
  readonly #options: ClaimOptions;
  readonly #stopping = new AbortController();
  readonly #lost = Promise.withResolvers<TidegaugeError>();
  #lease: Lease;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: ClaimOptions, lease: Lease) {
    this.#options = options;
    this.#lease = lease;
  }

  /** Throws a TidegaugeError when another installation collects under this name. */
  static async take(options: ClaimOptions): Promise<HostClaim> {
    const lease = await acquire(options);
    if (!lease) throw taken(options);
    const claim = new HostClaim(options, lease);
    claim.#loop = claim.#keep();
    return claim;
  }

  /** Resolves with the reason, when another installation has taken the name while this process was away. */
  get lost(): Promise<TidegaugeError> {
    return this.#lost.promise;
  }

  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    try {
      await this.#options.state.release(this.#lease);
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'claim not released, it will expire');
    }
  }

  async #keep(): Promise<void> {
    const { clock, leaseMs, state, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(leaseMs / 4, signal);
      if (signal.aborted) return;
      try {
        if (await state.renew(this.#lease, leaseMs)) continue;
        const again = await acquire(this.#options);
        if (!again) return this.#lost.resolve(taken(this.#options));
        this.#lease = again;
      } catch (error) {
        log.debug({ error: describeError(error) }, 'claim not renewed, trying again');
      }
    }
  }
}

const acquire = ({ state, host, instance, leaseMs }: ClaimOptions): Promise<Lease | null> =>
  state.acquire(`collector-${host}`, instance, leaseMs);

function taken({ host, leaseMs }: ClaimOptions): TidegaugeError {
  return new TidegaugeError(
    {
      place: `host ${printable(host, 100)}`,
      expected: 'a name under which no other installation collects',
      found: 'another installation that does',
      remedy: `Set \`host\` to another name here, or end the other one and wait ${Math.ceil(leaseMs / 1000)} s.`,
    },
    { exitCode: 2 },
  );
}
