import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CAPS } from '../../core/caps.ts';
import type { Container } from '../../core/traffic/frame.ts';
import { containerOf } from '../records.ts';
import { decodeField } from '../text.ts';

/** A container as rows of a series have it; null: its names are gone. */
interface Known {
  readonly identity: number;
  readonly container: Container | null;
}

/**
 * Who the rows of `container_traffic` are about. Names are the same in frame after frame, and longer than all else in a
 * row: they are looked up once, and again after another connection has written. Only another one deletes names
 * (expiry.ts), and an id that is free may be given to others.
 */
export class Containers {
  readonly #select: StatementSync;
  readonly #version: StatementSync;
  /** By series: its identity changes with a deploy. */
  readonly #known = new Map<number, Known>();
  #knownOf: unknown = null;

  constructor(db: DatabaseSync) {
    this.#select = db.prepare(`
      SELECT s.container, s.service, i.kind, i.replica, i.image, i.container_id, i.labels
      FROM series s CROSS JOIN identities i WHERE s.id = ? AND i.id = ?`);
    this.#version = db.prepare('PRAGMA data_version');
  }

  /** To be called inside of each transaction that reads, before `of`. */
  begin(): void {
    const version = this.#version.get()?.data_version;
    if (version !== this.#knownOf || this.#known.size > CAPS.storeNames.limit) this.#known.clear();
    this.#knownOf = version;
  }

  /** The container of a row with these ids, or null when its names are gone. */
  of(series: number, identity: number): Container | null {
    const known = this.#known.get(series);
    if (known?.identity === identity) return known.container;
    const names = this.#select.get(series, identity);
    const container = names ? containerOf(names, decodeField) : null;
    this.#known.set(series, { identity, container });
    return container;
  }
}
