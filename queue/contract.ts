import type { Frame } from '../core/traffic/frame.ts';

/** Takes frames of one lane, one at a time, in order. A rejected frame is handed over again before any later one. */
export type Handler = (frame: Frame) => Promise<void>;

export interface Consumer {
  /** Stop taking frames; resolves when the handler is not running any more. Frames not finished stay in the queue. */
  stop(): Promise<void>;
}

/**
 * The fast path from the collector to the worker that owns a lane. At least once, and frames of a host keep their
 * order; nothing depends on it being durable: a worker that misses a frame reads it from the store.
 */
export interface Queue {
  /** Number of lanes; a host's frames always go to `laneOf(host, lanes)`. */
  readonly lanes: number;
  /** Reachable and usable? Returns one line for people (product, version, address without secrets). */
  open(): Promise<string>;
  /** Put something into a queue of its own that no worker takes from, and remove it: rejects when frames could not be queued. */
  tryWriting(): Promise<void>;
  /**
   * Put a frame on its host's lane. Resolves when the queue has taken it; rejects with an ExchangeError, soon, when
   * the queue is away. A frame (host and start) that is still queued is not queued twice.
   */
  publish(frame: Frame): Promise<void>;
  /**
   * Hand the lane's frames to the handler. At most one consumer per lane at a time: the caller holds the lane's lease. One
   * that comes while the one before is still stopping begins when that is at its end.
   */
  consume(lane: number, handler: Handler): Consumer;
  /** Frames waiting on all lanes. */
  depth(): Promise<number>;
  close(): Promise<void>;
}
