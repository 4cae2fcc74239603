import type { Annotation, Detection } from '../../core/incident/incident.ts';
import { scoresFrom } from '../check.ts';
import { integer, number, orNull, type Row, severityOf, text } from '../row.ts';
import { decodeField, decodeTag } from '../text.ts';

const SCORE = 'score_';

/** A row of `detections`. */
export function detectionOf(host: string, row: Row): Detection {
  const rules = Object.keys(row).filter(column => column.startsWith(SCORE));
  return {
    host,
    service: decodeTag(text(row, 'service')),
    container: decodeTag(text(row, 'container')),
    start: integer(row, 'time'),
    score: number(row, 'score'),
    scores: scoresFrom(rules.map(column => [decodeTag(column.slice(SCORE.length)), number(row, column)])),
    seen: number(row, 'seen'),
    expected: orNull(number, row, 'expected'),
    open: integer(row, 'open') === 1,
  };
}

/** A row of `annotations`; state and end are derived from fields that late writers cannot undo. */
export function annotationOf(row: Row): Annotation {
  const resolvedEnd = orNull(integer, row, 'resolved_end');
  const end = integer(row, 'timeEnd');
  return {
    id: decodeTag(text(row, 'id')),
    host: decodeTag(text(row, 'host')),
    service: decodeTag(text(row, 'service')),
    container: decodeTag(text(row, 'container')),
    start: integer(row, 'time'),
    end: Math.max(end, resolvedEnd ?? end),
    severity: severityOf(row),
    state: row.resolved === 1 ? 'resolved' : 'firing',
    title: decodeField(text(row, 'title')),
    text: decodeField(text(row, 'text')),
  };
}
