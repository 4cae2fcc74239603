import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Container } from '../../core/frame.ts';
import { encodeField } from '../text.ts';

/** Ids remembered per kind of name; beyond it all are forgotten and looked up again. */
const REMEMBERED = 50_000;

/** Finds or creates the row of a name; remembers ids, which never change. */
class Ids {
  readonly #known = new Map<string, number>();
  readonly #insert: StatementSync;
  readonly #select: StatementSync;

  constructor(db: DatabaseSync, table: string, columns: readonly string[]) {
    const marks = columns.map(() => '?').join(', ');
    const equal = columns.map(column => `${column} = ?`).join(' AND ');
    this.#insert = db.prepare(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks}) ON CONFLICT DO NOTHING`,
    );
    this.#select = db.prepare(`SELECT id FROM ${table} WHERE ${equal}`);
  }

  /** Id of the row, or null when there is none. */
  find(values: readonly (string | number)[]): number | null {
    const row = this.#select.get(...values);
    return row ? Number(row.id) : null;
  }

  /** Id of the row, created when missing: call it inside a transaction. */
  ensure(values: readonly (string | number)[]): number {
    const key = JSON.stringify(values);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let id = this.find(values);
    if (id === null) id = Number(this.#insert.run(...values).lastInsertRowid);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(key, id);
    return id;
  }

  forget(): void {
    this.#known.clear();
  }
}

/** Row ids of hosts, series and identities. Texts are encoded here. */
export class Names {
  readonly #hosts: Ids;
  readonly #series: Ids;
  readonly #identities: Ids;

  constructor(db: DatabaseSync) {
    this.#hosts = new Ids(db, 'hosts', ['name']);
    this.#series = new Ids(db, 'series', ['host', 'service', 'container']);
    this.#identities = new Ids(db, 'identities', ['kind', 'replica', 'image', 'container_id']);
  }

  findHost(host: string): number | null {
    return this.#hosts.find([encodeField(host)]);
  }

  ensureHost(host: string): number {
    return this.#hosts.ensure([encodeField(host)]);
  }

  ensureSeries(host: string, service: string, container: string): number {
    return this.#series.ensure([this.ensureHost(host), encodeField(service), encodeField(container)]);
  }

  ensureIdentity({ kind, replica, image, id }: Container): number {
    return this.#identities.ensure([kind, encodeField(replica), encodeField(image), encodeField(id)]);
  }

  /** After a rollback: ids created in it do not exist. */
  forget(): void {
    this.#hosts.forget();
    this.#series.forget();
    this.#identities.forget();
  }
}
