import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { resultCode, sqliteFailure } from '../../backends/sqlite/failure.ts';
import { type FileKind, openDatabase, openReadOnly } from '../../backends/sqlite/open.ts';
import { transaction } from '../../backends/sqlite/transaction.ts';
import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import { ExchangeError } from '../../core/errors.ts';
import type { Ack } from '../../core/incident/ack.ts';
import { beginningAndEnd, type Incident, type Notification } from '../../core/incident/incident.ts';
import { MARK_LIFE_MS, type Mark, type NewMark } from '../../core/incident/mark.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Interval } from '../../core/interval.ts';
import type {
  Checkpoint,
  Commit,
  Delivery,
  DeliveryChange,
  DeliveryOutcome,
  DeliveryStatus,
  LastSeen,
  Lease,
  State,
} from '../contract.ts';
import {
  deliveriesByKey,
  FRESH,
  incidentsById,
  keyText,
  outcomeText,
  Records,
  textOfKey,
  timeOf,
} from '../records.ts';
import { hourOf, staleCheckpoints } from '../retention.ts';
import { MIGRATIONS } from './schema.ts';
import * as sql from './statements.ts';

export interface SqliteStateOptions {
  /** Database file; made, with its folder, when it is missing. */
  file: string;
  /** Leases run by its wall time: all processes of the file are on one machine. */
  clock: Pick<Clock, 'now'>;
  /** Only look: the file must be there, and every write fails. */
  readOnly?: boolean;
}

/** State in one SQLite file, shared by the processes of one machine. */
export function createSqliteState(options: SqliteStateOptions): State {
  return new SqliteState(options);
}

export const STATE_FILE: FileKind = {
  migrations: MIGRATIONS,
  busyMs: 2000,
  damaged: 'Move the file away: a new one is made, and what it held is derived again from the store.',
};

const tokenRow = z.object({ token: z.int() });
const lanesRow = z.object({ value: z.int() });
const memberRow = z.object({ owner: z.string() });
const bodyRow = z.object({ body: z.string() });
const markRow = z.object({ seq: z.int(), begins: z.int().nullable(), body: z.string() });
const pauseRow = z.object({ until: z.int() });
const keyRow = z.object({ key: z.string() });
const deliveryRow = z.object({ body: z.string(), outcome: z.string() });
const checkpointRow = z.object({ host: z.string(), fingerprint: z.string(), last: z.int() });

class SqliteState implements State {
  readonly #file: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #records: Records;
  readonly #readOnly: boolean;
  #db: DatabaseSync | undefined;
  /** Of the open database, by text: workers ask the same few times a second. */
  readonly #statements = new Map<string, StatementSync>();

  constructor({ file, clock, readOnly = false }: SqliteStateOptions) {
    this.#readOnly = readOnly;
    this.#file = file;
    this.#clock = clock;
    this.#records = new Records(file);
  }

  async open(): Promise<string> {
    this.#db ??= (this.#readOnly ? openReadOnly : openDatabase)(this.#file, STATE_FILE);
    const row = this.#db.prepare('SELECT sqlite_version() AS version').get();
    return `SQLite ${row?.version} at ${this.#file}`;
  }

