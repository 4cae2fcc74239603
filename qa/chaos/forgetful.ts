import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import type { RedisServer } from '../../test/parts/redis/server.ts';
import { Server, type Tell } from './part.ts';

/** What `appendfsync everysec` may lose, ms. */
const LOSS_MS = 1000;
const SAMPLE_MS = 100;

/**
 * A Redis that is killed as a power cut would: of its log the last second is gone. (What a killed process has written
 * the kernel keeps, so that a kill alone loses nothing.)
 */
export class ForgetfulRedis extends Server {
  readonly #log: () => string | undefined;
  readonly #timer: NodeJS.Timeout;
  /** Sizes of the log, oldest first, with the time of each. */
  #sizes: { at: number; bytes: number }[] = [];
  /** Whether it has forgotten anything. */
  forgot = false;

  constructor(tell: Tell, redis: RedisServer) {
    super('redis', tell, redis);
    const folder = join(redis.folder, 'appendonlydir');
    this.#log = () => {
      const name = readdirSync(folder).find(each => each.endsWith('.incr.aof'));
      return name && join(folder, name);
    };
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  protected override async end(name: NodeJS.Signals): Promise<void> {
    await super.end(name);
    const file = this.#log();
    const old = this.#sizes.findLast(({ at }) => systemClock.now() - at >= LOSS_MS);
    if (file === undefined || old === undefined) return;
    const lost = statSync(file).size - old.bytes;
    truncateSync(file, old.bytes);
    this.#sizes = [];
    this.forgot ||= lost > 0;
    this.tell(`redis has forgotten its last ${lost} bytes`);
  }

  #sample(): void {
    const file = this.#log();
    const now = systemClock.now();
    if (file === undefined) return;
    this.#sizes = this.#sizes.filter(({ at }) => now - at < 3 * LOSS_MS);
    this.#sizes.push({ at: now, bytes: statSync(file).size });
  }
}
