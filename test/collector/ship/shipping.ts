import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import type { Shipper, ShipperOptions } from '../../../collector/ship/contract.ts';
import { createShipper } from '../../../collector/ship/shipper.ts';
import { Spool } from '../../../collector/ship/spool/spool.ts';
import { systemClock } from '../../../core/clock.ts';
import { ExchangeError } from '../../../core/errors.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createInlineQueue, type InlineQueue } from '../../../queue/inline.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { frameOf } from '../../data/frames.ts';
import { recordingLog } from '../../parts/log.ts';
import { temporaryFolder } from '../../parts/process.ts';

export const failure = (retry: boolean) =>
  new ExchangeError({ place: 'here', expected: 'success', found: 'a fault', remedy: 'Wait.' }, { retry });
export const down = () => Promise.reject(failure(true));
export const well = async () => {};

export const LIMITS = { bytes: 64 * 1024 * 1024, memoryBytes: 1024 * 1024, ageMs: Number.MAX_SAFE_INTEGER };
export const ALL = { from: 0, to: Number.MAX_SAFE_INTEGER };
export const frames = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => frameOf('web-1', from + i));
export const starts = (list: readonly Frame[]) => list.map(frame => frame.start);

/** What is left of frames of which some were lost: each says how many were right before it. */
export function withDropped(all: readonly Frame[], isLost: (frame: Frame) => boolean): Frame[] {
  let dropped = 0;
  return all.flatMap(frame => {
    if (isLost(frame)) {
      dropped++;
      return [];
    }
    const kept = dropped > 0 ? { ...frame, dropped } : frame;
    dropped = 0;
    return [kept];
  });
}

/** A shipper to a real store and queue whose faults are ours. */
export class Shipping {
  readonly logged = recordingLog();
  readonly store: SqliteStore;
  readonly queue: InlineQueue;
  /** What the worker has got. */
  readonly taken: Frame[] = [];
  /** Sizes of what was stored in one request. */
  readonly batches: number[] = [];
  /** Starts of frames that were queued before they were stored. */
  readonly queuedUnstored: number[] = [];
  /** Starts of frames that were stored ahead of their turn. */
  readonly ahead: number[] = [];
  /** What is wrong with store and queue at the moment: called with what is about to be done. */
  storeFault: (batch: readonly Frame[]) => Promise<void> = well;
  queueFault: (frame: Frame) => Promise<void> = well;
  readonly #folder: string;
  #running: { readonly shipper: Shipper; readonly spool: Spool } | null = null;

  /** `start` starts the shipper; `store` is to be opened before. */
  constructor(folder: string) {
    this.#folder = folder;
    this.store = new SqliteStore(join(folder, 'store.db'));
    this.queue = createInlineQueue({ lanes: 1, clock: systemClock, log: this.logged.log });
    this.queue.consume(0, async frame => {
      this.taken.push(frame);
    });
  }

  get shipper(): Shipper {
    if (!this.#running) throw new Error('no shipper was started');
    return this.#running.shipper;
  }

  get spool(): Spool {
    if (!this.#running) throw new Error('no shipper was started');
    return this.#running.spool;
  }

  /** A shipper on the spool of that name, as in a new process, in place of the one before, which was stopped. */
  start(name: string, options: Partial<ShipperOptions> = {}): void {
    this.#running?.spool.close();
    const { log } = this.logged;
    const spool = Spool.open({ folder: join(this.#folder, name), fsync: 'never', clock: systemClock, log });
    const shipper = createShipper({
      store: { writeFrames: (batch, how) => this.#write(batch, how) },
      queue: { publish: frame => this.#publish(frame) },
      spool,
      clock: systemClock,
      log,
      limits: LIMITS,
      backoff: { firstMs: 2, maxMs: 10 },
      ...options,
    });
    this.#running = { shipper, spool };
  }

  push(list: readonly Frame[]): void {
    for (const frame of list) this.shipper.push(frame);
  }

  /** Starts of the frames that can be read from the store. */
  async stored(host = 'web-1'): Promise<number[]> {
    return starts(await this.storedFrames(host));
  }

  async storedFrames(host = 'web-1'): Promise<Frame[]> {
    const found: Frame[] = [];
    for await (const frame of this.store.readFrames(host, ALL)) found.push(frame);
    return found;
  }

  async stop(): Promise<void> {
    await this.#running?.shipper.stop();
    this.#running?.spool.close();
    await this.queue.close();
    await this.store.close();
  }

  async #write(batch: readonly Frame[], options?: { readonly ahead?: boolean }): Promise<void> {
    if (options?.ahead) this.ahead.push(...starts(batch));
    else await this.storeFault(batch);
    await this.store.writeFrames(batch, options);
    if (!options?.ahead) this.batches.push(batch.length);
  }

  async #publish(frame: Frame): Promise<void> {
    await this.queueFault(frame);
    const newest = await this.store.lastInTurn(frame.host);
    if (newest === null || newest < frame.start) this.queuedUnstored.push(frame.start);
    await this.queue.publish(frame);
  }
}

/** A new one for each test of the suite that this is called in; gives that of the test that runs. */
export function eachShipping(): () => Shipping {
  let rig: Shipping;
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(async () => {
    folder = temporaryFolder();
    rig = new Shipping(folder.path);
    await rig.store.open();
  });
  afterEach(async () => {
    await rig.stop();
    folder.remove();
  });
  return () => rig;
}
