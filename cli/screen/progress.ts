import type { Clock } from '../../core/clock.ts';
import type { Screen } from './live.ts';

/** Redraw at most this often. */
const EVERY_MS = 200;

/** One line that is redrawn on a terminal; nothing elsewhere. */
export class Progress {
  readonly #screen: Screen;
  readonly #clock: Clock;
  #steps = 0;
  #drawn: number | null = null;

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
  }

  /** `what` is only asked for when it is drawn. */
  step(what: () => string): void {
    this.#steps++;
    if (!this.#screen.isTTY) return;
    const now = this.#clock.monotonic();
    if (this.#drawn !== null && now - this.#drawn < EVERY_MS) return;
    this.#drawn = now;
    this.#screen.write(`\r\u001b[K${this.#steps}: ${what()}`);
  }

  end(): void {
    if (this.#drawn !== null) this.#screen.write('\r\u001b[K');
  }
}
