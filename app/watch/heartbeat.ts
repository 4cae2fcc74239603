import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { Log } from '../../core/log.ts';
import type { DeliveryResult } from '../../notify/contract.ts';
import type { WorkerStatus } from '../../worker/worker.ts';

export interface HeartbeatDeps {
  readonly config: Config['heartbeat'];
  readonly clock: Clock;
  readonly log: Log;
  /** Null before the worker has started. */
  readonly worker: () => WorkerStatus | null;
  readonly beat: (signal: AbortSignal) => Promise<DeliveryResult>;
}

/**
 * Whether this process is to give the sign of life, which belongs to the one that delivers messages; and why it must
 * not, because detection does not work.
 */
export function troubleOf(worker: WorkerStatus | null): { mine: boolean; trouble: string | null } {
  if (!worker?.policy) return { mine: false, trouble: null };
  const { stateDown, storeDown, waitingHosts } = worker;
  if (stateDown !== null) return { mine: true, trouble: `the state is away: ${stateDown}` };
  if (storeDown !== null) return { mine: true, trouble: `the store is away: ${storeDown}` };
  if (waitingHosts.length > 0) return { mine: true, trouble: `detection on ${waitingHosts[0]} waits` };
  return { mine: true, trouble: null };
}

/** A dead man's switch: signs of life go out for as long as detection works. What changes is logged once. */
export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  readonly #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Why the last sign was not given, or not accepted; null: it was accepted. */
  #failure: string | null = null;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#deps.config.url !== '') this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { config, clock } = this.#deps;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const { mine, trouble } = troubleOf(this.#deps.worker());
      if (mine) this.#note(trouble ?? (await this.#beat()));
      // Whoever takes over gives the first sign soon.
      await clock.sleep(mine ? config.every : Math.min(config.every, 5000), signal);
    }
  }

  /** Why it was not accepted, or null. */
  async #beat(): Promise<string | null> {
    const result = await this.#deps.beat(this.#abort.signal);
    return result.kind === 'accepted' ? null : result.reason;
  }

  #note(failure: string | null): void {
    const { log } = this.#deps;
    if (this.#abort.signal.aborted) return;
    if (failure !== null && this.#failure === null)
      log.warn({ reason: failure }, 'no heartbeat: the service outside raises its alarm if this lasts');
    if (failure === null && this.#failure !== null) log.info('heartbeat accepted again');
    this.#failure = failure;
  }
}
