import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CAPS } from '../../core/caps.ts';
import type { Container } from '../../core/frame.ts';
import { encodeField } from '../text.ts';

/** Row ids of what a row of `container_traffic` points to. */
export interface ContainerIds {
  readonly series: number;
  readonly identity: number;
}

/** A table of names: finds or creates the row of one. */
class NameTable {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;

  constructor(db: DatabaseSync, table: string, columns: readonly string[]) {
    const marks = columns.map(() => '?').join(', ');
    const equal = columns.map(column => `${column} = ?`).join(' AND ');
    this.#insert = db.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`);
    this.#select = db.prepare(`SELECT id FROM ${table} WHERE ${equal}`);
  }

  /** Id of the row, or null when there is none. */
  find(...values: readonly (string | number)[]): number | null {
    const row = this.#select.get(...values);
    return row ? Number(row.id) : null;
  }

  /** Id of the row, created when missing: inside a transaction, so that no other process creates it meanwhile. */
  ensure(...values: readonly (string | number)[]): number {
    return this.find(...values) ?? Number(this.#insert.run(...values).lastInsertRowid);
  }
}

/** Row ids of hosts, series, identities and peers; ids never change, so they are remembered. Texts are encoded here. */
export class Names {
  readonly #hosts: NameTable;
  readonly #series: NameTable;
  readonly #identities: NameTable;
  readonly #peers: NameTable;
  readonly #known = new Map<string, ContainerIds>();

  constructor(db: DatabaseSync) {
    this.#hosts = new NameTable(db, 'hosts', ['name']);
    this.#series = new NameTable(db, 'series', ['host', 'service', 'container']);
    this.#identities = new NameTable(db, 'identities', ['kind', 'replica', 'image', 'container_id']);
    this.#peers = new NameTable(db, 'peers', ['kind', 'name']);
  }

  findHost(host: string): number | null {
    return this.#hosts.find(encodeField(host));
  }

  ensureHost(host: string): number {
    return this.#hosts.ensure(encodeField(host));
  }

  ensureSeries(host: string, service: string, container: string): number {
    return this.#series.ensure(this.ensureHost(host), encodeField(service), encodeField(container));
  }

  ensurePeer(kind: string, name: string): number {
    return this.#peers.ensure(kind, encodeField(name));
  }

  ensureContainer(host: string, container: Container): ContainerIds {
    const { name, kind, service, replica, image, id } = container;
    const key = JSON.stringify([host, name, kind, service, replica, image, id]);
    const known = this.#known.get(key);
    if (known) return known;
    const ids = {
      series: this.ensureSeries(host, service, name),
      identity: this.#identities.ensure(kind, encodeField(replica), encodeField(image), encodeField(id)),
    };
    if (this.#known.size >= CAPS.storeNames.limit) this.#known.clear();
    this.#known.set(key, ids);
    return ids;
  }

  /** After a rollback: ids created in it do not exist. */
  forget(): void {
    this.#known.clear();
  }
}
