import { createHash, randomUUID } from 'node:crypto';
import { Queue as BullQueue } from 'bullmq';
import { placeOf } from '../backends/redis/addresses.ts';
import {
  type Client,
  createClient,
  createWaitingClient,
  type WaitingClient,
} from '../backends/redis/client.ts';
import { redisError } from '../backends/redis/errors.ts';
import { logOutages } from '../backends/redis/outages.ts';
import { checkServer } from '../backends/redis/server.ts';
import { CAPS } from '../core/caps.ts';
import type { Clock } from '../core/clock.ts';
import type { RedisServers } from '../core/config/redis.ts';
import { laneName, laneOf } from '../core/lane.ts';
import type { Log } from '../core/log.ts';
import type { Backoff } from '../core/retry.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Consumer, Handler, Queue } from './contract.ts';
import { HANDLER_BACKOFF } from './hand-over.ts';
import { LaneConsumer } from './lane-consumer.ts';

export interface BullmqOptions extends RedisServers {
  lanes: number;
  /** First part of every key. */
  prefix: string;
  clock: Clock;
  log: Log;
  /** As in CheckOptions. */
  warned?: Set<string>;
  /** Pauses between attempts of a handler that fails. */
  backoff?: Backoff;
  /** Most frames that wait on one lane; beyond it the oldest go, and the worker reads them from the store. */
  limit?: number;
}

/** The length of a lane is checked once in this many frames. */
const TRIM_EVERY = 64;

/**
 * One BullMQ queue per lane, so that order is a list in Redis and not a matter of priorities. All keys carry one hash
 * tag. Publishing fails soon while Redis is away (the caller has its own memory); consuming waits for it to come back.
 */
export function createBullmqQueue(options: BullmqOptions): Queue {
  return new Bullmq(options);
}

class Bullmq implements Queue {
  readonly lanes: number;
  readonly #options: BullmqOptions;
  readonly #place: string;
  /** BullMQ's prefix: the braces make all keys of all lanes one slot of a cluster. */
  readonly #prefix: string;
  readonly #producer: Client;
  /** Made when the first lane is consumed; shared by all lanes but for their blocking reads. */
  #worker: WaitingClient | undefined;
  readonly #queues = new Map<number, BullQueue>();
  readonly #published = new Map<number, number>();
  readonly #consumers = new Map<number, LaneConsumer>();
  /** Of lanes that had a consumer before: settles when it is at its end. */
  readonly #ended = new Map<number, Promise<void>>();

  constructor(options: BullmqOptions) {
    this.#options = options;
    this.lanes = options.lanes;
    this.#place = placeOf(options);
    this.#prefix = `{${options.prefix}}`;
    this.#producer = createClient(options);
    logOutages(this.#producer, this.#place, options.log);
  }

  async open(): Promise<string> {
    const server = await checkServer(this.#producer, this.#options);
    return `${server}, prefix ${this.#options.prefix}`;
  }

  async tryWriting(): Promise<void> {
    // Of one try only: two at once do not remove each other's.
    const queue = this.#connect(`doctor-${randomUUID()}`);
    try {
      await this.#ask(async () => {
        await queue.add('doctor', {});
        await queue.setGlobalConcurrency(1);
        await queue.obliterate({ force: true });
      });
    } finally {
      await queue.close();
    }
  }

  async publish(frame: Frame): Promise<void> {
    const index = laneOf(frame.host, this.lanes);
    await this.#ask(async () => {
      const queue = this.#queue(index);
      await queue.add('frame', frame, { jobId: jobId(frame) });
      await this.#trim(index, queue);
    });
  }

  consume(index: number, handler: Handler): Consumer {
    if (index < 0 || index >= this.lanes) throw new RangeError(`lane ${index} of ${this.lanes}`);
    if (this.#consumers.has(index)) throw new Error(`lane ${index} is consumed already`);
    this.#worker ??= createWaitingClient(this.#options);
    const { clock, log, backoff } = this.#options;
    const consumer = new LaneConsumer({
      lane: index,
      name: laneName(index),
      prefix: this.#prefix,
      place: this.#place,
      after: this.#ended.get(index) ?? Promise.resolve(),
      // Besides the lane's lease: never two jobs at once, whoever runs workers.
      prepare: () => this.#ask(async () => void (await this.#queue(index).setGlobalConcurrency(1))),
      client: this.#worker,
      handler,
      clock,
      log,
      backoff: backoff ?? HANDLER_BACKOFF,
    });
    this.#consumers.set(index, consumer);
    return {
      stop: () => {
        const ended = consumer.stop();
        if (this.#consumers.get(index) !== consumer) return ended;
        this.#consumers.delete(index);
        this.#ended.set(index, ended);
        return ended;
      },
    };
  }

  async depth(): Promise<number> {
    return this.#ask(async () => {
      const lanes = Array.from({ length: this.lanes }, (_, index) =>
        this.#queue(index).getJobCountByTypes('wait', 'active'),
      );
      return (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map(consumer => consumer.stop()));
    await Promise.all(this.#ended.values());
    await Promise.all([...this.#queues.values()].map(queue => queue.close()));
    this.#producer.disconnect();
    this.#worker?.connection.disconnect();
  }

  /** Run a request; what it rejects with becomes an ExchangeError. */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw redisError(error, this.#place);
    }
  }

  #queue(index: number): BullQueue {
    const known = this.#queues.get(index);
    if (known) return known;
    const queue = this.#connect(laneName(index));
    this.#queues.set(index, queue);
    return queue;
  }

  #connect(name: string): BullQueue {
    const queue = new BullQueue(name, {
      connection: this.#producer,
      prefix: this.#prefix,
      skipWaitingForReady: true,
      // open() has looked at the server once; BullMQ would print warnings by itself, per queue.
      skipVersionCheck: true,
      // Nobody reads the event stream; 10,000 entries per lane is BullMQ's default.
      streams: { events: { maxLen: 100 } },
      // The worker never fails a job; should one fail nevertheless, it must not block its successor of the same id.
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // Requests report their own failures; the connection's are logged once, by logOutages.
    queue.on('error', () => {});
    return queue;
  }

  /** Keep a lane that nobody consumes from filling Redis. */
  async #trim(index: number, queue: BullQueue): Promise<void> {
    const published = (this.#published.get(index) ?? 0) + 1;
    this.#published.set(index, published);
    if (published % TRIM_EVERY !== 0) return;
    const excess = (await queue.getWaitingCount()) - (this.#options.limit ?? CAPS.queuedFrames.limit);
    if (excess <= 0) return;
    const gone = await queue.clean(0, excess, 'wait');
    this.#options.log.warn(
      { lane: index, frames: gone.length },
      'no worker takes this lane: its oldest frames leave the queue, a worker will read them from the store',
    );
  }
}

/** Names a frame: hashed, because BullMQ refuses `:` and ids of digits, and hosts are any text. */
function jobId(frame: Frame): string {
  const host = createHash('sha256').update(JSON.stringify(frame.host)).digest('hex').slice(0, 32);
  return `frame-${host}-${frame.start}`;
}
