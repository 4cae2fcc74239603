import { describeError, ExchangeError, printable, type TidegaugeError } from '../../core/errors.ts';
import { isRetriable } from '../../core/retry.ts';
import type { HostClaim as Claim, HostClaims } from '../../store/contract.ts';
import { idTaken, nameTaken, type OwnerOptions } from './owner.ts';

export interface HostClaimOptions extends OwnerOptions {
  readonly claims: HostClaims;
  /** Throws, to be tried again, while the store was not reached yet. */
  readonly requireStore: () => void;
  /** Of this process. */
  readonly run: string;
  /** The name that this machine has for itself. */
  readonly machine: string;
}

/** Pause between renewals, ms, and how long after the last one a claim is taken for alive. */
const RENEW_MS = 15_000;
const ALIVE_MS = 60_000;

/**
 * A host's name, claimed in the store: there two installations of one name write over each other's frames though they
 * share no state, and so no lease. A database of time series has no locks. So each says that it is here, and looks for
 * others: before its first frame, and with every renewal. Of two, the one that came later ends.
 */
export class HostClaim {
  readonly #options: HostClaimOptions;
  readonly #stopping = new AbortController();
  readonly #lost = Promise.withResolvers<TidegaugeError>();
  #refusal: TidegaugeError | null = null;
  /** What was last written, and when, monotonic; null while the name is not claimed. */
  #own: { readonly claim: Claim; readonly at: number } | null = null;
  /** Last renewals of others, by instance: one that changes is alive, whatever its clock says. */
  #seen = new Map<string, number>();
  /** The same of another process with the id of this one. */
  #seenDouble: number | null = null;
  #claiming: Promise<void> | null = null;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: HostClaimOptions) {
    this.#options = options;
  }

  /** Throws a TidegaugeError when another installation writes under this name. A store that is away is asked later. */
  static async take(options: HostClaimOptions): Promise<HostClaim> {
    const claim = new HostClaim(options);
    try {
      await claim.ensure();
    } catch (error) {
      if (claim.#refusal || !isRetriable(error)) throw claim.#refusal ?? error;
    }
    claim.#loop = claim.#keep();
    return claim;
  }

  /** Resolves with the reason, when another installation has the name. */
  get lost(): Promise<TidegaugeError> {
    return this.#lost.promise;
  }

  get isLost(): boolean {
    return this.#refusal !== null;
  }

  /** Before frames are written: claim the name if it is not, or not any more, ours. Throws while it cannot be. */
  async ensure(): Promise<void> {
    if (this.#refusal) throw new ExchangeError(this.#refusal.problem, { retry: true });
    if (this.#own && this.#options.clock.monotonic() - this.#own.at < ALIVE_MS) return;
    this.#claiming ??= this.#claim().finally(() => {
      this.#claiming = null;
    });
    await this.#claiming;
  }

  /** Give the name up, so that another installation has it at once. */
  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (!this.#own || this.#refusal) return;
    const { claims, log } = this.#options;
    try {
      await claims.write({ ...this.#own.claim, renewed: -this.#own.claim.renewed });
    } catch (error) {
      log.debug({ error: describeError(error) }, 'claim of the host not given up, it will expire');
    }
  }

  /** Look, write, look again: of two that start at once, at least one sees the other. */
  async #claim(): Promise<void> {
    this.#options.requireStore();
    this.#own = null;
    const { clock } = this.#options;
    const others = await this.#others();
    const now = clock.now();
    const rival = others.find(({ renewed }) => isRecent(renewed, now));
    if (rival) throw this.#refuse(taken(this.#options, rival));
    await this.#write(now);
    await this.#look();
  }

  async #keep(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    for (;;) {
      await clock.sleep(RENEW_MS, signal);
      if (signal.aborted || this.#refusal) return;
      try {
        await this.ensure();
        await this.#look();
        if (this.#own) await this.#write(this.#own.claim.since);
      } catch (error) {
        log.debug({ error: describeError(error) }, 'claim of the host not renewed, trying again');
      }
    }
  }

  /** Throws when another one has the name, and has had it for longer. */
  async #look(): Promise<void> {
    const own = this.#own?.claim;
    if (!own) return;
    const before = this.#seen;
    const others = await this.#others();
    const now = this.#options.clock.now();
    const isAlive = ({ instance, renewed }: Claim) =>
      before.has(instance) ? before.get(instance) !== renewed : isRecent(renewed, now);
    const rival = others.find(each => isAlive(each) && isEarlier(each, own));
    if (rival) throw this.#refuse(taken(this.#options, rival));
  }

  /**
   * Claims of other installations that are not given up. Throws when another process has the id of this one, and lives:
   * what an earlier process left before the clock was set back is in the future, and stays as it is.
   */
  async #others(): Promise<Claim[]> {
    const { claims, host, instance, run, clock } = this.#options;
    const all = await claims.read(host, clock.now());
    const double = all.find(each => each.instance === instance && each.run !== run);
    const isAlive = double !== undefined && double.renewed !== this.#seenDouble;
    this.#seenDouble = double?.renewed ?? null;
    if (isAlive && this.#own && double.renewed > this.#own.claim.renewed)
      throw this.#refuse(doubled(this.#options, double));
    const others = all.filter(each => each.instance !== instance && each.renewed > 0);
    this.#seen = new Map(others.map(each => [each.instance, each.renewed]));
    return others;
  }

  async #write(since: number): Promise<void> {
    const { claims, host, instance, run, machine, clock } = this.#options;
    const at = clock.monotonic();
    const claim = { host, instance, run, machine, since, renewed: clock.now() };
    await claims.write(claim);
    this.#own = { claim, at };
  }

  #refuse(reason: TidegaugeError): TidegaugeError {
    this.#refusal ??= reason;
    this.#lost.resolve(this.#refusal);
    return this.#refusal;
  }
}

/** Clocks differ: also one that is a little ahead. */
const isRecent = (renewed: number, now: number): boolean => Math.abs(now - renewed) < ALIVE_MS;

/** Both sides decide alike. */
const isEarlier = (a: Claim, b: Claim): boolean =>
  a.since < b.since || (a.since === b.since && a.instance < b.instance);

function taken({ host }: HostClaimOptions, other: Claim): TidegaugeError {
  const who = `an installation on ${printable(other.machine, 100)} (${printable(other.instance, 40)})`;
  const found = `${who} writes frames under this name to the same store`;
  return nameTaken(host, found, `stop that one; if it was killed, wait ${ALIVE_MS / 1000} s`);
}

const doubled = ({ host }: HostClaimOptions, other: Claim): TidegaugeError =>
  idTaken(host, `a collector on ${printable(other.machine, 100)}`);
