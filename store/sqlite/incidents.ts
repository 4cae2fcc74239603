import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import type { Interval } from '../../core/interval.ts';
import { mergeAll, mergeAnnotation } from '../annotation.ts';
import * as records from '../records.ts';
import { BOTH, integer, number, type Row, stateOf, text } from '../row.ts';
import { decodeField, encodeField } from '../text.ts';
import { sqlTime } from './frames.ts';
import type { Names } from './names.ts';

/** Where the next page of detections begins, exclusive: the clustering key of the last row read. */
export interface Position {
  readonly time: number;
  readonly series: number;
}

/** The same of rows of what was expected. */
export type ExpectedPosition = readonly [
  ...[time: number, series: number],
  ...[rule: string, direction: string, metric: string],
];

/** Statements and row formats of `detections`, `container_expected` and `annotations`. Everything here is synchronous. */
export class IncidentTables {
  readonly #names: Names;
  readonly #insertDetection: StatementSync;
  readonly #detections: StatementSync;
  readonly #insertExpected: StatementSync;
  readonly #expected: StatementSync;
  readonly #upsertAnnotation: StatementSync;
  readonly #annotation: StatementSync;
  readonly #annotations: StatementSync;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#insertDetection = db.prepare('INSERT OR REPLACE INTO detections VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#detections = db.prepare(`
      SELECT d.*, s.service, s.container
      FROM detections d CROSS JOIN series s ON s.id = d.series
      WHERE (d.time, d.series) > (?, ?) AND d.time < ? AND s.host = ?
      ORDER BY d.time, d.series LIMIT ?`);
    this.#insertExpected = db.prepare(
      'INSERT OR REPLACE INTO container_expected VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#expected = db.prepare(`
      SELECT e.*, s.service, s.container
      FROM container_expected e CROSS JOIN series s ON s.id = e.series
      WHERE (e.time, e.series, e.rule, e.direction, e.metric) > (?, ?, ?, ?, ?) AND e.time < ? AND s.host = ?
      ORDER BY e.time, e.series, e.rule, e.direction, e.metric LIMIT ?`);
    this.#upsertAnnotation = db.prepare(
      'INSERT OR REPLACE INTO annotations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    const annotation = `
      SELECT a.*, h.name AS host, s.service, s.container
      FROM annotations a JOIN series s ON s.id = a.series JOIN hosts h ON h.id = s.host`;
    this.#annotation = db.prepare(`${annotation} WHERE a.id = ?`);
    this.#annotations = db.prepare(
      `${annotation} WHERE a.start_time < ? AND (a.end_time > ? OR a.start_time >= ?)`,
    );
  }

  /** Insert or replace a detection, inside a transaction. */
  putDetection(row: Detection): void {
    this.#insertDetection.run(
      row.start,
      this.#names.ensureSeries(row.start, row.host, row.service, row.container),
      row.score,
      JSON.stringify(row.scores),
      row.seen,
      row.expected,
      row.open ? 1 : 0,
    );
  }

  /** The next `limit` detections of a host after a position and before a time, and where they end. */
  detections(host: string, after: Position, to: number, limit: number): [Detection[], Position | null] {
    const id = this.#names.findHost(host);
    if (id === null) return [[], null];
    const rows = this.#detections.all(after.time, after.series, sqlTime(to), id, limit);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return [
      rows.map(row => detectionOf(host, row)),
      last ? { time: integer(last, 'time'), series: integer(last, 'series') } : null,
    ];
  }

  /** Insert or replace what was expected, inside a transaction. */
  putExpected(row: ExpectedRange): void {
    this.#insertExpected.run(
      row.start,
      this.#names.ensureSeries(row.start, row.host, row.service, row.container),
      encodeField(row.rule),
      row.direction ?? BOTH,
      row.metric,
      row.low,
      row.high,
    );
  }

  /** The next `limit` rows of what was expected on a host, as of detections. */
  expected(
    host: string,
    after: ExpectedPosition,
    to: number,
    limit: number,
  ): [ExpectedRange[], ExpectedPosition | null] {
    const id = this.#names.findHost(host);
    if (id === null) return [[], null];
    const rows = this.#expected.all(...after, sqlTime(to), id, limit);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return [
      rows.map(row => records.expectedOf(host, row, decodeField)),
      last
        ? [
            ...([integer(last, 'time'), integer(last, 'series')] as const),
            ...([text(last, 'rule'), text(last, 'direction'), text(last, 'metric')] as const),
          ]
        : null,
    ];
  }

  /** Insert an annotation or merge it into the stored one, inside a transaction. */
  putAnnotation(written: Annotation): void {
    const row = this.#annotation.get(encodeField(written.id));
    const merged = row ? mergeAnnotation(annotationOf(row), written) : written;
    this.#upsertAnnotation.run(
      encodeField(merged.id),
      this.#names.ensureSeries(merged.end, merged.host, merged.service, merged.container),
      merged.start,
      merged.end,
      merged.severity,
      merged.state,
      encodeField(merged.title),
      encodeField(merged.text),
      merged.peak === undefined ? null : encodeField(JSON.stringify(merged.peak)),
    );
  }

  /** Annotations whose region touches the range, in contract order. */
  annotations(range: Interval): Annotation[] {
    const from = sqlTime(range.from);
    return mergeAll(this.#annotations.all(sqlTime(range.to), from, from).map(annotationOf));
  }
}

function detectionOf(host: string, row: Row): Detection {
  const scores = JSON.parse(text(row, 'scores')) as Row;
  const entries = Object.keys(scores).map(rule => [rule, number(scores, rule)] as const);
  return records.detectionOf(host, row, entries, decodeField);
}

function annotationOf(row: Row): Annotation {
  const [start, end] = [integer(row, 'start_time'), integer(row, 'end_time')];
  return records.annotationOf(row, { start, end, state: stateOf(row) }, decodeField);
}
