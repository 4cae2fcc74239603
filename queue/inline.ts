import { CAPS } from '../core/caps.ts';
import type { Clock } from '../core/clock.ts';
import { laneOf } from '../core/lane.ts';
import type { Log } from '../core/log.ts';
import type { Backoff } from '../core/retry.ts';
import type { Frame } from '../core/traffic/frame.ts';
import type { Consumer, Handler, Queue } from './contract.ts';
import { HANDLER_BACKOFF, handOver } from './hand-over.ts';

export interface InlineOptions {
  lanes: number;
  clock: Clock;
  log: Log;
  /** Pauses between attempts of a handler that fails. */
  backoff?: Backoff;
  /**
   * Most that one lane holds, in entries: a frame counts one, and one more for each of its containers, windows, flows
   * and connections (some 300 bytes each). Beyond it the lane's oldest waiting frame goes; the worker reads it from the
   * store, because the next one names its predecessor.
   */
  limit?: number;
}

/** A queue inside this process, with the number of frames that went by the bound. */
export interface InlineQueue extends Queue {
  readonly dropped: number;
}

interface Lane {
  /** Oldest first; the head stays until the handler has taken it. */
  readonly frames: Frame[];
  /** What `frames` weighs, in entries. */
  entries: number;
  /** True while the head is with the handler. */
  busy: boolean;
  consumed: boolean;
  /** Settles when its last consumer is at its end. */
  ended: Promise<void>;
  /** Ends the consumer's wait for a frame. */
  wake: () => void;
}

const entriesOf = ({ containers, windows, flows, connections }: Frame): number =>
  1 + containers.length + windows.length + flows.length + connections.length;

/** For one process that collects and detects: nothing to install, nothing to connect to. */
export function createInlineQueue(options: InlineOptions): InlineQueue {
  return new Inline(options);
}

class Inline implements InlineQueue {
  readonly lanes: number;
  dropped = 0;
  readonly #lanes: readonly Lane[];
  readonly #consumers = new Set<Consumer>();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #limit: number;

  constructor({ lanes, clock, log, backoff, limit }: InlineOptions) {
    this.lanes = lanes;
    this.#clock = clock;
    this.#log = log;
    this.#backoff = backoff ?? HANDLER_BACKOFF;
    this.#limit = limit ?? CAPS.inlineEntries.limit;
    this.#lanes = Array.from({ length: lanes }, () => ({
      frames: [],
      entries: 0,
      busy: false,
      consumed: false,
      ended: Promise.resolve(),
      wake: () => {},
    }));
  }

  async open(): Promise<string> {
    return 'in this process';
  }

  async tryWriting(): Promise<void> {}

  async publish(frame: Frame): Promise<void> {
    const lane = this.#lane(laneOf(frame.host, this.lanes));
    if (lane.frames.some(queued => queued.start === frame.start && queued.host === frame.host)) return;
    lane.frames.push(frame);
    lane.entries += entriesOf(frame);
    this.#bound(lane);
    lane.wake();
  }

  consume(index: number, handler: Handler): Consumer {
    const lane = this.#lane(index);
    if (lane.consumed) throw new Error(`lane ${index} is consumed already`);
    lane.consumed = true;
    const stopping = new AbortController();
    const done = lane.ended.then(() => this.#run(lane, index, handler, stopping.signal));
    lane.ended = done;
    let stopped = false;
    const consumer = {
      stop: async () => {
        if (!stopped) lane.consumed = false;
        stopped = true;
        stopping.abort();
        lane.wake();
        await done;
        this.#consumers.delete(consumer);
      },
    };
    this.#consumers.add(consumer);
    return consumer;
  }

  async depth(): Promise<number> {
    return this.#lanes.reduce((sum, lane) => sum + lane.frames.length, 0);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map(consumer => consumer.stop()));
  }

  #lane(index: number): Lane {
    const lane = this.#lanes[index];
    if (!lane) throw new RangeError(`lane ${index} of ${this.lanes}`);
    return lane;
  }

  async #run(lane: Lane, index: number, handler: Handler, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const frame = lane.frames[0];
      if (!frame) {
        await new Promise<void>(resolve => {
          lane.wake = resolve;
        });
        continue;
      }
      lane.busy = true;
      const taken = await handOver(frame, handler, {
        lane: index,
        clock: this.#clock,
        log: this.#log,
        backoff: this.#backoff,
        signal,
      });
      lane.busy = false;
      if (taken) {
        lane.frames.shift();
        lane.entries -= entriesOf(frame);
      }
    }
  }

  /** Drop the oldest waiting frames of a lane over its limit; never the newest, nor one that is being handled. */
  #bound(lane: Lane): void {
    const first = lane.busy ? 1 : 0;
    const before = this.dropped;
    while (lane.entries > this.#limit && lane.frames.length > first + 1) {
      const [gone] = lane.frames.splice(first, 1);
      if (gone) lane.entries -= entriesOf(gone);
      this.dropped++;
    }
    if (before === 0 && this.dropped > 0) {
      this.#log.warn(
        'the worker is behind: the oldest frames leave the queue, it will read them from the store',
      );
    }
  }
}
