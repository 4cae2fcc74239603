import type { Annotation } from '../core/incident/incident.ts';
import type { Interval } from '../core/interval.ts';
import { compareText } from '../core/traffic/frame.ts';

/**
 * Two versions of one annotation become one: the furthest version speaks (resolved beats firing, then the later end,
 * then the one written later), and the region never shrinks. So the order of writes does not matter, and a worker
 * that was paused past its lease undoes nothing.
 */
export function mergeAnnotation(stored: Annotation, written: Annotation): Annotation {
  const isBehind =
    progress(written) < progress(stored) ||
    (progress(written) === progress(stored) && written.end < stored.end);
  const furthest = isBehind ? stored : written;
  return { ...furthest, end: Math.max(stored.end, written.end) };
}

/** One annotation per id, in contract order: by start, then id. */
export function mergeAll(annotations: Iterable<Annotation>): Annotation[] {
  const byId = new Map<string, Annotation>();
  for (const annotation of annotations) {
    const known = byId.get(annotation.id);
    byId.set(annotation.id, known ? mergeAnnotation(known, annotation) : annotation);
  }
  return [...byId.values()].sort((a, b) => a.start - b.start || compareText(a.id, b.id));
}

/** True when the region shares a moment with the range; a region without length is the moment of its start. */
export function touches(annotation: Pick<Annotation, 'start' | 'end'>, range: Interval): boolean {
  return annotation.start < range.to && (annotation.end > range.from || annotation.start >= range.from);
}

const progress = (annotation: Annotation): number => (annotation.state === 'firing' ? 0 : 1);
