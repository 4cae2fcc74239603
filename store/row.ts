import { printable } from '../core/errors.ts';
import {
  type Annotation,
  INCIDENT_STATES,
  type Peak,
  peakSchema,
  SEVERITIES,
} from '../core/incident/incident.ts';
import type { Interval } from '../core/interval.ts';
import { CONNECTION_KINDS, type ConnectionKind } from '../core/traffic/connection.ts';
import {
  PEER_KINDS,
  type PeerKind,
  PROTOCOLS,
  type Protocol,
  ROLES,
  type Role,
} from '../core/traffic/flow.ts';
import {
  type ContainerKind,
  DIRECTIONS,
  type Direction,
  type Exit,
  exitsSchema,
  FAULTS,
  type Fault,
  intervalOf,
} from '../core/traffic/frame.ts';
import { METRICS, type Metric } from '../core/traffic/series.ts';
import { decodeField } from './text.ts';

/** A row as a database gave it: nothing about it is certain. Throws of these readers name the column. */
export type Row = Readonly<Record<string, unknown>>;

export const integer = (row: Row, column: string): number => integerIn(row[column], column);

/** The value of a column that was read by its place. */
export function integerIn(value: unknown, column: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw unexpected(column, 'an integer', value);
}

export function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw unexpected(column, 'a number', value);
}

export const text = (row: Row, column: string): string => textIn(row[column], column);

export function textIn(value: unknown, column: string): string {
  if (typeof value === 'string') return value;
  throw unexpected(column, 'a text', value);
}

/** The value of another reader, or null where the column has none. */
export function orNull<T>(read: (row: Row, column: string) => T, row: Row, column: string): T | null {
  return row[column] === null || row[column] === undefined ? null : read(row, column);
}

/** One of `values`. */
function oneOf<T extends string>(values: readonly T[], row: Row, column: string): T {
  const value = values.find(candidate => candidate === row[column]);
  if (value !== undefined) return value;
  throw unexpected(column, `one of ${values.join(', ')}`, row[column]);
}

/** What stands for both directions together. */
export const BOTH = 'both';

const KINDS: readonly ContainerKind[] = ['container', 'cgroup', 'other'];

export const kindOf = (row: Row): ContainerKind => oneOf(KINDS, row, 'kind');
export const stateOf = (row: Row): Annotation['state'] => oneOf(INCIDENT_STATES, row, 'state');
export const protocolOf = (row: Row): Protocol => oneOf(PROTOCOLS, row, 'protocol');
export const roleOf = (row: Row): Role => oneOf(ROLES, row, 'role');
export const peerKindOf = (row: Row): PeerKind => oneOf(PEER_KINDS, row, 'peer_kind');
export const connectionKindOf = (row: Row): ConnectionKind => oneOf(CONNECTION_KINDS, row, 'kind');
/** A direction as it is stored; both together: null. */
export function directionOf(row: Row): Direction | null {
  const direction = oneOf([...DIRECTIONS, BOTH], row, 'direction');
  return direction === BOTH ? null : direction;
}
export const metricOf = (row: Row): Metric => oneOf(METRICS, row, 'metric');
export const severityOf = (row: Row): Annotation['severity'] => oneOf(SEVERITIES, row, 'severity');

/** Faults of a comma-joined column. */
export function faultsOf(row: Row): Fault[] {
  const joined = text(row, 'faults');
  if (joined === '') return [];
  return joined.split(',').map(fault => oneOf(FAULTS, { faults: fault }, 'faults'));
}

/** The field `dropped` of a frame: absent when none were. */
export function droppedOf(row: Row): { dropped?: number } {
  const dropped = orNull(integer, row, 'dropped') ?? 0;
  return dropped > 0 ? { dropped } : {};
}

/** The field `exits` of a frame, kept as JSON: absent when there are none. */
export function exitsOf(row: Row): { exits?: readonly Exit[] } {
  const kept = orNull(text, row, 'exits') ?? '';
  if (kept === '') return {};
  const parsed = exitsSchema.safeParse(json(decodeField(kept)));
  if (parsed.success) return { exits: parsed.data };
  throw unexpected('exits', 'how containers ended, as JSON', kept);
}

/** The field `peak` of an annotation, kept as JSON: absent when an earlier version wrote it. */
export function peakOf(row: Row): { peak?: Peak } {
  const kept = orNull(text, row, 'peak');
  if (kept === null) return {};
  const parsed = peakSchema.safeParse(json(decodeField(kept)));
  if (parsed.success) return { peak: parsed.data };
  throw unexpected('peak', 'the numbers of an incident, as JSON', kept);
}

/** The value of a JSON text; undefined when it is none. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** When the frame of a row of `host_frames` was. */
export const frameInterval = (row: Row): Interval =>
  intervalOf({ start: integer(row, 'time'), durationMs: integer(row, 'duration_ms') });

function unexpected(column: string, what: string, value: unknown): Error {
  const found = typeof value === 'string' ? `"${printable(value, 60)}"` : String(value);
  return new Error(`column ${column}: expected ${what}, found ${found}`);
}
