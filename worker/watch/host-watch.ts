import type { HostFold } from '../../alert/host.ts';
import { isOfSilentHost, silentHost, silentHostRow } from '../../alert/silent-host.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { Annotation, Detection, Incident } from '../../core/incident/incident.ts';
import type { Log } from '../../core/log.ts';
import { isRetriable } from '../../core/retry.ts';
import { type Frame, frameEnd } from '../../core/traffic/frame.ts';
import type { Incidents, LastSeen, Lease } from '../../state/contract.ts';
import type { FrameStore, IncidentStore } from '../../store/contract.ts';
import { leaseLost, retryUnderLease } from '../retry-under-lease.ts';
import type { LiveStore } from '../rows/live-store.ts';

export interface HostWatchDeps {
  readonly fold: Pick<HostFold, 'open' | 'close'>;
  readonly store: FrameStore & IncidentStore;
  readonly live: LiveStore;
  readonly state: Incidents;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the lane is given up. */
  readonly signal: AbortSignal;
  /** A host that is silent for so long, and for three of its frames, is an incident, ms. */
  readonly silentAfterMs: number;
  /** Whoever did not look for so long may have missed what came meanwhile, ms: it listens anew. */
  readonly napMs?: number;
  readonly onIncident?: (incident: Incident) => void;
}

/** The newest frame of a host. */
export type Newest = Omit<LastSeen, 'host'>;

/** An orderly stop of the collector: its last frame says so. */
export const newestOf = ({ start, durationMs, faults }: Frame): Newest => ({
  start,
  durationMs,
  stopped: faults.includes('detach'),
});

const NOT_EXPECTED = 'the host is not expected any more';
/** A host that stays away for so long is not expected any more, ms. */
const FORGET_MS = 7 * 86_400_000;
/** Unless said otherwise. */
const NAP_MS = 15_000;

/**
 * Whether a host's frames keep coming, for the owner of its lane. It tells by when they come, not by their times: a
 * collector that sends what waited is not silent, and clocks may differ. A planned stop is no incident.
 */
export class HostWatch {
  readonly #host: string;
  readonly #lease: Lease;
  readonly #deps: HostWatchDeps;
  /** Monotonic. */
  #heard: number;
  #looked: number;
  /** Start of the newest frame when it was last looked at, epoch ms. */
  #known: number;
  #open: Incident | null;
  /** A frame came since the incident began. */
  #came: boolean;
  #over = false;
  /** What the store did not take yet. */
  #unwritten: { annotations: Annotation[]; detections: Detection[] } = { annotations: [], detections: [] };

  private constructor(
    host: string,
    lease: Lease,
    newest: Newest,
    open: Incident | null,
    deps: HostWatchDeps,
  ) {
    this.#host = host;
    this.#lease = lease;
    this.#deps = deps;
    this.#heard = deps.clock.monotonic();
    this.#looked = this.#heard;
    this.#known = newest.start;
    this.#open = open;
    this.#came = open !== null && newest.start >= open.start;
    // Its owner of before may have died in between.
    if (open) this.#keep(open, deps.fold.open([open]).annotations);
  }

  /** Goes on with the incident that an owner of before has raised. */
  static async start(host: string, lease: Lease, newest: Newest, deps: HostWatchDeps): Promise<HostWatch> {
    const open = await retryUnderLease(deps, () => deps.state.openIncidents(host));
    return new HostWatch(host, lease, newest, open.find(isOfSilentHost) ?? null, deps);
  }

  get isSilent(): boolean {
    return this.#open !== null;
  }

  /** Whether the host is not expected any more: there is nothing to watch until it comes again. */
  get isOver(): boolean {
    return this.#over;
  }

  /** A frame came, whichever. */
  heard(): void {
    this.#over = false;
    this.#heard = this.#deps.clock.monotonic();
    this.#came = true;
  }

  /** Raise the incident, or end it. `newest`: of the frames that were folded. Throws LeaseLost. */
  async look(newest: Newest): Promise<void> {
    const now = this.#deps.clock.monotonic();
    if (newest.start !== this.#known) this.heard();
    else if (now - this.#looked > (this.#deps.napMs ?? NAP_MS)) this.#heard = now;
    this.#known = newest.start;
    this.#looked = now;
    if (this.#open) await this.#endIfOver(this.#open, newest);
    else await this.#raiseIfSilent(newest);
    await this.#writeRows();
  }

  async #raiseIfSilent(newest: Newest): Promise<void> {
    const { clock, silentAfterMs, fold, log } = this.#deps;
    const unheardMs = clock.monotonic() - this.#heard;
    // Frames may be a minute long.
    const limitMs = Math.max(silentAfterMs, 3 * newest.durationMs);
    if (unheardMs < limitMs) return;
    const since = frameEnd(newest);
    const quietMs = Math.max(clock.now() - since, unheardMs);
    if (quietMs >= FORGET_MS) return this.#forget(clock.now());
    if (newest.stopped) return;
    this.#open = silentHost(this.#host, since, Math.round(quietMs), limitMs);
    this.#came = false;
    log.warn({ host: this.#host }, 'frames of this host have stopped coming');
    await this.#commit(this.#open, fold.open([this.#open]));
  }

  async #endIfOver(open: Incident, newest: Newest): Promise<void> {
    const { clock, fold, log } = this.#deps;
    const at = Math.max(clock.now(), open.end);
    if (!this.#came) {
      if (clock.now() - frameEnd(newest) >= FORGET_MS) await this.#forget(at);
      return;
    }
    const over = { ...open, end: at, resolvedAt: at };
    await this.#commit(over, fold.close([over]));
    this.#open = null;
    log.info({ host: this.#host }, 'frames of this host come again');
  }

  /** Nobody folds its frames again: what else is open of the host would be open for ever. */
  async #forget(at: number): Promise<void> {
    if (this.#over) return;
    const { state, fold } = this.#deps;
    const open = await retryUnderLease(this.#deps, () => state.openIncidents(this.#host));
    for (const incident of open) {
      const ended = { ...incident, resolvedAt: Math.max(at, incident.end), ended: NOT_EXPECTED };
      await this.#commit(ended, fold.close([ended]));
    }
    this.#open = null;
    this.#over = true;
  }

  async #commit(incident: Incident, output: ReturnType<HostFold['open']>): Promise<void> {
    const { incidents, notifications, annotations } = output;
    const held = await retryUnderLease(this.#deps, () =>
      this.#deps.state.commit(this.#lease, { incidents, notifications }),
    );
    if (!held) throw leaseLost(this.#lease.name);
    this.#keep(incident, annotations);
    this.#deps.onIncident?.(incident);
  }

  #keep(incident: Incident, annotations: readonly Annotation[]): void {
    const { host, service, container, resolvedAt } = incident;
    const start = this.#deps.clock.now();
    const row = isOfSilentHost(incident)
      ? silentHostRow(incident, start, resolvedAt === null)
      : { host, service, container, start, score: 0, scores: {}, seen: 0, expected: null, open: false };
    this.#unwritten.annotations.push(...annotations);
    this.#unwritten.detections.push(row);
  }

  /** People are told whether the store is there or not. */
  async #writeRows(): Promise<void> {
    const { annotations, detections } = this.#unwritten;
    if (annotations.length === 0) return;
    const { store, live, log } = this.#deps;
    try {
      await live.try(() => store.writeAnnotations(annotations));
      await live.try(() => store.writeDetections(detections));
    } catch (error) {
      if (isRetriable(error)) return;
      log.error({ host: this.#host, error: describeError(error) }, 'the store refused rows');
    }
    this.#unwritten = { annotations: [], detections: [] };
  }
}