  async agreeOnLanes(lanes: number): Promise<number> {
    return this.#write(() => {
      this.#prepared(sql.recordLanes).run(lanes);
      return this.#records.answer(lanesRow, this.#prepared(sql.readLanes).get()).value;
    });
  }

  async lanes(): Promise<number | null> {
    return this.#run(() => {
      const row = this.#prepared(sql.readLanes).get();
      return row === undefined ? null : this.#records.answer(lanesRow, row).value;
    });
  }

  async acquire(name: string, owner: string, ttlMs: number): Promise<Lease | null> {
    return this.#write(() => {
      const now = this.#clock.now();
      const row = this.#prepared(sql.acquire).get({
        name: keyText(name),
        owner: keyText(owner),
        now,
        expires: Math.ceil(now + ttlMs),
      });
      return row === undefined ? null : { name, owner, token: this.#records.answer(tokenRow, row).token };
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.#fenced(lease, () => this.#extend(lease, this.#clock.now() + ttlMs));
  }

  async renewAll(leases: readonly Lease[], ttlMs: number): Promise<boolean[]> {
    if (leases.length === 0) return [];
    return this.#write(() =>
      leases.map(lease => {
        const valid = this.#holds(lease);
        if (valid) this.#extend(lease, this.#clock.now() + ttlMs);
        return valid;
      }),
    );
  }

  async release(lease: Lease): Promise<void> {
    this.#fenced(lease, () => this.#extend(lease, 0));
  }

  async announce(owner: string, ttlMs: number): Promise<string[]> {
    return this.#write(() => {
      const now = this.#clock.now();
      this.#prepared(sql.forgetMembers).run(now);
      this.#prepared(sql.announce).run({ owner: keyText(owner), expires: Math.ceil(now + ttlMs) });
      const rows = this.#records.answer(z.array(memberRow), this.#prepared(sql.members).all());
      return rows.map(row => textOfKey(row.owner)).sort();
    });
  }

  async leave(owner: string): Promise<void> {
    this.#write(() => this.#prepared(sql.forgetMember).run(keyText(owner)));
  }

  async saveCheckpoint(lease: Lease, checkpoint: Checkpoint): Promise<boolean> {
    return this.#fenced(lease, () => {
      const key = {
        host: keyText(checkpoint.host),
        fingerprint: keyText(checkpoint.fingerprint),
        last: checkpoint.last,
      };
      this.#prepared(sql.replaceCheckpoints).run({ ...key, hour: hourOf(checkpoint.last) });
      this.#prepared(sql.saveCheckpoint).run({ ...key, body: JSON.stringify(checkpoint) });
    });
  }

  async loadCheckpoint(host: string, fingerprint: string, before?: number): Promise<Checkpoint | null> {
    return this.#run(() => {
      const row = this.#prepared(sql.loadCheckpoint).get({
        host: keyText(host),
        fingerprint: keyText(fingerprint),
        before: before ?? Number.MAX_SAFE_INTEGER,
      });
      return row === undefined ? null : this.#records.checkpoint(row.body);
    });
  }

  async foldedUpTo(host: string): Promise<number | null> {
    return this.#run(() => {
      const row = this.#prepared(sql.foldedUpTo).get({ host: keyText(host) });
      return this.#records.answer(z.object({ last: z.int().nullable() }), row).last;
    });
  }

  async saveLastSeen(lease: Lease, seen: LastSeen): Promise<boolean> {
    const row = { host: keyText(seen.host), start: seen.start, body: JSON.stringify(seen) };
    return this.#fenced(lease, () => this.#prepared(sql.saveLastSeen).run(row));
  }

  async lastSeen(): Promise<LastSeen[]> {
    return this.#rows(bodyRow, sql.lastSeen, {}).map(row => this.#records.lastSeen(row.body));
  }

  async commit(lease: Lease, change: Commit): Promise<boolean> {
    return this.#fenced(lease, () => {
      const writeIncident = this.#prepared(sql.writeIncident);
      for (const incident of change.incidents) writeIncident.run(incidentRow(incident));
      const queue = this.#prepared(sql.queueDelivery);
      for (const notification of change.notifications) {
        queue.run(newDeliveryRow(notification));
        this.#letWait(notification.key);
      }
    });
  }

  async incidents(range: Interval, limit: number): Promise<Incident[]> {
    return this.#rows(bodyRow, sql.incidents, { ...range, limit }).map(row =>
      this.#records.incident(row.body),
    );
  }

  async openIncidents(host: string): Promise<Incident[]> {
    return this.#rows(bodyRow, sql.openIncidents, { host: keyText(host) }).map(row =>
      this.#records.incident(row.body),
    );
  }

  async incident(id: string): Promise<Incident | null> {
    const [row] = this.#rows(bodyRow, sql.incident, { id: keyText(id) });
    return row ? this.#records.incident(row.body) : null;
  }

  async incidentsOf(ids: readonly string[]): Promise<Map<string, Incident>> {
    if (ids.length === 0) return new Map();
    const rows = this.#rows(bodyRow, sql.incidentsOf, { ids: JSON.stringify(ids.map(keyText)) });
    return incidentsById(rows.map(row => this.#records.incident(row.body)));
  }

  async saveMark(mark: NewMark): Promise<Mark | null> {
    const row = {
      host: keyText(mark.host),
      at: mark.at,
      body: JSON.stringify(mark),
      limit: CAPS.marks.limit,
    };
    return this.#write(() => {
      const kept = this.#prepared(sql.saveMark).get(row);
      if (kept === undefined) return null;
      return { ...mark, seq: this.#records.answer(z.object({ seq: z.int() }), kept).seq, from: null };
    });
  }

  async marks(host: string | null, after = 0): Promise<Mark[]> {
    const rows =
      host === null
        ? this.#rows(markRow, sql.marks, { after })
        : this.#rows(markRow, sql.marksOf, { after, host: keyText(host) });
    return rows.map(({ seq, begins, body }) => this.#records.mark(body, seq, begins));
  }

  async beginMarks(lease: Lease, host: string, from: number): Promise<boolean> {
    return this.#fenced(lease, () => {
      this.#prepared(sql.beginMarks).run({ host: keyText(host), begins: Math.ceil(from) });
    });
  }

  async saveAck(ack: Ack): Promise<boolean> {
    const row = {
      ...{ incident: keyText(ack.incident), at: ack.at, body: JSON.stringify(ack) },
      limit: CAPS.acks.limit,
    };
    return this.#write(() => this.#prepared(sql.saveAck).run(row).changes === 1);
  }

  async acks(): Promise<Ack[]> {
    return this.#rows(bodyRow, sql.acks, {}).map(row => this.#records.ack(row.body));
  }

  async dueDeliveries(receiver: string, now: number, limit: number): Promise<Delivery[]> {
    return this.#rows(deliveryRow, sql.dueDeliveries, { receiver: keyText(receiver), now, limit }).map(row =>
      this.#delivery(row),
    );
  }

  async updateDelivery(lease: Lease, key: string, outcome: DeliveryOutcome): Promise<boolean> {
    return this.updateDeliveries(lease, [{ key, outcome }]);
  }

  async updateDeliveries(lease: Lease, changes: readonly DeliveryChange[]): Promise<boolean> {
    return this.#fenced(lease, () => {
      for (const { key, outcome } of changes) {
        this.#prepared(sql.updateDelivery).run({
          key: keyText(key),
          status: outcome.status,
          due: Math.ceil(outcome.nextAttempt),
          outcome: outcomeText(outcome),
        });
        this.#letWait(key);
      }
    });
  }

  async delivery(key: string): Promise<Delivery | null> {
    const [row] = this.#rows(deliveryRow, sql.delivery, { key: keyText(key) });
    return row ? this.#delivery(row) : null;
  }

  async deliveriesOf(keys: readonly string[]): Promise<Map<string, Delivery>> {
    if (keys.length === 0) return new Map();
    const rows = this.#rows(deliveryRow, sql.deliveriesOf, { keys: JSON.stringify(keys.map(keyText)) });
    return deliveriesByKey(rows.map(row => this.#delivery(row)));
  }

  async deliveriesAbout(incident: string): Promise<Delivery[]> {
    const rows = this.#rows(deliveryRow, sql.deliveriesAbout, { incident: keyText(incident) });
    return rows.map(row => this.#delivery(row));
  }

  async deliveryKeys(status: DeliveryStatus): Promise<string[]> {
    return this.#rows(keyRow, sql.deliveryKeys, { status }).map(({ key }) => textOfKey(key));
  }

  async deliveries(status: DeliveryStatus, limit: number): Promise<Delivery[]> {
    return this.#rows(deliveryRow, sql.deliveries, { status, limit }).map(row => this.#delivery(row));
  }

  async savePause(lease: Lease, receiver: string, until: number): Promise<boolean> {
    const row = { receiver: keyText(receiver), until: Math.ceil(until) };
    return this.#fenced(lease, () => {
      this.#prepared(sql.savePause).run(row);
    });
  }

  async pauseOf(receiver: string): Promise<number | null> {
    const [row] = this.#rows(pauseRow, sql.pauseOf, { receiver: keyText(receiver) });
    return row?.until ?? null;
  }

  async saveSilence(silence: Silence, now: number): Promise<boolean> {
    const { id, until } = silence;
    const row = { id, until, body: JSON.stringify(silence), now, limit: CAPS.silences.limit };
    return this.#write(() => this.#prepared(sql.saveSilence).run(row).changes === 1);
  }

  async silences(after: number): Promise<Silence[]> {
    return this.#rows(bodyRow, sql.silences, { after }).map(row => this.#records.silence(row.body));
  }

  async prune(now: number, before: number): Promise<void> {
    this.#write(() => {
      this.#prepared(sql.forgetIncidents).run({ before });
      this.#prepared(sql.forgetAcks).run({ before });
      this.#prepared(sql.forgetDeliveries).run({ before });
      this.#prepared(sql.forgetSilences).run({ before });
      this.#prepared(sql.forgetPauses).run({ now });
      this.#prepared(sql.forgetLastSeen).run({ before });
      this.#prepared(sql.forgetMarks).run({ before: before - MARK_LIFE_MS });
      const rows = this.#records.answer(z.array(checkpointRow), this.#prepared(sql.allCheckpoints).all());
      const forget = this.#prepared(sql.forgetCheckpoint);
      for (const same of Map.groupBy(rows, row => JSON.stringify([row.host, row.fingerprint])).values()) {
        const stale = new Set(
          staleCheckpoints(
            same.map(row => row.last),
            now,
            before,
          ),
        );
        for (const row of same) if (stale.has(row.last)) forget.run(row);
      }
    });
  }

  async close(): Promise<void> {
    this.#statements.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  /** After each change of a delivery, inside a transaction: see letWait. */
  #letWait(key: string): void {
    const pair = beginningAndEnd(key);
    if (pair === null) return;
    this.#prepared(sql.letWait).run({ firing: keyText(pair.firing), resolved: keyText(pair.resolved) });
  }

  #delivery(row: { body: string; outcome: string }): Delivery {
    return {
      notification: this.#records.notification(row.body),
      ...this.#records.outcome(row.outcome),
    };
  }

  #rows<T>(schema: z.ZodType<T>, statement: string, parameters: Record<string, SQLInputValue>): T[] {
    return this.#run(() => this.#records.answer(z.array(schema), this.#prepared(statement).all(parameters)));
  }

  /** A statement, compiled at its first use. The state must be open. */
  #prepared(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known) return known;
    if (!this.#db) throw new Error('no statements without a database');
    const statement = this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  /** Run `body` on the open database; errors of SQLite become ExchangeErrors. */
  #run<T>(body: (db: DatabaseSync) => T): T {
    const db = this.#db;
    if (!db) {
      throw new ExchangeError(
        { place: this.#file, found: 'the state is closed', remedy: 'Open it first.' },
        { retry: true },
      );
    }
    try {
      return body(db);
    } catch (error) {
      // Anything else is a mistake of ours.
      throw resultCode(error) === null ? error : sqliteFailure(this.#file, error, STATE_FILE.damaged);
    }
  }

  #write<T>(body: () => T): T {
    return this.#run(db => transaction(db, body));
  }

  /** Run `body` in a transaction if the lease is the newest of its name and not expired; false, unchanged, otherwise. */
  #fenced(lease: Lease, body: () => void): boolean {
    return this.#write(() => {
      const valid = this.#holds(lease);
      if (valid) body();
      return valid;
    });
  }

  /** Whether the lease is the newest of its name and not expired, inside a transaction. */
  #holds({ name, owner, token }: Lease): boolean {
    const lease = { name: keyText(name), owner: keyText(owner), token, now: this.#clock.now() };
    return this.#prepared(sql.holds).get(lease) !== undefined;
  }

  /** Let the lease end at `expires`, epoch ms, inside a transaction. */
  #extend({ name }: Lease, expires: number): void {
    this.#prepared(sql.extend).run({ name: keyText(name), expires: Math.ceil(expires) });
  }
}

const incidentRow = (incident: Incident) => ({
  id: keyText(incident.id),
  host: keyText(incident.host),
  start: incident.start,
  end: incident.end,
  resolved: incident.resolvedAt,
  body: JSON.stringify(incident),
});

const newDeliveryRow = (notification: Notification) => ({
  key: keyText(notification.key),
  receiver: keyText(notification.receiver),
  incident: keyText(notification.incident.id),
  kind: notification.status,
  time: timeOf(notification),
  body: JSON.stringify(notification),
  status: FRESH.status,
  due: FRESH.nextAttempt,
  outcome: outcomeText(FRESH),
});
