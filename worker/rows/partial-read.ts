import type { Frame } from '../../core/traffic/frame.ts';

/** Frames up to where reading fails, and why it failed: what was read before is not lost. */
export class PartialRead implements AsyncIterable<Frame> {
  readonly #frames: AsyncIterable<Frame>;
  broken: { reason: unknown } | null = null;

  constructor(frames: AsyncIterable<Frame>) {
    this.#frames = frames;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Frame> {
    try {
      yield* this.#frames;
    } catch (reason) {
      this.broken = { reason };
    }
  }
}
