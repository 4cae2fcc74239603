import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Flow, type FlowKey, isNamed } from '../../core/traffic/flow.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { EXCHANGE_SUMS, exchangeOf, exchangeValues } from '../flow.ts';
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
    this.#totals = db.prepare(`
      SELECT s.container, s.service, f.protocol, f.role, p.kind AS peer_kind, p.name AS peer_name, f.port,
        ${EXCHANGE_SUMS}
      FROM container_flows f CROSS JOIN series s ON s.id = f.series JOIN peers p ON p.id = f.peer
      WHERE f.time >= ? AND f.time < ? AND s.host = ?
      GROUP BY f.series, f.protocol, f.role, f.peer, f.port`);
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
    return this.#totals.all(from, to, host).map(row => ({
      service: decodeField(text(row, 'service')),
      ...keyOf(row),
      ...exchangeOf(row),
    }));
  }
}

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
