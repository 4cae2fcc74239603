import { DIRECTIONS, type Frame, type Window } from '../../core/traffic/frame.ts';
import type { Sizes } from '../../core/traffic/histogram.ts';

/** What is remembered of a frame as it is. */
type Head = Pick<Frame, 'start' | 'durationMs' | 'faults' | 'containers' | 'flows'>;

/** Numbers of a window before those of its buckets: direction, messages, bytes, buckets. */
const PREFIX = 4;

/**
 * Remembers one frame at a time, its windows as numbers. As objects they would live for minutes, and what lives for that
 * long is copied by the collection of garbage, again and again. The place is used anew for the next frame.
 */
export class PastFrame {
  #head: Head;
  /** Of each window its container; the rest is in the numbers. */
  #names: readonly string[] = [];
  #numbers = new Float64Array();

  constructor(frame: Frame) {
    this.#head = frame;
    this.keep(frame);
  }

  /** Remember this frame instead of the one before. */
  keep({ start, durationMs, faults, containers, flows, windows }: Frame): void {
    this.#head = { start, durationMs, faults, containers, flows };
    this.#names = windows.map(({ container }) => container);
    let length = PREFIX * windows.length;
    for (const { sizes } of windows) length += 2 * sizes.length;
    if (length > this.#numbers.length) this.#numbers = new Float64Array(length);
    const numbers = this.#numbers;
    let at = 0;
    for (const { direction, messages, bytes, sizes } of windows) {
      numbers[at++] = DIRECTIONS.indexOf(direction);
      numbers[at++] = messages;
      numbers[at++] = bytes;
      numbers[at++] = sizes.length;
      for (const [bound, count] of sizes) {
        numbers[at++] = bound;
        numbers[at++] = count;
      }
    }
  }

  /** The frame without its windows. */
  get head(): Head {
    return this.#head;
  }

  /** The frame's windows of these containers. */
  windowsOf(names: ReadonlySet<string>): Window[] {
    const windows: Window[] = [];
    const number = (at: number) => this.#numbers[at] ?? 0;
    let at = 0;
    for (const container of this.#names) {
      const [messages, bytes, buckets] = [number(at + 1), number(at + 2), number(at + 3)];
      const first = at + PREFIX;
      if (names.has(container)) {
        const direction = DIRECTIONS[number(at)] ?? 'send';
        const pair = (i: number): Sizes[number] => [number(first + 2 * i), number(first + 2 * i + 1)];
        const sizes = Array.from({ length: buckets }, (_, i) => pair(i));
        windows.push({ container, direction, messages, bytes, sizes });
      }
      at = first + 2 * buckets;
    }
    return windows;
  }
}
