import { uptime } from 'node:os';
import { bpftraceVersionOf } from '../../bpf/quirks.ts';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { Interval } from '../../core/interval.ts';
import type { Log } from '../../core/log.ts';
import { pauseAfter } from '../../core/retry.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Event, Input } from '../contract.ts';
import type { Line } from '../decode/lines.ts';
import type { Counters } from '../frames/counters.ts';
import { Pipeline } from '../frames/pipeline.ts';
import { findCgroupMount } from '../identity/cgroups.ts';
import { Identifier } from '../identity/identifier.ts';
import { LIMITS } from '../limits.ts';
import { encodeHeader, encodeInput, type RecordSink } from '../recording/record.ts';
import type { Bpftrace } from './bpftrace.ts';
import { describeExit, type Exit, endedEarly, explainExit } from './bpftrace-errors.ts';
import type { HookChoice } from './hooks.ts';
import { localTracer, type Tracer } from './tracer.ts';

export interface CaptureOptions {
  readonly config: Config['capture'];
  /** Keys of the Docker labels that frames carry, sorted; absent: none. */
  readonly labels?: readonly string[];
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
  /** When this host's last frame of an earlier capture was, or null. */
  readonly previous: Interval | null;
  /** Takes each frame as it is finished. Must not throw. */
  readonly onFrame: (frame: Frame) => void;
  /** Takes everything that the frames are made of. */
  readonly record?: RecordSink;
  /** What runs with the rights of root; this process by default. */
  readonly tracer?: Tracer;
}

export interface CaptureStatus {
  readonly hook: string;
  readonly probe: string;
  readonly bpftrace: { readonly version: string | null; readonly pid: number | null };
  /** Whether Docker tells of containers; null when capture.docker is `off`. */
  readonly docker: boolean | null;
  readonly counters: Readonly<Counters>;
  /** By how much frames are ahead of a wall clock that was set back, ms. */
  readonly aheadMs: number;
}

/** A running capture. */
export interface Capture {
  /**
   * Resolves at the first flip: probes are attached, frames will come. Rejects with a TidegaugeError when bpftrace
   * ends before that (by a signal: several times), or when capture is stopped before.
   */
  readonly ready: Promise<void>;
  status(): CaptureStatus;
  /** Read out the last interval, hand its frame over, and end everything that was started. */
  stop(): Promise<void>;
}

/**
 * Start to capture, at the first hook that works here. Throws a TidegaugeError when there is none. Ends of bpftrace after
 * `ready` are answered by starting it again, with growing pauses.
 */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const tracer = options.tracer ?? localTracer(options.config, options.clock);
  const choice = await tracer.choose();
  for (const { hook, found } of choice.refused) options.log.debug({ hook: hook.name, found }, 'hook refused');
  const version = await tracer.version();
  return new RunningCapture({ ...options, tracer }, choice, version, await findCgroupMount());
}

type WithTracer = CaptureOptions & { readonly tracer: Tracer };

/** Runs the pipeline: orders its inputs and keeps bpftrace running. */
class RunningCapture implements Capture {
  readonly ready: Promise<void>;
  readonly #options: WithTracer;
  readonly #choice: HookChoice;
  readonly #pipeline: Pipeline;
  readonly #identifier: Identifier;
  readonly #version: string | null;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #child: Bpftrace | null = null;
  /** Of the monotonic clock, ms. */
  #lastFlip = 0;
  /** Ends of bpftrace since the last flip. */
  #failures = 0;

