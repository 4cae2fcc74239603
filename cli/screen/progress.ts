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

/** Characters of a bar. */
const BAR = 20;

/** `[########------------]  40%`: how much of something is done, 0 to 1. */
export function progressBar(share: number): string {
  const done = Math.min(1, Math.max(0, share));
  const filled = Math.floor(done * BAR);
  const percent = String(Math.floor(100 * done)).padStart(3);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${percent}%`;
}
