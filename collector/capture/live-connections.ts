import { uptime } from 'node:os';
import { flows } from '../../bpf/flows.ts';
import { bpftraceVersionOf } from '../../bpf/quirks.ts';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { Log } from '../../core/log.ts';
import { CONNECTION_KINDS, type ConnectionKind } from '../../core/traffic/connection.ts';
import type { CgroupId, Event, Input } from '../contract.ts';
import { readAddress } from '../decode/flow-key.ts';
import type { Line } from '../decode/lines.ts';
import { parseLine } from '../decode/parse.ts';
import { CgroupRegistry } from '../identity/cgroup-registry.ts';
import { findCgroupMount } from '../identity/cgroups.ts';
import { Identifier } from '../identity/identifier.ts';
import { OTHER } from '../identity/naming.ts';
import { describeExit, endedEarly, explainExit } from './bpftrace-errors.ts';
import type { Tracer } from './tracer.ts';

/** One TCP connection that was opened, failed to open, or was accepted. Names are untrusted. */
export interface LiveConnection {
  /** When it was read, epoch ms. */
  readonly time: number;
  readonly kind: ConnectionKind;
  readonly container: string;
  readonly own: string;
  readonly ownPort: number;
  readonly peer: string;
  readonly peerPort: number;
}

export interface WatchOptions {
  readonly config: Pick<Config['capture'], 'bpftrace' | 'docker' | 'pods'>;
  /** What runs with the rights of root. */
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  readonly onConnection: (connection: LiveConnection) => void;
  /** Called once connections are reported from here on. */
  readonly onReady?: () => void;
}

/** Watch TCP connections of all containers until the signal. Throws a TidegaugeError when bpftrace ends before. */
export async function watchConnections(options: WatchOptions): Promise<void> {
  const { config, tracer, signal } = options;
  const bpftrace = bpftraceVersionOf(await tracer.version());
  const watch = new Watch(options, await findCgroupMount());
  const child = tracer.start({ kind: 'connections', bpftrace });
  const stop = () => void child.stop();
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) stop();
    for await (const line of child.lines) await watch.take(line);
    const exit = await child.exited;
    if (!signal.aborted)
      throw (
        explainExit(config.bpftrace, exit) ??
        endedEarly(config.bpftrace, `it ended early: ${describeExit(exit)}`)
      );
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill();
    await watch.stop();
  }
}

/** Dead cgroups are forgotten every so many deaths: there are no frames here to do it. */
const DEATHS = 256;

/** Lines of connections.bt -> connections with names. */
class Watch {
  readonly #options: WatchOptions;
  readonly #registry = new CgroupRegistry();
  readonly #identifier: Identifier;
  #deaths = 0;
  #isReady = false;

  constructor(options: WatchOptions, mount: string | null) {
    this.#options = options;
    this.#identifier = new Identifier({
      docker: options.config.docker,
      pods: options.config.pods,
      mount,
      clock: options.clock,
      log: options.log,
      feed: input => learn(this.#registry, input),
      undescribed: which => this.#registry.undescribed(which),
      unresolved: () => [],
      networkOfProcess: pid => options.tracer.networkOfProcess(pid),
      boot: () => uptime() * 1000,
    });
  }

  async take(line: Line): Promise<void> {
    const { clock, log, onConnection } = this.#options;
    if (line === null) return log.warn('skipped a line that is too long');
    const found = parseConnection(line);
    if (found === null) {
      for (const event of parseLine(flows, line)) await this.#follow(event);
      return;
    }
    // While probes attach, cgroups cannot be looked up yet: connections would have no names.
    if (!this.#isReady) return;
    await this.#identifier.settle();
    const container = this.#registry.nameOf(found.cgroup) ?? OTHER.name;
    onConnection({ time: clock.now(), container, ...found.connection });
  }

  stop(): Promise<void> {
    return this.#identifier.stop();
  }

  #died({ cgroup, path, ns }: Extract<Event, { kind: 'birth' | 'death' }>): void {
    this.#registry.death(cgroup, path, ns);
    if (++this.#deaths % DEATHS !== 0) return;
    this.#registry.markReported(new Set(), ns);
    this.#registry.age(ns);
  }

  async #follow(event: Event): Promise<void> {
    if (event.kind === 'birth') this.#registry.birth(event.cgroup, event.path, event.ns);
    if (event.kind === 'death') this.#died(event);
    if (event.kind === 'lost') this.#options.log.warn({ events: event.events }, 'connections were missed');
    if (event.kind === 'garbage') this.#options.log.warn({ reason: event.reason }, 'line not understood');
    this.#identifier.follow(event);
    if (event.kind !== 'begin') return;
    await this.#identifier.settle();
    this.#isReady = true;
    this.#options.onReady?.();
  }
}

function learn(registry: CgroupRegistry, input: Input): void {
  if (input.kind === 'scanned') registry.scanned(input.cgroups, input.boot * 1e6);
  if (input.kind === 'located') registry.located(input.cgroup, input.path);
  if (input.kind === 'described') registry.described(input.description);
  if (input.kind === 'forgotten') registry.forgotten(input.id, input.boot * 1e6);
}

/** What a line of connections.bt says; null for every other line. Never throws. */
export function parseConnection(
  line: string,
): { cgroup: CgroupId; connection: Omit<LiveConnection, 'time' | 'container'> } | null {
  const [, kindText, cgroup, ownPortText, peerPortText, ownText, peerText] = CONNECTION_LINE.exec(line) ?? [];
  const kind = CONNECTION_KINDS[Number(kindText) - 1];
  const [ownPort, peerPort] = [Number(ownPortText), Number(peerPortText)];
  if (!kind || !cgroup || !ownText || !peerText || Math.max(ownPort, peerPort) > 65_535) return null;
  const [own, peer] = [readAddress(ownText) ?? '?', readAddress(peerText) ?? '?'];
  return { cgroup, connection: { kind, own, ownPort, peer, peerPort } };
}

/** Matches the whole line: the name of a cgroup may look like a connection with a quotation mark before it. */
const CONNECTION_LINE =
  /^\{"type": ?"printf", ?"data": ?"connection \d{1,19} ([123]) (\d{1,20}) (\d{1,5}) (\d{1,5}) ([0-9a-f:.]{2,45}) ([0-9a-f:.]{2,45})\\n"\}\s*$/;
