import { readdirSync } from 'node:fs';
import type { Interval } from '../../../core/interval.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import type { Waiting } from '../backlog.ts';
import type { RecordPlace } from './format.ts';
import { isSegment, Segment } from './segment.ts';

/** What a frame that waits is to the spool. */
export interface Entry extends Waiting {
  /** Frames right before this one that were given up. */
  dropped: number;
  frame: Frame | null;
  disk: { readonly segment: Segment; readonly place: RecordPlace } | null;
}

/** What an earlier process left. */
export interface Found {
  readonly segments: readonly Segment[];
  readonly entries: readonly Entry[];
  readonly damaged: number;
  /** Greater than all numbers in use. */
  readonly next: number;
  /** The record with the latest start, also one that is done with. */
  readonly newest: Entry | null;
}

/** What an earlier process left. Records before `released` are done with. */
export function find(folder: string, released: number): Found {
  const segments: Segment[] = [];
  const entries: Entry[] = [];
  let damaged = 0;
  let next = 0;
  let newest: Entry | null = null;
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
export function countDropped(entries: readonly Entry[], expected: number): void {
  let next = expected;
  for (const entry of entries) {
    entry.dropped = Math.max(0, entry.seq - next);
    next = entry.seq + 1;
  }
}

/** The one that starts later; null: none. */
export const later = (a: Interval | null, b: Interval | null): Interval | null =>
  a && b ? (a.from > b.from ? a : b) : (a ?? b);
