import { encodeFrame, type Frame } from '../core/frame.ts';

/** A frame that waits, with the length of its JSON text: what it takes up, near enough. */
export interface Waiting {
  readonly frame: Frame;
  readonly bytes: number;
}

export const waiting = (frame: Frame): Waiting => ({ frame, bytes: encodeFrame(frame).length });

/** Frames that wait, oldest first. The place where a spool on disk will go. */
export class Backlog {
  readonly #entries: Waiting[] = [];
  /** So many of the oldest are part of a request that is under way. */
  #held = 0;
  #bytes = 0;

  get size(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Waiting): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  /** The oldest, at most so many frames and bytes but at least one, for a request; then `release` or `take` them. */
  hold(limit: { frames: number; bytes: number }): readonly Waiting[] {
    let bytes = 0;
    const beyond = this.#entries.findIndex((entry, i) => {
      bytes += entry.bytes;
      return i > 0 && (i >= limit.frames || bytes > limit.bytes);
    });
    const batch = this.#entries.slice(0, beyond === -1 ? undefined : beyond);
    this.#held = batch.length;
    return batch;
  }

  /** The request has failed: what it held may be dropped again. */
  release(): void {
    this.#held = 0;
  }

  /** The request is done with: what it held leaves. */
  take(): void {
    for (const { bytes } of this.#entries.splice(0, this.#held)) this.#bytes -= bytes;
    this.#held = 0;
  }

  /** Forget the oldest that is not held, but never the last `keep`; false when there is none. */
  dropOldest(keep: number): boolean {
    if (this.#entries.length - this.#held <= keep) return false;
    const [gone] = this.#entries.splice(this.#held, 1);
    this.#bytes -= gone?.bytes ?? 0;
    return true;
  }
}