  constructor(options: WithTracer, choice: HookChoice, version: string | null, mount: string | null) {
    const { config, host, clock, log, tracer } = options;
    const { from: previous = null, to: notBefore } = options.previous ?? {};
    const { interval: intervalMs, map_keys: mapKeys, service_ranges: serviceRanges } = config;
    const maxContainers = LIMITS.containers;
    const builder = { host, intervalMs, mapKeys, maxContainers, previous, notBefore, serviceRanges };
    this.#options = options;
    this.#choice = choice;
    this.#version = version;
    this.#pipeline = new Pipeline(choice.probe, builder);
    options.record?.write(encodeHeader(choice.probe.name, builder));
    this.#identifier = new Identifier({
      docker: config.docker,
      pods: config.pods,
      labels: options.labels ?? [],
      mount,
      clock,
      log,
      boot: bootMs,
      networkOfProcess: pid => tracer.networkOfProcess(pid),
      feed: input => this.#feed(input),
      undescribed: which => this.#pipeline.builder.undescribed(which),
      unresolved: () => this.#pipeline.builder.unresolved(),
    });
    this.ready = this.#ready.promise;
    // Whoever awaits `ready` gets the rejection; a caller who only stops need not.
    this.ready.catch(() => undefined);
    this.#running = this.#run();
  }

  status(): CaptureStatus {
    const { probe, builder } = this.#pipeline;
    return {
      hook: this.#choice.hook.name,
      probe: probe.name,
      bpftrace: { version: this.#version, pid: this.#child?.pid ?? null },
      docker: this.#identifier.dockerConnected,
      counters: { ...builder.counters },
      aheadMs: builder.aheadMs,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop();
    await this.#running;
    await this.#identifier.stop();
  }

  async #run(): Promise<void> {
    const { config, clock, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const exit = await this.#runOnce();
      this.#child = null;
      if (signal.aborted) {
        for (const frame of this.#pipeline.finish()) this.#options.onFrame(frame);
        break;
      }
      const cause = explainExit(config.bpftrace, exit);
      this.#failures++;
      // A signal may not come again; any other cause would.
      if (!this.#isReady && (exit.signal === null || this.#failures >= LIMITS.starts))
        return this.#ready.reject(
          cause ?? endedEarly(config.bpftrace, `no first interval: ${describeExit(exit)}`),
        );
      const pauseMs = pauseAfter(this.#failures, LIMITS.backoff);
      const reason = cause?.message ?? describeExit(exit);
      log.warn({ reason, pauseMs }, 'bpftrace ended; it is started again');
      this.#feed({ kind: 'ended', reason, ...this.#reading() });
      await clock.sleep(pauseMs, signal);
    }
    if (!this.#isReady)
      this.#ready.reject(endedEarly(config.bpftrace, 'it was stopped before its first interval'));
  }

  async #runOnce(): Promise<Exit> {
    const { config, clock, tracer } = this.#options;
    const { interval: intervalMs, map_keys: mapKeys, account } = config;
    const { probe, hook, kernel } = this.#choice;
    const supplements = this.#choice.supplements.map(({ name }) => name);
    const bpftrace = bpftraceVersionOf(this.#version);
    const parameters = { intervalMs, mapKeys, hook: hook.name, supplements, kernel, account, bpftrace };
    const child = tracer.start({ kind: 'probe', probe: probe.name, parameters });
    this.#child = child;
    this.#lastFlip = clock.monotonic();
    const ended = new AbortController();
    const watching = this.#killWhenSilent(child, ended.signal);
    for await (const line of child.lines) await this.#take(line);
    const exit = await child.exited;
    ended.abort();
    await watching;
    return exit;
  }

  /** One line of bpftrace. The `end` of a readout waits until its containers have names. */
  async #take(line: Line): Promise<void> {
    const reading = this.#reading();
    if (line === null) return this.#feed({ kind: 'oversize', ...reading });
    const input: Input = { kind: 'line', text: line, ...reading };
    const events = this.#pipeline.parse(input);
    if (events.some(event => event.kind === 'end')) await this.#identifier.settle();
    this.#feed(input, events);
    for (const event of events) {
      this.#identifier.follow(event);
      if (event.kind === 'garbage') this.#options.log.debug({ reason: event.reason }, 'line not understood');
      if (event.kind === 'flip') this.#flipped();
    }
  }

  #flipped(): void {
    this.#lastFlip = this.#options.clock.monotonic();
    this.#failures = 0;
    this.#isReady = true;
    this.#ready.resolve();
  }

  #feed(input: Input, events?: readonly Event[]): void {
    this.#options.record?.write(encodeInput(input));
    for (const frame of this.#pipeline.feed(input, events)) this.#options.onFrame(frame);
  }

  #reading() {
    return { wall: this.#options.clock.now(), boot: bootMs() };
  }

  /** Restart a bpftrace that runs but no longer flips (stopped, or its buffers lost the readout). */
  async #killWhenSilent(child: Bpftrace, ended: AbortSignal): Promise<void> {
    const { config, clock, log } = this.#options;
    const silenceMs = Math.max(config.interval * LIMITS.silenceIntervals, LIMITS.silenceMs);
    const stepMs = silenceMs / 4;
    const started = this.#lastFlip;
    while (!ended.aborted) {
      const before = clock.monotonic();
      await clock.sleep(stepMs, ended);
      const now = clock.monotonic();
      // This process itself was stopped: flips wait to be read.
      if (now - before > 2 * stepMs) this.#lastFlip = now;
      const limitMs = this.#lastFlip === started ? Math.max(silenceMs, LIMITS.startMs) : silenceMs;
      if (ended.aborted || now - this.#lastFlip < limitMs) continue;
      log.warn({ silentMs: Math.round(now - this.#lastFlip) }, 'bpftrace is silent; starting a new one');
      child.kill();
      return;
    }
  }
}

/** Time since boot, suspend included, ms; 10 ms resolution. The kernel's `nsecs` are of the same clock. */
const bootMs = (): number => uptime() * 1000;
