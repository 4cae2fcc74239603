import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Flow, type FlowKey, isNamed } from '../../core/traffic/flow.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Tier } from '../../core/traffic/rollup.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { EXCHANGE_SUMS, exchangeOf, exchangeValues } from '../flow.ts';
import type { FlowBucket } from '../flow-tiers.ts';
import { flowOf } from '../records.ts';
import { integer, peerKindOf, protocolOf, type Row, roleOf, text } from '../row.ts';
import { decodeField, encodeField } from '../text.ts';
import type { Names } from './names.ts';

/** Statements and row format of `container_flows`. Everything here is synchronous. */
export class FlowTable {
  readonly #names: Names;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #totals: StatementSync;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#insert = db.prepare('INSERT INTO container_flows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#select = db.prepare(`
      SELECT f.*, s.container, p.kind AS peer_kind, p.name AS peer_name
      FROM container_flows f CROSS JOIN series s ON s.id = f.series JOIN peers p ON p.id = f.peer
      WHERE f.time >= ? AND f.time <= ? AND s.host = ?`);
    this.#totals = db.prepare(totalsOf('container_flows', 'true'));
  }

  /** Insert the flows of a new frame, inside a transaction. */
  insert(frame: Frame): void {
    if (frame.flows.length === 0) return;
    const containers = new Map(frame.containers.map(container => [container.name, container]));
    for (const flow of frame.flows) {
      const container = containers.get(flow.container);
      if (!container) throw new Error(`flow of ${flow.container}, which is not in its frame`);
      this.#insert.run(
        frame.start,
        this.#names.ensureContainer(frame.start, frame.host, container).series,
        flow.protocol,
        flow.role,
        this.#names.ensurePeer(frame.start, flow.peerKind, flow.peer),
        flow.port,
        encodeField(flow.address),
        ...exchangeValues(flow),
      );
    }
  }

  /** Flows of the frames that start in [first, last], by their start. `host` is a row id. */
  read(host: number | null, first: number, last: number): Map<number, Flow[]> {
    const rows = this.#select.all(first, last, host);
    const byTime = Map.groupBy(rows, row => integer(row, 'time'));
    return new Map([...byTime].map(([time, list]) => [time, list.map(row => flowOf(row, keyOf(row)))]));
  }

  /** Sums over the frames that start in [from, to). `host` is a row id. */
  totals(host: number | null, from: number, to: number): FlowTotal[] {
    return this.#totals.all({ from, to, host }).map(totalOf);
  }
}

/** Statements and row format of `host_flow_rollups` and `flow_rollups`. Everything here is synchronous. */
export class FlowRollupTable {
  readonly #names: Names;
  readonly #putHead: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #totals: StatementSync;
  readonly #counts: StatementSync;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#putHead = db.prepare('INSERT OR REPLACE INTO host_flow_rollups VALUES (?, ?, ?, ?)');
    this.#put = db.prepare('INSERT INTO flow_rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#remove = db.prepare(`
      DELETE FROM flow_rollups
      WHERE step_ms = ? AND time = ? AND series IN (SELECT id FROM series WHERE host = ?)`);
    this.#totals = db.prepare(totalsOf('flow_rollups', 'f.step_ms = :step'));
    // Times are after 1970 wherever tiers are made: % never sees a negative one.
    this.#counts = db.prepare(`
      SELECT time - time % ?1 AS bucket, SUM(frames) AS frames FROM host_flow_rollups
      WHERE step_ms = ?5 AND host = ?2 AND time >= ?3 AND time < ?4 GROUP BY bucket`);
  }

  /** Write a bucket in place of an older version of it, inside a transaction. */
  put({ stepMs }: Tier, { host, start, frames, flows }: FlowBucket): void {
    const id = this.#names.ensureHost(host);
    this.#remove.run(stepMs, start, id);
    for (const flow of flows) {
      this.#put.run(
        stepMs,
        start,
        this.#names.ensureSeries(start, host, flow.service, flow.container),
        flow.protocol,
        flow.role,
        this.#names.ensurePeer(start, flow.peerKind, flow.peer),
        flow.port,
        ...exchangeValues(flow),
      );
    }
    this.#putHead.run(stepMs, id, start, frames);
  }

  /** Sums over the buckets that start in [from, to). `host` is a row id. */
  totals({ stepMs }: Tier, host: number | null, from: number, to: number): FlowTotal[] {
    return this.#totals.all({ step: stepMs, from, to, host }).map(totalOf);
  }

  /** Frames of which there are flows, by bucket of `stepMs`. `host` is a row id. */
  counts(tier: Tier, host: number | null, from: number, to: number, stepMs: number): Map<number, number> {
    const rows = this.#counts.all(stepMs, host, from, to, tier.stepMs);
    return new Map(rows.map(row => [integer(row, 'bucket'), integer(row, 'frames')]));
  }
}

/** Sums by flow and service over the rows of a table that start in [:from, :to). */
const totalsOf = (table: string, condition: string): string => `
  SELECT s.container, s.service, f.protocol, f.role, p.kind AS peer_kind, p.name AS peer_name, f.port,
    ${EXCHANGE_SUMS}
  FROM ${table} f CROSS JOIN series s ON s.id = f.series JOIN peers p ON p.id = f.peer
  WHERE ${condition} AND f.time >= :from AND f.time < :to AND s.host = :host
  GROUP BY f.series, f.protocol, f.role, f.peer, f.port`;

const totalOf = (row: Row): FlowTotal => ({
  service: decodeField(text(row, 'service')),
  ...keyOf(row),
  ...exchangeOf(row),
});

function keyOf(row: Row): FlowKey {
  const peerKind = peerKindOf(row);
  return {
    container: decodeField(text(row, 'container')),
    protocol: protocolOf(row),
    role: roleOf(row),
    peerKind,
    peer: isNamed(peerKind) ? decodeField(text(row, 'peer_name')) : '',
    port: integer(row, 'port'),
  };
}
