import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ConnectionRow } from '../../core/traffic/connection.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { connectionOf } from '../records.ts';
import { integer } from '../row.ts';
import { decodeField, encodeField } from '../text.ts';
import type { Names } from './names.ts';

/** Statements and row format of `container_connections`. Everything here is synchronous. */
export class ConnectionTable {
  readonly #names: Names;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#insert = db.prepare('INSERT INTO container_connections VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#select = db.prepare(`
      SELECT c.*, s.container
      FROM container_connections c CROSS JOIN series s ON s.id = c.series
      WHERE c.time >= ? AND c.time <= ? AND s.host = ?`);
  }

  /** Insert the connections of a new frame, inside a transaction. */
  insert(frame: Frame): void {
    if (frame.connections.length === 0) return;
    const containers = new Map(frame.containers.map(container => [container.name, container]));
    for (const row of frame.connections) {
      const container = containers.get(row.container);
      if (!container) throw new Error(`connection of ${row.container}, which is not in its frame`);
      this.#insert.run(
        frame.start,
        this.#names.ensureContainer(frame.start, frame.host, container).series,
        row.kind,
        encodeField(row.own),
        encodeField(row.peer),
        row.port,
        row.count,
        row.clientPort,
      );
    }
  }

  /** Connections of the frames that start in [first, last], by their start, in any order. `host` is a row id. */
  read(host: number | null, first: number, last: number): Map<number, ConnectionRow[]> {
    const byTime = Map.groupBy(this.#select.all(first, last, host), row => integer(row, 'time'));
    return new Map(
      [...byTime].map(([time, rows]) => [time, rows.map(row => connectionOf(row, decodeField))]),
    );
  }
}
