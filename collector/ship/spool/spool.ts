import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../../backends/files/folder.ts';
import { CAPS } from '../../../core/caps.ts';
import type { Clock } from '../../../core/clock.ts';
import { describeError, TidegaugeError } from '../../../core/errors.ts';
import type { Interval } from '../../../core/interval.ts';
import type { Log } from '../../../core/log.ts';
import { decodeFrame, encodeFrame, type Frame, intervalOf } from '../../../core/traffic/frame.ts';
import type { PendingFrame } from '../backlog.ts';
import { Cursor } from './cursor.ts';
import { Health } from './health.ts';
import { countDropped, later, type RecoveredSpool, recoverSpool, type SpoolEntry } from './recover.ts';
import { Segment } from './segment.ts';

export interface SpoolOptions {
  /** Created when missing. The caller holds its lock. */
  folder: string;
  /** When written frames must have reached the disk: after each frame, within a second, or when the system decides. */
  fsync: 'always' | 'interval' | 'never';
  clock: Clock;
  log: Log;
  /** A segment is closed at this size, bytes. */
  segmentBytes?: number;
  /**
   * Written frames up to this size in total stay in memory too, bytes of JSON. The newest stays whatever its size, and
   * so does the one being shipped: in normal operation nothing is read back.
   */
  cacheBytes?: number;
}

export interface SpoolStatus {
  /** Bytes of all files. */
  readonly diskBytes: number;
  /** Frames that could not be written to disk, and their bytes: they are in memory only. */
  readonly unwritten: number;
  readonly unwrittenBytes: number;
  /** Why the last write or sync failed, or null while all is well. */
  readonly fault: string | null;
  /** Damaged records: each is one lost frame, or the torn tail of a file. */
  readonly damaged: number;
  /** Frames that an earlier process left. */
  readonly recovered: number;
}

/** A frame that is in memory only. */
interface Unwritten extends SpoolEntry {
  frame: Frame;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
/** Policy `interval`: longest time between a write and its arrival on disk. */
const SYNC_MS = 1000;

/**
 * Frames on disk until they were shipped. Writing is synchronous: a frame that `append` has returned from survives the
 * death of this process. Nothing here throws after `open`: where the disk fails, frames are kept in memory and written
 * as soon as it works again.
 */
export class Spool {
  /** Frames that an earlier process left, oldest first. */
  readonly recovered: readonly PendingFrame[];
  readonly #options: Required<SpoolOptions>;
  readonly #cursor: Cursor;
  /** By sequence number, ascending. */
  readonly #entries: Map<number, SpoolEntry>;
  readonly #segments: Set<Segment>;
  readonly #health: Health;
  readonly #closing = new AbortController();
  /** The segment that is appended to. */
  #active: Segment | null = null;
  #next: number;
  /** One more than the number of the newest record that was shipped; before the first, of the record before the oldest. */
  #shipped: number;
  #newest: Interval | null;
  /** Oldest first. */
  #unwritten: Unwritten[] = [];
  #unwrittenBytes = 0;
  #cachedBytes = 0;
  /** The newest on disk that is in memory too. */
  #cached: SpoolEntry | null = null;
  #damaged: number;
  #syncing = false;

