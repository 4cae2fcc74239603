/** A frame that waits in the spool. */
export interface PendingFrame {
  /** Its sequence number in the spool, ascending. */
  readonly seq: number;
  /** Start of the frame, epoch ms. */
  readonly start: number;
  /** Length of its JSON text. */
  readonly bytes: number;
}

/** Frames that wait for one receiver, oldest first; their content is in the spool. */
export class Backlog {
  readonly #entries: PendingFrame[] = [];
  /** How many of the oldest are in the running request. */
  #held = 0;
  #bytes = 0;

  get size(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): PendingFrame | undefined {
    return this.#entries[0];
  }

  /** The newest within the limit, but at least one, oldest first. */
  newest(limit: { frames: number; bytes: number }): readonly PendingFrame[] {
    const newest: PendingFrame[] = [];
    let bytes = 0;
    for (const entry of this.#entries.slice(-limit.frames).toReversed()) {
      bytes += entry.bytes;
      if (newest.length > 0 && bytes > limit.bytes) break;
      newest.push(entry);
    }
    return newest.toReversed();
  }

  push(entry: PendingFrame): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  /** The oldest within the limit, but at least one, for a request; afterwards `release` or `take` them. */
  hold(limit: { frames: number; bytes: number }): readonly PendingFrame[] {
    let bytes = 0;
    const beyond = this.#entries.findIndex((entry, i) => {
      bytes += entry.bytes;
      return i > 0 && (i >= limit.frames || bytes > limit.bytes);
    });
    const batch = this.#entries.slice(0, beyond === -1 ? undefined : beyond);
    this.#held = batch.length;
    return batch;
  }

  /** The request failed: its frames may be dropped again. */
  release(): void {
    this.#held = 0;
  }

  /** The request is done: its frames leave. */
  take(): void {
    for (const { bytes } of this.#entries.splice(0, this.#held)) this.#bytes -= bytes;
    this.#held = 0;
  }

  /** The oldest that is not held, but none of the last `keep`; null when there is none. */
  droppable(keep: number): PendingFrame | null {
    return this.#entries.length - this.#held <= keep ? null : (this.#entries[this.#held] ?? null);
  }

  /** Those that came after the one with this number, oldest first. */
  after(seq: number): readonly PendingFrame[] {
    const before = this.#entries.findLastIndex(entry => entry.seq <= seq);
    return this.#entries.slice(before + 1);
  }

  /** Remove a frame, unless it is not here or held. */
  drop({ seq, bytes }: PendingFrame): void {
    const found = this.#entries.findIndex((entry, i) => i >= this.#held && entry.seq >= seq);
    if (this.#entries[found]?.seq !== seq) return;
    this.#entries.splice(found, 1);
    this.#bytes -= bytes;
  }
}
