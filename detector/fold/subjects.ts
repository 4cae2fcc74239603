import { CAPS } from '../../core/caps.ts';
import { compareText } from '../../core/traffic/frame.ts';
import type { Subject, Subjects } from '../contract.ts';

/**
 * The states that detectors keep, by subject: a service's replica, a service, or the host. Bounded: what was not seen
 * for long is forgotten, and beyond a limit the least recently seen goes first; what is seen now always stays, and
 * that is bounded by the size of a frame.
 */

export interface Limits {
  /** Subjects kept at most, besides those of the current frame. */
  readonly subjects: number;
  /** A subject not seen for this long is forgotten (give or take a sixteenth), ms. */
  readonly forgetMs: number;
}

/** As many as a frame has containers at most; about 10 KiB each with the default rules. */
export const DEFAULT_LIMITS: Limits = { subjects: CAPS.subjects.limit, forgetMs: 7 * 86_400_000 };

export const noSubjects = (): Subjects => ({ byKey: {}, count: 0, dropped: 0, swept: 0 });

/** The subject of a key, made when it is new, marked as seen at `start`. */
export function subjectOf(subjects: Subjects, key: string, start: number): Subject {
  const known = subjects.byKey[key];
  if (known) {
    known.seen = start;
    return known;
  }
  const made: Subject = { seen: start, states: {} };
  subjects.byKey[key] = made;
  subjects.count++;
  return made;
}

/** Forget what `limits` do not allow to be kept at time `now`, epoch ms. */
export function forget(subjects: Subjects, limits: Limits, now: number): void {
  if (now - subjects.swept >= limits.forgetMs / 16) {
    subjects.swept = now;
    for (const [key, subject] of Object.entries(subjects.byKey)) {
      if (now - subject.seen > limits.forgetMs) remove(subjects, key);
    }
  }
  const excess = subjects.count - limits.subjects;
  if (excess <= 0) return;
  // Ties are broken by key, never by the order of insertion, which a checkpoint need not keep.
  const oldest = Object.entries(subjects.byKey).sort(
    ([a, x], [b, y]) => x.seen - y.seen || compareText(a, b),
  );
  for (const [key, { seen }] of oldest.slice(0, excess)) {
    // One that is forgotten in the frame that made it would never be judged.
    if (seen === now) return;
    remove(subjects, key);
    subjects.dropped++;
  }
}

function remove(subjects: Subjects, key: string): void {
  delete subjects.byKey[key];
  subjects.count--;
}
