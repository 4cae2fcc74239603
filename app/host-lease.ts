import type { Clock } from '../core/clock.ts';
import { describeError, ExchangeError, printable, TidegaugeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Lease, Leases } from '../state/contract.ts';

export interface ClaimOptions {
  readonly state: Leases;
  readonly host: string;
  /** Of this installation; see instance.ts. */
  readonly instance: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest pause between attempts while the state is away from the start on. */
const INTENT_MS = 1000;

/**
 * The right to collect under a host's name: two collectors of one name would write over each other's frames. It belongs
 * to the installation, not to the process: whoever comes back after a kill has it at once.
 */
export class HostClaim {
  readonly #options: ClaimOptions;
  readonly #stopping = new AbortController();
  readonly #lost = Promise.withResolvers<TidegaugeError>();
  /** Null while the state was away from the start on. */
  #lease: Lease | null = null;
  /** Why there is no lease yet. */
  #missing: ExchangeError | null = null;
  /** When the claim was last looked after, monotonic, and whether it was ours then. */
  #looked: number;
  #held = true;
  #isLost = false;
  /** When a renewal failed because somebody of this very id had taken the claim, monotonic. */
  #doubled = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: ClaimOptions) {
    this.#options = options;
    this.#looked = options.clock.monotonic();
  }

  /**
   * Throws a TidegaugeError when another installation collects under this name. While the state is away this claim is
   * only intended: it is made once the state is there, and is `lost` when another one was first.
   */
  static async take(options: ClaimOptions): Promise<HostClaim> {
    const claim = new HostClaim(options);
    try {
      const refusal = await claim.#acquire();
      if (refusal) throw refusal;
    } catch (error) {
      if (!(error instanceof ExchangeError) || !error.retry) throw error;
      claim.#missing = error;
    }
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
   * Throws, to be tried again, while frames must not leave: the name is not ours yet, it is lost, or this process was
   * paused for longer than the lease, so that it may be. A state that is away later is no reason: nobody can take the
   * name from it.
   */
  check(): void {
    const { clock, leaseMs } = this.#options;
    if (this.#missing) throw notYetOurs(this.#missing);
    if (clock.monotonic() - this.#looked > leaseMs) this.#held = false;
    if (this.#held && !this.#isLost) return;
    const found = this.#isLost ? 'that it is lost' : 'a pause that was longer than the lease';
    const problem = {
      place: 'host',
      expected: 'a name that is ours',
      found,
      remedy: 'Wait for its renewal.',
    };
    throw notYetOurs(new ExchangeError(problem, { retry: true }));
  }

  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (!this.#lease) return;
    try {
      await this.#options.state.release(this.#lease);
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'claim not released, it will expire');
    }
  }

  async #keep(): Promise<void> {
    const { clock, leaseMs, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(this.#lease ? leaseMs / 4 : Math.min(leaseMs / 4, INTENT_MS), signal);
      if (signal.aborted) return;
      const asked = clock.monotonic();
      if (asked - this.#looked > leaseMs) this.#held = false;
      try {
        const reason = this.#lease ? await this.#renew(this.#lease) : await this.#acquire();
        if (reason) {
          this.#isLost = true;
          return this.#lost.resolve(reason);
        }
        this.#held = true;
        // Not now: it was so when it was asked for, and this process may have been paused before it read the answer.
        this.#looked = asked;
      } catch (error) {
        log.debug({ error: describeError(error) }, 'claim not renewed, trying again');
        this.#looked = clock.monotonic();
      }
    }
  }

  /** Claim the name for the first time; why that must not be, or null. */
  async #acquire(): Promise<TidegaugeError | null> {
    this.#lease = await acquire(this.#options);
    if (!this.#lease) return taken(this.#options);
    this.#missing = null;
    return null;
  }

  /** Extend the claim, or claim the name again; why that must not be, or null. */
  async #renew(lease: Lease): Promise<TidegaugeError | null> {
    if (await this.#options.state.renew(lease, this.#options.leaseMs)) return null;
    const again = await acquire(this.#options);
    if (!again) return taken(this.#options);
    // A state that forgot the claim hands out the next token; a higher one was in other hands meanwhile.
    const wasTaken = again.token > lease.token + 1;
    this.#lease = again;
    if (!wasTaken) return null;
    const { clock, leaseMs } = this.#options;
    const before = this.#doubled;
    this.#doubled = clock.monotonic();
    return this.#doubled - before <= 2 * leaseMs ? doubled(this.#options) : null;
  }
}

/** Frames wait for the state, whoever would take them. */
const notYetOurs = ({ problem, cause }: ExchangeError): ExchangeError =>
  new ExchangeError(problem, { retry: true, part: 'state', cause });

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
