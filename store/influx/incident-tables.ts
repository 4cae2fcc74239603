import type { Annotation, Detection } from '../../core/incident/incident.ts';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import type { Interval } from '../../core/interval.ts';
import { isRetriable } from '../../core/retry.ts';
import { mergeAll, mergeAnnotation, touches } from '../annotation.ts';
import { checkDetection, checkExpected, compareDetections, compareExpected } from '../check.ts';
import type { Row } from '../row.ts';
import type { Access } from './client/access.ts';
import { interpreted } from './client/failure.ts';
import { ALL_TIME, epoch, inRange, tagLiteral, within } from './client/influxql.ts';
import { annotationLine, detectionLine, expectedLine } from './client/line.ts';
import { allRows } from './client/pages.ts';
import { annotationOf, detectionOf, expectedOf } from './incidents.ts';

/** Annotations named in one query. */
const STEP_IDS = 100;

/** What detectors found: `detections`, `container_expected` and `annotations`. */
export class IncidentTables {
  readonly #access: Access;
  readonly #tier: () => string | undefined;

  /**
   * `tier`: the one that is kept longest; undefined: there is none. Annotations are there and with the windows, where
   * dashboards look for them.
   */
  constructor(access: Access, tier: () => string | undefined) {
    this.#access = access;
    this.#tier = tier;
  }

  async writeDetections(rows: readonly Detection[]): Promise<void> {
    for (const row of rows) checkDetection(row);
    await this.#access.write(rows.map(detectionLine));
  }

  async readDetections(host: string, range: Interval): Promise<Detection[]> {
    const rows = await allRows(
      this.#access.from('detections'),
      range,
      part => `SELECT * FROM detections WHERE ${inRange(host, part)}`,
    );
    return interpreted(this.#access.place, () =>
      rows.map(row => detectionOf(host, row)).sort(compareDetections),
    );
  }

  async writeExpected(rows: readonly ExpectedRange[]): Promise<void> {
    for (const row of rows) checkExpected(row);
    await this.#access.write(rows.map(expectedLine));
  }

  async readExpected(host: string, range: Interval): Promise<ExpectedRange[]> {
    const rows = await allRows(
      this.#access.from('container_expected'),
      range,
      part => `SELECT * FROM container_expected WHERE ${inRange(host, part)}`,
    );
    return interpreted(this.#access.place, () =>
      rows.map(row => expectedOf(host, row)).sort(compareExpected),
    );
  }

  /**
   * Reads what is stored, merges, writes. Between the two a second worker may write; what it can undo is only what
   * `annotationLine` says: never a resolution, and a region's growth until the next write.
   */
  async writeAnnotations(annotations: readonly Annotation[]): Promise<void> {
    const written = mergeAll(annotations);
    const stored = new Map<string, Annotation>();
    for (let i = 0; i < written.length; i += STEP_IDS) {
      for (const known of await this.#stored(written.slice(i, i + STEP_IDS))) stored.set(known.id, known);
    }
    const merged = written.map(annotation => {
      const known = stored.get(annotation.id);
      return known ? mergeAnnotation(known, annotation) : annotation;
    });
    const lines = merged.map(annotationLine);
    const tier = this.#tier();
    if (tier !== undefined) await this.#access.write(lines, tier);
    await this.#access.write(lines).catch((error: unknown) => {
      // What is older than windows are kept is refused there; the tier has it.
      if (tier === undefined || isRetriable(error)) throw error;
    });
  }

  async readAnnotations(range: Interval, host?: string): Promise<Annotation[]> {
    const from = epoch(range.from);
    const ofHost = host === undefined ? '' : ` AND host = ${tagLiteral(host)}`;
    const found = await this.#annotations(
      { ...ALL_TIME, to: range.to },
      `(timeEnd >= ${from} OR resolved_end >= ${from})${ofHost}`,
    );
    return found.filter(annotation => touches(annotation, range));
  }

  /** Stored versions of these annotations: by id, and by time so that little is searched. */
  #stored(annotations: readonly Annotation[]): Promise<Annotation[]> {
    const starts = annotations.map(annotation => annotation.start);
    const ids = annotations.map(({ id }) => `id = ${tagLiteral(id)}`).join(' OR ');
    return this.#annotations({ from: Math.min(...starts), to: Math.max(...starts) + 1 }, `(${ids})`);
  }

  async #annotations(starts: Interval, condition: string): Promise<Annotation[]> {
    const rows: Row[] = [];
    const tier = this.#tier();
    for (const policy of tier === undefined ? [undefined] : [tier, undefined]) {
      const statement = (part: Interval) =>
        `SELECT * FROM annotations WHERE ${within(part)} AND ${condition}`;
      rows.push(...(await allRows(this.#access.from('annotations', policy), starts, statement)));
    }
    return interpreted(this.#access.place, () => mergeAll(rows.map(annotationOf)));
  }
}
