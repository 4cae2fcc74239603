import { writeSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import type { Screen } from '../live.ts';

/** Where keys come from: a terminal. */
export type Keyboard = Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'> & {
  readonly isTTY?: boolean;
};

/** Another screen than the one with the history, without a cursor; and back. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CTRL_C = '\u0003';

/**
 * A terminal that is drawn on as a whole and read key by key. Whatever ends the process, `close` or the end itself puts
 * the terminal back as it was.
 */
export class Terminal {
  readonly #screen: Screen;
  readonly #keyboard: Keyboard | null;
  readonly #onData: (data: Buffer | string) => void;
  readonly #onExit: () => void;
  #isOpen = true;

  /** `onKey` is told each key; `q` and Ctrl-C come as `q`. */
  constructor(screen: Screen, keyboard: Keyboard | null, onKey: (key: string) => void) {
    this.#screen = screen;
    this.#keyboard = keyboard?.isTTY ? keyboard : null;
    this.#onData = data => {
      for (const key of String(data)) onKey(key === CTRL_C ? 'q' : key);
    };
    // Nothing that is asynchronous runs any more then.
    this.#onExit = () => this.#restore(text => writeSync(1, text));
    process.once('exit', this.#onExit);
    this.#keyboard?.setRawMode(true);
    this.#keyboard?.on('data', this.#onData).resume();
    screen.write(ENTER);
  }

  /** Whether keys are read. */
  get hasKeys(): boolean {
    return this.#keyboard !== null;
  }

  /** Columns and lines. */
  get size(): { width: number; height: number } {
    return { width: this.#screen.columns || 80, height: this.#screen.rows || 24 };
  }

  /** In one write and without clearing first: nothing flickers. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    this.#screen.write(HOME + lines.map(line => line + CLEAR_LINE).join('\r\n') + CLEAR_BELOW);
  }

  close(): void {
    process.off('exit', this.#onExit);
    this.#restore(text => this.#screen.write(text));
  }

  #restore(write: (text: string) => unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#keyboard?.off('data', this.#onData).pause();
    try {
      this.#keyboard?.setRawMode(false);
      write(LEAVE);
    } catch {
      // The terminal is gone.
    }
  }
}
