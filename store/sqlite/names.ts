import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CAPS } from '../../core/caps.ts';
import type { Container } from '../../core/traffic/frame.ts';
import { labelsText } from '../records.ts';
import { encodeField } from '../text.ts';

/** Row ids of what a row of `container_traffic` points to. */
export interface ContainerIds {
  readonly series: number;
  readonly identity: number;
}

const DAY_MS = 86_400_000;

/** Start of a row's day, epoch ms: `seen` of a name is the newest day of which a row has it. */
const dayOf = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;

/** A table of names: finds or creates the row of one. */
class NameTable {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #touch: StatementSync;

  constructor(db: DatabaseSync, table: string, columns: readonly string[]) {
    const marks = columns.map(() => '?').join(', ');
    const equal = columns.map(column => `${column} = ?`).join(' AND ');
    this.#insert = db.prepare(`INSERT INTO ${table} (${columns.join(', ')}, seen) VALUES (${marks}, ?)`);
    this.#select = db.prepare(`SELECT id, seen FROM ${table} WHERE ${equal}`);
    this.#touch = db.prepare(`UPDATE ${table} SET seen = ? WHERE id = ?`);
  }

  /**
   * Id of the row, created when missing, for a row of the day: inside a transaction, so that no other process creates
   * or deletes it meanwhile.
   */
  ensure(day: number, ...values: readonly (string | number)[]): number {
    const row = this.#select.get(...values);
    if (!row) return Number(this.#insert.run(...values, day).lastInsertRowid);
    const id = Number(row.id);
    if (Number(row.seen) < day) this.#touch.run(day, id);
    return id;
  }
}

/**
 * Row ids of hosts, series, identities and peers. An id is good for rows of days up to the one that its name was last
 * asked for: names that no row can have any more are deleted (expiry.ts). Texts are encoded here.
 */
export class Names {
  readonly #insertHost: StatementSync;
  readonly #selectHost: StatementSync;
  readonly #series: NameTable;
  readonly #identities: NameTable;
  readonly #peers: NameTable;
  readonly #hosts = new Map<string, number>();
  readonly #knownSeries = new Map<string, { readonly id: number; readonly day: number }>();
  readonly #known = new Map<string, ContainerIds & { readonly day: number }>();

  constructor(db: DatabaseSync) {
    this.#insertHost = db.prepare('INSERT INTO hosts (name) VALUES (?)');
    this.#selectHost = db.prepare('SELECT id FROM hosts WHERE name = ?');
    this.#series = new NameTable(db, 'series', ['host', 'service', 'container']);
    this.#identities = new NameTable(db, 'identities', [
      'kind',
      'replica',
      'image',
      'container_id',
      'labels',
    ]);
    this.#peers = new NameTable(db, 'peers', ['kind', 'name']);
  }

  findHost(host: string): number | null {
    const row = this.#selectHost.get(encodeField(host));
    return row ? Number(row.id) : null;
  }

  /** Hosts are few, and stay. */
  ensureHost(host: string): number {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const id = this.findHost(host) ?? Number(this.#insertHost.run(encodeField(host)).lastInsertRowid);
    remember(this.#hosts, host, id);
    return id;
  }

  /** `time`: of the row that gets the id, epoch ms. */
  ensureSeries(time: number, host: string, service: string, container: string): number {
    const day = dayOf(time);
    const key = JSON.stringify([host, service, container]);
    const known = this.#knownSeries.get(key);
    if (known && known.day >= day) return known.id;
    const id = this.#series.ensure(day, this.ensureHost(host), encodeField(service), encodeField(container));
    remember(this.#knownSeries, key, { id, day });
    return id;
  }

  ensurePeer(time: number, kind: string, name: string): number {
    return this.#peers.ensure(dayOf(time), kind, encodeField(name));
  }

  ensureContainer(time: number, host: string, container: Container): ContainerIds {
    const { name, kind, service, replica, image, id, labels } = container;
    const day = dayOf(time);
    const key = JSON.stringify([host, name, kind, service, replica, image, id, labels]);
    const known = this.#known.get(key);
    if (known && known.day >= day) return known;
    const texts = [...[replica, image, id].map(encodeField), labelsText(labels)];
    const ids = {
      series: this.ensureSeries(time, host, service, name),
      identity: this.#identities.ensure(day, kind, ...texts),
      day,
    };
    remember(this.#known, key, ids);
    return ids;
  }

  /** After a rollback: ids created in it do not exist. */
  forget(): void {
    this.#hosts.clear();
    this.#knownSeries.clear();
    this.#known.clear();
  }
}

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  if (known.size >= CAPS.storeNames.limit) known.clear();
  known.set(key, value);
}
