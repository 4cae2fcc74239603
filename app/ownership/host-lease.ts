import { describeError, ExchangeError, type TidegaugeError } from '../../core/errors.ts';
import type { Lease, State } from '../../state/contract.ts';
import { idTaken, nameTaken, type OwnerOptions } from './owner.ts';

export interface HostLeaseOptions extends OwnerOptions {
  readonly state: Pick<State, 'acquire' | 'renew' | 'release'>;
  readonly leaseMs: number;
}

/** Longest pause between attempts while the state is away from the start on. */
const INTENT_MS = 1000;

/**
 * The right to collect under a host's name: two collectors of one name would write over each other's frames. It belongs
 * to the installation, not to the process: whoever comes back after a kill has it at once.
 */
export class HostLease {
  readonly #options: HostLeaseOptions;
  readonly #stopping = new AbortController();
  readonly #lost = Promise.withResolvers<TidegaugeError>();
  /** Null while the state was away from the start on. */
  #lease: Lease | null = null;
  /** Why there is no lease yet. */
  #missing: ExchangeError | null = null;
  /** When the lease was last checked, monotonic, and whether it was ours then. */
  #looked: number;
  #held = true;
  #isLost = false;
  /** When a renewal failed because another collector with the same id had taken the lease, monotonic. */
  #doubled = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: HostLeaseOptions) {
    this.#options = options;
    this.#looked = options.clock.monotonic();
  }

  /**
   * Throws a TidegaugeError when another installation collects under this name. While the state is away the lease
   * is taken later, once the state is there, and is `lost` when another installation was first.
   */
  static async take(options: HostLeaseOptions): Promise<HostLease> {
    const hostLease = new HostLease(options);
    try {
      const refusal = await hostLease.#acquire();
      if (refusal) throw refusal;
    } catch (error) {
      if (!(error instanceof ExchangeError) || !error.retry) throw error;
      hostLease.#missing = error;
    }
    hostLease.#loop = hostLease.#keep();
    return hostLease;
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
    const found = this.#isLost ? 'the lease of this name is lost' : 'a pause was longer than the lease';
    const problem = { place: 'host', found, remedy: 'Wait for its renewal.' };
    throw notYetOurs(new ExchangeError(problem, { retry: true }));
  }

  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (!this.#lease) return;
    try {
      await this.#options.state.release(this.#lease);
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'host lease not released, it will expire');
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
        // Not now: the answer holds for the time of the question, and this process may have been paused in between.
        this.#looked = asked;
      } catch (error) {
        log.debug({ error: describeError(error) }, 'host lease not renewed, trying again');
        this.#looked = clock.monotonic();
      }
    }
  }

  /** Take the lease for the first time; returns why it cannot be taken, or null. */
  async #acquire(): Promise<TidegaugeError | null> {
    this.#lease = await acquire(this.#options);
    if (!this.#lease) return taken(this.#options);
    this.#missing = null;
    return null;
  }

  /** Extend the lease, or take it again; returns why it cannot be taken, or null. */
  async #renew(lease: Lease): Promise<TidegaugeError | null> {
    if (await this.#options.state.renew(lease, this.#options.leaseMs)) return null;
    const again = await acquire(this.#options);
    if (!again) return taken(this.#options);
    // A state that forgot the lease hands out the next token; a higher one means that another held it meanwhile.
    const wasTaken = again.token > lease.token + 1;
    this.#lease = again;
    if (!wasTaken) return null;
    const { clock, leaseMs } = this.#options;
    const before = this.#doubled;
    this.#doubled = clock.monotonic();
    return this.#doubled - before <= 2 * leaseMs ? doubled(this.#options) : null;
  }
}

/** Frames wait for the state, whether the store or the queue would take them. */
const notYetOurs = ({ problem, cause }: ExchangeError): ExchangeError =>
  new ExchangeError(problem, { retry: true, part: 'state', cause });

const acquire = ({ state, host, instance, leaseMs }: HostLeaseOptions): Promise<Lease | null> =>
  state.acquire(`collector-${host}`, instance, leaseMs);

const doubled = ({ host }: HostLeaseOptions): TidegaugeError => idTaken(host, 'another collector');

const taken = ({ host, leaseMs }: HostLeaseOptions): TidegaugeError =>
  nameTaken(
    host,
    'another installation collects under this name',
    `stop the other one and wait ${Math.ceil(leaseMs / 1000)} s`,
  );
