import type { Frame, Window } from '../../core/traffic/frame.ts';
import { readWindow, windowLength, windowLengthAt, writeWindow } from '../../core/traffic/window-numbers.ts';

/** What is remembered of a frame as it is. */
type Head = Pick<Frame, 'start' | 'durationMs' | 'faults' | 'containers' | 'flows'>;

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
    let length = 0;
    for (const window of windows) length += windowLength(window);
    if (length > this.#numbers.length) this.#numbers = new Float64Array(length);
    let at = 0;
    for (const window of windows) at = writeWindow(this.#numbers, at, window);
  }

  /** The frame without its windows. */
  get head(): Head {
    return this.#head;
  }

  /** The frame's windows of these containers. */
  windowsOf(names: ReadonlySet<string>): Window[] {
    const windows: Window[] = [];
    let at = 0;
    for (const container of this.#names) {
      if (names.has(container)) windows.push(readWindow(this.#numbers, at, container));
      at += windowLengthAt(this.#numbers, at);
    }
    return windows;
  }
}
