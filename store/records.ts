import type { Annotation, Detection } from '../core/incident/incident.ts';
import type { ExpectedRange } from '../core/incident/normal.ts';
import type { ConnectionRow } from '../core/traffic/connection.ts';
import type { Flow, FlowKey } from '../core/traffic/flow.ts';
import type { Container } from '../core/traffic/frame.ts';
import { type Labels, labelsSchema } from '../core/traffic/labels.ts';
import { scoresFrom } from './check.ts';
import { exchangeOf } from './flow.ts';
import type { FrameHead, RollupHead } from './page.ts';
import {
  connectionKindOf,
  directionOf,
  droppedOf,
  exitsOf,
  faultsOf,
  integer,
  kindOf,
  metricOf,
  number,
  orNull,
  peakOf,
  type Row,
  severityOf,
  text,
} from './row.ts';
import { decodeField, encodeField } from './text.ts';

/**
 * Rows whose columns are the same in all databases. Throw when a row is not as it was written. `decodeName` decodes the
 * names that rows are found by, which InfluxDB keeps as tags.
 */
type DecodeName = (encoded: string) => string;

/** A row of `container_flows`, whose key each database keeps in its own way. */
export const flowOf = (row: Row, key: FlowKey): Flow => ({
  ...key,
  address: decodeField(text(row, 'address')),
  ...exchangeOf(row),
});

/** A row of `host_frames`. */
export function frameHeadOf(host: string, row: Row): FrameHead {
  return {
    frame: {
      host,
      start: integer(row, 'time'),
      durationMs: integer(row, 'duration_ms'),
      previous: orNull(integer, row, 'previous'),
      faults: faultsOf(row),
      lost: integer(row, 'lost'),
      ...droppedOf(row),
      ...exitsOf(row),
      occupancy: number(row, 'occupancy'),
    },
    containers: integer(row, 'containers'),
    // Absent in rows of versions without them.
    flows: orNull(integer, row, 'flows') ?? 0,
    connections: orNull(integer, row, 'connections') ?? 0,
    // InfluxDB cannot take the mark away, so that a second one follows.
    ahead: row.ahead === 1 && row.settled !== 1,
  };
}

/** A row of `host_frames` of a tier, or of `host_rollups`. */
export function rollupHeadOf(host: string, row: Row): RollupHead {
  return {
    rollup: {
      host,
      start: integer(row, 'time'),
      durationMs: integer(row, 'duration_ms'),
      frames: integer(row, 'frames'),
      incomplete: integer(row, 'incomplete'),
      lost: integer(row, 'lost'),
      occupancy: number(row, 'occupancy'),
    },
    containers: integer(row, 'containers'),
  };
}

/** The container of a row of `container_traffic`. */
export function containerOf(row: Row, decodeName: DecodeName): Container {
  return {
    name: decodeName(text(row, 'container')),
    kind: kindOf(row),
    service: decodeName(text(row, 'service')),
    replica: decodeField(text(row, 'replica')),
    image: decodeField(text(row, 'image')),
    id: decodeField(text(row, 'container_id')),
    ...labelsOf(row),
  };
}

/** Labels as a column or field has them; empty: none. */
export const labelsText = (labels: Labels | undefined): string =>
  labels === undefined ? '' : encodeField(JSON.stringify(labels));

/** What `labelsText` was given. The column is absent in rows of versions without it, and where there are none. */
function labelsOf(row: Row): { labels?: Labels } {
  const encoded = orNull(text, row, 'labels') ?? '';
  return encoded === '' ? {} : { labels: labelsSchema.parse(JSON.parse(decodeField(encoded))) };
}

/** A row of `container_connections`. */
export function connectionOf(row: Row, decodeName: DecodeName): ConnectionRow {
  return {
    container: decodeName(text(row, 'container')),
    kind: connectionKindOf(row),
    own: decodeField(text(row, 'own')),
    peer: decodeField(text(row, 'peer')),
    port: integer(row, 'port'),
    // Absent in rows of versions without it.
    clientPort: orNull(integer, row, 'client_port') ?? 0,
    count: integer(row, 'count'),
  };
}

/** A row of `detections`, with its scores by rule. */
export function detectionOf(
  host: string,
  row: Row,
  scores: readonly (readonly [rule: string, score: number])[],
  decodeName: DecodeName,
): Detection {
  return {
    host,
    service: decodeName(text(row, 'service')),
    container: decodeName(text(row, 'container')),
    start: integer(row, 'time'),
    score: number(row, 'score'),
    scores: scoresFrom(scores),
    seen: number(row, 'seen'),
    expected: orNull(number, row, 'expected'),
    open: integer(row, 'open') === 1,
  };
}

/** A row of `container_expected`. */
export function expectedOf(host: string, row: Row, decodeName: DecodeName): ExpectedRange {
  return {
    host,
    service: decodeName(text(row, 'service')),
    container: decodeName(text(row, 'container')),
    start: integer(row, 'time'),
    rule: decodeName(text(row, 'rule')),
    direction: directionOf(row),
    metric: metricOf(row),
    low: number(row, 'expected_low'),
    high: orNull(number, row, 'expected_high'),
  };
}

/** A row of `annotations`; when it was, and whether it is resolved, is kept differently. */
export function annotationOf(
  row: Row,
  when: Pick<Annotation, 'start' | 'end' | 'state'>,
  decodeName: DecodeName,
): Annotation {
  return {
    id: decodeName(text(row, 'id')),
    host: decodeName(text(row, 'host')),
    service: decodeName(text(row, 'service')),
    container: decodeName(text(row, 'container')),
    severity: severityOf(row),
    ...when,
    title: decodeField(text(row, 'title')),
    text: decodeField(text(row, 'text')),
    ...peakOf(row),
  };
}