  private constructor(options: Required<SpoolOptions>, cursor: Cursor, found: RecoveredSpool) {
    this.#options = options;
    this.#health = new Health(options.folder, options.log);
    this.#cursor = cursor;
    this.#entries = new Map(found.entries.map(entry => [entry.seq, entry]));
    this.recovered = found.entries.map(({ seq, start, bytes }) => ({ seq, start, bytes }));
    this.#segments = new Set(found.segments);
    this.#damaged = found.damaged;
    this.#next = Math.max(cursor.found?.released ?? 1, found.next);
    this.#shipped = cursor.found?.shipped ?? found.entries[0]?.seq ?? this.#next;
    this.#newest = this.#newestOf(found.newest, cursor.found?.newest ?? null);
    countDropped(found.entries, this.#shipped);
    for (const segment of found.segments) this.#removeIfDone(segment);
    if (found.damaged > 0)
      options.log.error(
        { folder: options.folder, places: found.damaged },
        'the spool is damaged in some places; the rest is used',
      );
    if (this.#entries.size > 0)
      options.log.info(
        { frames: this.#entries.size },
        'the spool holds frames of an earlier run; they are shipped first',
      );
  }

  /** Throws a TidegaugeError when the folder cannot be used, or a newer version wrote it. */
  static open(options: SpoolOptions): Spool {
    const full = { segmentBytes: SEGMENT_BYTES, cacheBytes: CAPS.spoolCacheBytes.limit, ...options };
    try {
      makeFolder(options.folder, 0o700);
      const cursor = Cursor.open(join(options.folder, 'released'));
      return new Spool(full, cursor, recoverSpool(options.folder, cursor.found?.released ?? 0));
    } catch (error) {
      if (error instanceof TidegaugeError) throw error;
      throw unusable(options.folder, error);
    }
  }

  /** Time of the newest frame ever appended; null when there was none. */
  get newest(): Interval | null {
    return this.#newest;
  }

  status(): SpoolStatus {
    let diskBytes = 0;
    for (const segment of this.#segments) diskBytes += segment.size;
    return {
      diskBytes,
      unwritten: this.#unwritten.length,
      unwrittenBytes: this.#unwrittenBytes,
      fault: this.#health.fault,
      damaged: this.#damaged,
      recovered: this.recovered.length,
    };
  }

  /** Keep a frame until it is released. */
  append(frame: Frame): PendingFrame {
    const payload = Buffer.from(encodeFrame(frame));
    const waiting = { seq: this.#next++, start: frame.start, bytes: payload.length };
    const entry: Unwritten = { ...waiting, dropped: 0, frame, disk: null };
    this.#entries.set(entry.seq, entry);
    this.#newest = later(this.#newest, intervalOf(frame));
    this.#unwritten.push(entry);
    this.#unwrittenBytes += entry.bytes;
    this.#writeAll(payload);
    return waiting;
  }

  /** Whether a pending frame is on disk: it survives the death of this process. */
  isWritten({ seq }: PendingFrame): boolean {
    return Boolean(this.#entries.get(seq)?.disk);
  }

  /**
   * A pending frame, with how many were given up right before it; null when its record on disk is damaged: the caller
   * then drops it.
   */
  read({ seq }: PendingFrame): Frame | null {
    const entry = this.#entries.get(seq);
    const frame = entry ? this.#frameOf(entry) : null;
    return frame && entry && entry.dropped > 0 ? { ...frame, dropped: entry.dropped } : frame;
  }

  /** `noted`: from the cursor, which may miss the last frames. The end of an unreadable frame is not known. */
  #newestOf(found: SpoolEntry | null, noted: Interval | null): Interval | null {
    if (!found || (noted && noted.from >= found.start)) return noted;
    const frame = this.#frameOf(found);
    return frame ? intervalOf(frame) : { from: found.start, to: found.start + 1 };
  }

  #frameOf(entry: SpoolEntry): Frame | null {
    if (entry.frame) return entry.frame;
    try {
      const payload = entry.disk?.segment.read(entry.disk.place);
      if (payload) return decodeFrame(payload.toString(), entry.disk?.segment.file ?? '');
    } catch (error) {
      this.#options.log.error({ error: describeError(error) }, 'a frame in the spool cannot be read');
    }
    this.#damaged++;
    return null;
  }

  /** A frame was shipped. */
  release({ seq }: PendingFrame): void {
    this.#shipped = Math.max(this.#shipped, seq + 1);
    this.#remove(seq);
  }

  /**
   * A frame is given up: the next one carries the number of frames dropped before it. `stored`: this one is not lost, as
   * the store has it already.
   */
  drop({ seq }: PendingFrame, { stored = false } = {}): void {
    const gone = this.#entries.get(seq);
    if (!gone) return;
    for (const entry of this.#entries.values()) {
      if (entry.seq <= seq) continue;
      entry.dropped += gone.dropped + (stored ? 0 : 1);
      break;
    }
    this.#remove(seq);
  }

  #remove(seq: number): void {
    const entry = this.#entries.get(seq);
    if (!entry) return;
    this.#entries.delete(seq);
    if (entry.disk) {
      this.#uncache(entry);
      entry.disk.segment.live--;
    } else {
      this.#unwritten = this.#unwritten.filter(other => other !== entry);
      this.#unwrittenBytes -= entry.bytes;
    }
    const [oldest] = this.#entries.values();
    const released = oldest?.seq ?? this.#next;
    const shipped = oldest ? released - oldest.dropped : this.#shipped;
    const position = { released, shipped, newest: this.#newest };
    // The position first: a record removed before it moves would count as given up at the next start.
    if (this.#health.attempt('tidy', () => this.#cursor.write(position)) && entry.disk)
      this.#removeIfDone(entry.disk.segment);
  }

  /** Frames that could not be written are lost with this process. */
  close(): void {
    this.#closing.abort();
    if (this.#options.fsync !== 'never') this.#sync();
    for (const segment of this.#segments) segment.close();
    this.#cursor.close();
  }

  /** Write the unwritten frames, oldest first. `newest`: the payload of the last one. */
  #writeAll(newest: Buffer): void {
    const written = this.#health.attempt('write', () => {
      for (let entry = this.#unwritten[0]; entry; entry = this.#unwritten[0]) {
        const last = this.#unwritten.length === 1;
        this.#write(entry, last ? newest : Buffer.from(encodeFrame(entry.frame)));
      }
    });
    if (this.#options.fsync === 'always') this.#sync();
    if (written && this.#options.fsync === 'interval') void this.#syncSoon();
  }

  /** The oldest of what is not on disk. */
  #write(entry: SpoolEntry, payload: Buffer): void {
    const segment = this.#segmentFor(entry.seq);
    entry.disk = { segment, place: segment.append(entry.seq, entry.start, payload) };
    this.#unwritten.shift();
    this.#unwrittenBytes -= entry.bytes;
    const before = this.#cached;
    const [oldest] = this.#entries.values();
    if (before && before !== oldest && this.#cachedBytes + entry.bytes > this.#options.cacheBytes)
      this.#uncache(before);
    this.#cachedBytes += entry.bytes;
    this.#cached = entry;
  }

  /** Keep it on disk only. */
  #uncache(entry: SpoolEntry): void {
    if (entry.frame) this.#cachedBytes -= entry.bytes;
    entry.frame = null;
    if (this.#cached === entry) this.#cached = null;
  }

  #segmentFor(seq: number): Segment {
    const full = this.#active;
    if (full && full.size < this.#options.segmentBytes) return full;
    const { folder, fsync } = this.#options;
    const segment = Segment.create(folder, seq);
    this.#segments.add(segment);
    this.#active = segment;
    if (fsync !== 'never') {
      this.#health.attempt('sync', () => {
        full?.sync();
        syncFolder(folder);
      });
    }
    // Retries those that could not be removed before.
    for (const old of this.#segments) this.#removeIfDone(old);
    return segment;
  }

  /** Remove a segment without pending records. */
  #removeIfDone(segment: Segment): void {
    if (segment.live > 0 || segment === this.#active) return;
    this.#health.attempt('tidy', () => {
      segment.remove();
      this.#segments.delete(segment);
    });
  }

  async #syncSoon(): Promise<void> {
    if (this.#syncing) return;
    this.#syncing = true;
    await this.#options.clock.sleep(SYNC_MS, this.#closing.signal);
    this.#syncing = false;
    if (!this.#closing.signal.aborted) this.#sync();
  }

  #sync(): void {
    this.#health.attempt('sync', () => this.#active?.sync());
  }
}

/** So that a new file's name survives a power cut. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unusable(folder: string, error: unknown): TidegaugeError {
  const problem = {
    place: folder,
    found: `the spool cannot be opened: ${describeError(error)}`,
    remedy: 'Set `data` to a directory that this user can write, or fix its permissions.',
  };
  return new TidegaugeError(problem, { cause: error, exitCode: 2 });
}
