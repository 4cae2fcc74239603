import type { Clock } from '../../core/clock.ts';

/** A clock that stands until it is moved; sleepers wake when it has moved past their time. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: { until: number; wake: () => void }[] = [];

  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Number of sleepers: lets a test wait until a loop has come to rest. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter(sleeper => sleeper.until <= this.#now);
    this.#sleepers = this.#sleepers.filter(sleeper => sleeper.until > this.#now);
    for (const sleeper of due) sleeper.wake();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const sleeper = { until: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter(other => other !== sleeper);
          resolve();
        },
        { once: true },
      );
    });
  }
}
