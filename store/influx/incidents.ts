import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import * as records from '../records.ts';
import { integer, number, orNull, type Row } from '../row.ts';
import { decodeTag } from '../text.ts';

const SCORE = 'score_';

/** A row of `detections`: each rule's score is a field. */
export function detectionOf(host: string, row: Row): Detection {
  const columns = Object.keys(row).filter(column => column.startsWith(SCORE));
  const scores = columns.map(column => [decodeTag(column.slice(SCORE.length)), number(row, column)] as const);
  return records.detectionOf(host, row, scores, decodeTag);
}

/** A row of `container_expected`. */
export const expectedOf = (host: string, row: Row): ExpectedRange => records.expectedOf(host, row, decodeTag);

/** A row of `annotations`; state and end are derived from fields that late writers cannot undo. */
export function annotationOf(row: Row): Annotation {
  const start = integer(row, 'time');
  const end = integer(row, 'timeEnd');
  const resolvedEnd = orNull(integer, row, 'resolved_end');
  const state = row.resolved !== 1 ? 'firing' : row.state === 'ended' ? 'ended' : 'resolved';
  return records.annotationOf(row, { start, end: Math.max(end, resolvedEnd ?? end), state }, decodeTag);
}
