import { type Job, type JobJson, WaitingError, Worker } from 'bullmq';
import type { WaitingClient } from '../backends/redis/client.ts';
import { redisError } from '../backends/redis/errors.ts';
import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Backoff, retrying } from '../core/retry.ts';
import { decodeFrame, type Frame, frameIn } from '../core/traffic/frame.ts';
import type { Consumer, Handler } from './contract.ts';
import { handOver } from './hand-over.ts';

/**
 * How soon another worker takes over from one that was killed: its lock runs out, then the next check notices.
 * BullMQ's defaults (30 s each) block a lane for a minute.
 */
const LOCK_MS = 5000;
const STALLED_CHECK_MS = 2000;

/** Longest wait for BullMQ to end in good order after the handler has, milliseconds. */
const CLOSE_MS = 5000;

export interface LaneOptions {
  lane: number;
  /** BullMQ's name of the lane's queue. */
  name: string;
  prefix: string;
  place: string;
  /** Settles when the consumer before this one is at its end: no frame is taken earlier. */
  after: Promise<void>;
  /** Sets the lane up in Redis before the first frame is taken; may be called several times. */
  prepare: () => Promise<void>;
  /** Not closed here, but for the copies that BullMQ makes of it. */
  client: WaitingClient;
  handler: Handler;
  clock: Clock;
  log: Log;
  backoff: Backoff;
}

/** A BullMQ worker that hands over one lane's frames, strictly one after the other. */
export class LaneConsumer implements Consumer {
  readonly #options: LaneOptions;
  readonly #stopping = new AbortController();
  readonly #worker: FrameWorker;
  /** BullMQ's connections for blocking reads. */
  readonly #copies: readonly WaitingClient[];
  /** Settles when the handler is not running. */
  #handling: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#worker = new FrameWorker(options.name, (job, token) => this.#process(job, token), {
      connection: options.client.connection,
      prefix: options.prefix,
      autorun: false,
      concurrency: 1,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      // A job whose workers were killed twice is not to blame, and failing it would let the next one overtake.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 1000,
      // Longest blocking read, seconds. While Redis is away BullMQ's timer for it holds the process up at its end.
      drainDelay: 2,
      skipVersionCheck: true,
    });
    this.#copies = options.client.takeCopies();
    this.#worker.on('error', error => this.#report(error));
    this.#worker.on('stalled', job =>
      this.#options.log.info(
        { lane: this.#options.lane, job },
        'took over a frame from a worker that is gone',
      ),
    );
    void this.#start();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Runs until stopped, once `after` is over: `prepare` is tried until Redis is there. */
  async #start(): Promise<void> {
    const { after, prepare, clock, lane, log } = this.#options;
    const signal = this.#stopping.signal;
    try {
      await after;
      await retrying(prepare, { clock, backoff: { firstMs: 100, maxMs: 1000 }, signal });
      if (!signal.aborted) await this.#worker.run();
    } catch (error) {
      if (!signal.aborted) log.error({ lane, error: describeError(error) }, 'a lane cannot be consumed');
    }
  }

  async #process(job: Job, token: string | undefined): Promise<void> {
    const frame = this.#frameOf(job);
    if (!frame) return;
    const { lane, handler, clock, log, backoff } = this.#options;
    const handling = handOver(frame, handler, { lane, clock, log, backoff, signal: this.#stopping.signal });
    this.#handling = handling;
    if (await handling) return;
    await this.#giveBack(job, token);
    throw new WaitingError();
  }

  /** The frame of a job, or null when there is none in it: logged, and the job is done with. The store has the truth. */
  #frameOf(job: Job): Frame | null {
    const { lane, log, name } = this.#options;
    const data: unknown = job.data;
    const place = `job ${job.id} of ${name} at ${this.#options.place}`;
    try {
      // Earlier versions queued it as text.
      return typeof data === 'string' ? decodeFrame(data, place) : frameIn(data, place);
    } catch (error) {
      log.error({ lane, error: describeError(error) }, 'a job that holds no frame is dropped');
      return null;
    }
  }

  /** Put an unfinished job back at the head of its lane. Failing that, it comes back when its lock has run out. */
  async #giveBack(job: Job, token: string | undefined): Promise<void> {
    try {
      await job.moveToWait(token);
    } catch (error) {
      this.#report(error);
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#handling;
    // BullMQ closes in good order only while it can talk to Redis, and waits for that without end.
    const force = this.#options.client.connection.status !== 'ready';
    const closed = this.#worker.close(force).catch((error: unknown) => this.#report(error));
    const ended = new AbortController();
    await Promise.race([closed.then(() => ended.abort()), this.#options.clock.sleep(CLOSE_MS, ended.signal)]);
    for (const copy of this.#copies) copy.cutOff();
    this.#worker.abandon();
  }

  /** Errors of the connection are logged once per outage elsewhere; errors that Redis answers with are logged here. */
  #report(error: unknown): void {
    const { lane, log, place } = this.#options;
    const problem = redisError(error, place);
    const level = problem.retry ? 'debug' : 'warn';
    log[level]({ lane, error: describeError(error) }, 'worker of a lane');
  }
}

class FrameWorker extends Worker {
  /** A job whose data is not JSON must reach the processor, which drops it: BullMQ would retry it forever. */
  protected override createJob(data: JobJson, jobId: string): Job {
    try {
      return super.createJob(data, jobId);
    } catch {
      return super.createJob({ ...data, data: '""' }, jobId);
    }
  }

  /** Ends the timer of one that has not closed, and may never: it would keep the process alive. */
  abandon(): void {
    void this.lockManager.close();
  }
}
