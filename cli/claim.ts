import type { Clock } from '../core/clock.ts';
import { describeError, ExchangeError, printable, TidegaugeError } from '../core/errors.ts';
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
  /** When the claim was last looked after, monotonic, and whether it was ours then. */
  #looked: number;
  #held = true;
  #isLost = false;
  /** When a renewal failed because somebody of this very id had taken the claim, monotonic. */
  #doubled = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: ClaimOptions, lease: Lease) {
    this.#options = options;
    this.#lease = lease;
    this.#looked = options.clock.monotonic();
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

  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Throws, to be tried again, while frames must not leave: the name is lost, or this process was paused for longer
   * than the lease, so that it may be. A state that is away is no reason: nobody can take the name from it.
   */
  check(): void {
    const { clock, leaseMs } = this.#options;
    if (clock.monotonic() - this.#looked > leaseMs) this.#held = false;
    if (this.#held && !this.#isLost) return;
    const found = this.#isLost ? 'that it is lost' : 'a pause that was longer than the lease';
    const problem = {
      place: 'host',
      expected: 'a name that is ours',
      found,
      remedy: 'Wait for its renewal.',
    };
    throw new ExchangeError(problem, { retry: true });
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
      if (clock.monotonic() - this.#looked > leaseMs) this.#held = false;
      try {
        const reason = (await state.renew(this.#lease, leaseMs)) ? null : await this.#retake();
        if (reason) {
          this.#isLost = true;
          return this.#lost.resolve(reason);
        }
        this.#held = true;
      } catch (error) {
        log.debug({ error: describeError(error) }, 'claim not renewed, trying again');
      }
      this.#looked = clock.monotonic();
    }
  }

  /** Claim the name again; why that must not be, or null. */
  async #retake(): Promise<TidegaugeError | null> {
    const again = await acquire(this.#options);
    if (!again) return taken(this.#options);
    // A state that forgot the claim hands out the next token; a higher one was in other hands meanwhile.
    const wasTaken = again.token > this.#lease.token + 1;
    this.#lease = again;
    if (!wasTaken) return null;
    const { clock, leaseMs } = this.#options;
    const before = this.#doubled;
    this.#doubled = clock.monotonic();
    return this.#doubled - before <= 2 * leaseMs ? doubled(this.#options) : null;
  }
}

const acquire = ({ state, host, instance, leaseMs }: ClaimOptions): Promise<Lease | null> =>
  state.acquire(`collector-${host}`, instance, leaseMs);

function doubled({ host }: ClaimOptions): TidegaugeError {
  return new TidegaugeError(
    {
      place: `host ${printable(host, 100)}`,
      expected: 'an installation whose id nobody else has',
      found: 'another collector with the same id, as in a copy of the data directory',
      remedy:
        'Remove the file `instance` from the data directory of one of them, and give it a `host` of its own.',
    },
    { exitCode: 2 },
  );
}

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
