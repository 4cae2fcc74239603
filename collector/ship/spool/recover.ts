import { readdirSync } from 'node:fs';
import type { Interval } from '../../../core/interval.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { PendingFrame } from '../backlog.ts';
import type { RecordLocation } from './format.ts';
import { isSegment, Segment } from './segment.ts';

/** A pending frame and where it is kept. */
export interface SpoolEntry extends PendingFrame {
  /** Frames right before this one that were given up. */
  dropped: number;
  frame: Frame | null;
  disk: { readonly segment: Segment; readonly place: RecordLocation } | null;
}

/** What an earlier process left. */
export interface RecoveredSpool {
  readonly segments: readonly Segment[];
  readonly entries: readonly SpoolEntry[];
  readonly damaged: number;
  /** Greater than all numbers in use. */
  readonly next: number;
  /** The record with the latest start, also one that is done with. */
  readonly newest: SpoolEntry | null;
}

/** Read what an earlier process left. Records before `released` are done. */
export function recoverSpool(folder: string, released: number): RecoveredSpool {
  const segments: Segment[] = [];
  const entries: SpoolEntry[] = [];
  let damaged = 0;
  let next = 0;
  let newest: SpoolEntry | null = null;
  for (const name of readdirSync(folder).filter(isSegment).sort()) {
    const found = Segment.open(folder, name);
    segments.push(found.segment);
    damaged += found.damaged;
    for (const place of found.records) {
      const { seq, start, bytes } = place;
      next = Math.max(next, seq + 1);
      const disk = { segment: found.segment, place };
      const entry = { seq, start, bytes, dropped: 0, frame: null, disk };
      if (!newest || newest.start < start) newest = entry;
      if (seq < released) continue;
      entries.push(entry);
      found.segment.live++;
    }
  }
  return { segments, entries, damaged, next, newest };
}

/** Numbers are consecutive: those that are missing from `expected` on were given up, or damaged. */
export function countDropped(entries: readonly SpoolEntry[], expected: number): void {
  let next = expected;
  for (const entry of entries) {
    entry.dropped = Math.max(0, entry.seq - next);
    next = entry.seq + 1;
  }
}

/** The one that starts later; null: none. */
export const later = (a: Interval | null, b: Interval | null): Interval | null =>
  a && b ? (a.from > b.from ? a : b) : (a ?? b);
