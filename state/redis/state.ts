import { z } from 'zod';
import { placeOf } from '../../backends/redis/addresses.ts';
import { type Client, createClient } from '../../backends/redis/client.ts';
import { redisError } from '../../backends/redis/errors.ts';
import { logOutages } from '../../backends/redis/outages.ts';
import { checkServer } from '../../backends/redis/server.ts';
import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import { compareText } from '../../core/compare.ts';
import type { RedisServers } from '../../core/config/redis.ts';
import type { Ack } from '../../core/incident/ack.ts';
import type { Incident, Notification } from '../../core/incident/incident.ts';
import { MARK_LIFE_MS, type Mark, type NewMark } from '../../core/incident/mark.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Interval } from '../../core/interval.ts';
import type { Log } from '../../core/log.ts';
import {
  type Checkpoint,
  type Commit,
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryChange,
  type DeliveryOutcome,
  type DeliveryStatus,
  type LastSeen,
  type Lease,
  type State,
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
import { historyName, type StateKeys, stateKeys } from './keys.ts';
import { loadScripts, type Run } from './scripts.ts';

export interface RedisStateOptions extends RedisServers {
  /** First part of every key. */
  prefix: string;
  clock: Clock;
  log: Log;
  /** As in CheckOptions. */
  warned?: Set<string>;
}

/** State in Redis, shared by the processes of many machines. Leases run by Redis' own time. */
export function createRedisState(options: RedisStateOptions): State {
  return new RedisState(options);
}

const texts = z.array(z.string());
const textsOrNot = z.array(z.string().nullable());

/** The host of the name of a history. */
const historyHost = z.string().transform((name, context) => {
  try {
    return z.tuple([z.string(), z.string()]).parse(JSON.parse(name))[0];
  } catch {
    context.addIssue({ code: 'custom', message: 'expected the name of a history of checkpoints' });
    return z.NEVER;
  }
});

class RedisState implements State {
  readonly #options: RedisStateOptions;
  readonly #place: string;
  readonly #client: Client;
  readonly #scripts: Run;
  readonly #keys: StateKeys;
  readonly #records: Records;

  constructor(options: RedisStateOptions) {
    this.#options = options;
    this.#place = placeOf(options);
    this.#client = createClient(options);
    logOutages(this.#client, this.#place, options.log);
    this.#scripts = loadScripts(this.#client);
    this.#keys = stateKeys(options.prefix);
    this.#records = new Records(this.#place);
  }

  async open(): Promise<string> {
    const server = await checkServer(this.#client, this.#options);
    return `${server}, prefix ${this.#options.prefix}`;
  }

  async agreeOnLanes(lanes: number): Promise<number> {
    await this.#ask(client => client.set(this.#keys.lanes, lanes, 'NX'));
    return this.#records.answer(z.int(), await this.lanes());
  }

  async lanes(): Promise<number | null> {
    const recorded = await this.#ask(client => client.get(this.#keys.lanes));
    return recorded === null ? null : this.#records.answer(z.coerce.number().int().positive(), recorded);
  }

  async acquire(name: string, owner: string, ttlMs: number): Promise<Lease | null> {
    const keys = [this.#keys.lease(name), this.#keys.token(name)];
    const token = await this.#run('acquire', keys, [keyText(owner), Math.ceil(ttlMs)]);
    return token === null ? null : { name, owner, token: this.#records.answer(z.int(), token) };
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.#fenced('renew', lease, [], [Math.ceil(ttlMs)]);
  }

  async renewAll(leases: readonly Lease[], ttlMs: number): Promise<boolean[]> {
    if (leases.length === 0) return [];
    const keys = leases.map(({ name }) => this.#keys.lease(name));
    const held = await this.#run('renewAll', keys, [Math.ceil(ttlMs), ...leases.map(heldText)]);
    return this.#records.answer(z.array(z.int()), held).map(one => one === 1);
  }

  async release(lease: Lease): Promise<void> {
    await this.#fenced('release', lease, [], []);
  }

  async announce(owner: string, ttlMs: number): Promise<string[]> {
    const found = await this.#run('announce', [this.#keys.members], [keyText(owner), Math.ceil(ttlMs)]);
    return this.#records.answer(texts, found).map(textOfKey).sort();
  }

  async leave(owner: string): Promise<void> {
    await this.#ask(client => client.zrem(this.#keys.members, keyText(owner)));
  }

  async saveCheckpoint(lease: Lease, checkpoint: Checkpoint): Promise<boolean> {
    const history = historyName(checkpoint.host, checkpoint.fingerprint);
    const { checkpointTimes, checkpoints, histories, folded } = this.#keys;
    return this.#fenced(
      'saveCheckpoint',
      lease,
      [checkpointTimes(history), checkpoints(history), histories, folded],
      [
        ...[checkpoint.last, JSON.stringify(checkpoint), history, keyText(checkpoint.host)],
        hourOf(checkpoint.last),
      ],
    );
  }

  async loadCheckpoint(host: string, fingerprint: string, before?: number): Promise<Checkpoint | null> {
    const history = historyName(host, fingerprint);
    const keys = [this.#keys.checkpointTimes(history), this.#keys.checkpoints(history)];
    const body = await this.#run('loadCheckpoint', keys, [before === undefined ? '+inf' : `(${before}`]);
    return body === null ? null : this.#records.checkpoint(body);
  }

  async foldedUpTo(host: string): Promise<number | null> {
    const last = await this.#ask(client => client.hget(this.#keys.folded, keyText(host)));
    return last === null ? null : this.#records.answer(z.coerce.number().int(), last);
  }

  async saveLastSeen(lease: Lease, seen: LastSeen): Promise<boolean> {
    const { lastSeen, lastSeenStarts } = this.#keys;
    const args = [keyText(seen.host), seen.start, JSON.stringify(seen)];
    return this.#fenced('saveLastSeen', lease, [lastSeen, lastSeenStarts], args);
  }

  async lastSeen(): Promise<LastSeen[]> {
    const bodies = await this.#ask(client => client.hvals(this.#keys.lastSeen));
    return bodies.map(body => this.#records.lastSeen(body));
  }

  async commit(lease: Lease, change: Commit): Promise<boolean> {
    const k = this.#keys;
    return this.#fenced(
      'commit',
      lease,
      [
        ...[k.incidents, k.incidentStarts, k.incidentEnds, k.incidentResolutions],
        ...[
          k.deliveries,
          k.deliveryIndex,
          k.outcomes,
          k.pending,
          k.held,
          k.grouped,
          k.sequence,
          k.due,
          k.about,
        ],
        ...change.incidents.map(({ host }) => k.openIncidents(host)),
      ],
      [
        outcomeText(FRESH),
        change.incidents.length,
        ...change.incidents.flatMap(incidentArgs),
        ...change.notifications.flatMap(notificationArgs),
      ],
    );
  }

  async incidents(range: Interval, limit: number): Promise<Incident[]> {
    const { incidents, incidentStarts, incidentResolutions } = this.#keys;
    const keys = [incidents, incidentStarts, incidentResolutions];
    const bodies = await this.#run('incidents', keys, [range.from, range.to, limit]);
    return this.#records.answer(texts, bodies).map(body => this.#records.incident(body));
  }

  async openIncidents(host: string): Promise<Incident[]> {
    const bodies = await this.#run(
      'openIncidents',
      [this.#keys.incidents, this.#keys.openIncidents(host)],
      [],
    );
    return this.#records.answer(texts, bodies).map(body => this.#records.incident(body));
  }

  async incident(id: string): Promise<Incident | null> {
    const body = await this.#ask(client => client.hget(this.#keys.incidents, keyText(id)));
    return body === null ? null : this.#records.incident(body);
  }

  async incidentsOf(ids: readonly string[]): Promise<Map<string, Incident>> {
    const bodies = await this.#fields(this.#keys.incidents, ids.map(keyText));
    return incidentsById(bodies.flatMap(body => (body === null ? [] : [this.#records.incident(body)])));
  }

  async saveMark(mark: NewMark): Promise<Mark | null> {
    const { markSequence, marks, markOrigins, markNumbers, marksOf } = this.#keys;
    const keys = [markSequence, marks, markOrigins, markNumbers, marksOf(mark.host)];
    const args = [`${mark.at} ${keyText(mark.host)}`, JSON.stringify(mark), CAPS.marks.limit];
    const seq = this.#records.answer(z.int(), await this.#run('saveMark', keys, args));
    return seq === 0 ? null : { ...mark, seq, from: null };
  }

  async marks(host: string | null, after = 0): Promise<Mark[]> {
    const { marks, markBegins, markNumbers, marksOf } = this.#keys;
    const numbers = host === null ? markNumbers : marksOf(host);
    const found = this.#records.answer(
      texts,
      await this.#run('marks', [numbers, marks, markBegins], [after]),
    );
    return Array.from({ length: found.length / 3 }, (_, i) => {
      const [seq, begins, body] = found.slice(3 * i, 3 * i + 3);
      return this.#records.mark(body, Number(seq), begins === '' ? null : Number(begins));
    });
  }

  async beginMarks(lease: Lease, host: string, from: number): Promise<boolean> {
    const { marksOf, markOrigins, markBegins } = this.#keys;
    return this.#fenced('beginMarks', lease, [marksOf(host), markOrigins, markBegins], [Math.ceil(from)]);
  }

  async saveAck(ack: Ack): Promise<boolean> {
    const args = [keyText(ack.incident), JSON.stringify(ack), CAPS.acks.limit];
    return (await this.#run('saveAck', [this.#keys.acks], args)) === 1;
  }

  async acks(): Promise<Ack[]> {
    const bodies = await this.#ask(client => client.hvals(this.#keys.acks));
    const acks = bodies.map(body => this.#records.ack(body));
    return acks.sort((a, b) => a.at - b.at || compareText(a.incident, b.incident));
  }

  async dueDeliveries(receiver: string, now: number, limit: number): Promise<Delivery[]> {
    const { dueOf, deliveries, outcomes } = this.#keys;
    const found = await this.#run(
      'dueDeliveries',
      [dueOf('firing', receiver), dueOf('resolved', receiver), deliveries, outcomes],
      [now, limit],
    );
    const texts = this.#records.answer(textsOrNot, found);
    return this.#paired(
      texts.filter((_, i) => i % 2 === 0),
      texts.filter((_, i) => i % 2 === 1),
    );
  }

  async updateDelivery(lease: Lease, key: string, outcome: DeliveryOutcome): Promise<boolean> {
    return this.updateDeliveries(lease, [{ key, outcome }]);
  }

  async updateDeliveries(lease: Lease, changes: readonly DeliveryChange[]): Promise<boolean> {
    const { outcomes, deliveryIndex, due } = this.#keys;
    const before = [outcomes, deliveryIndex, due];
    // Counted as Lua does, from 1, the lease before all others.
    const targetOf = ({ status }: DeliveryOutcome) => 2 + before.length + DELIVERY_STATUSES.indexOf(status);
    return this.#fenced(
      'updateDeliveries',
      lease,
      [...before, ...DELIVERY_STATUSES.map(name => this.#keys[name])],
      changes.flatMap(({ key, outcome }) => [keyText(key), outcomeText(outcome), targetOf(outcome)]),
    );
  }

  async delivery(key: string): Promise<Delivery | null> {
    const [delivery] = await this.#deliveries([keyText(key)]);
    return delivery ?? null;
  }

  async deliveriesOf(keys: readonly string[]): Promise<Map<string, Delivery>> {
    return deliveriesByKey(await this.#deliveries(keys.map(keyText)));
  }

  async deliveriesAbout(incident: string): Promise<Delivery[]> {
    const key = this.#keys.aboutOf(incident);
    return this.#deliveries(await this.#ask(client => client.zrange(key, '0', '-1')));
  }

  async deliveryKeys(status: DeliveryStatus): Promise<string[]> {
    const keys = await this.#ask(client => client.zrange(this.#keys[status], '0', '-1'));
    return keys.map(textOfKey);
  }

  async deliveries(status: DeliveryStatus, limit: number): Promise<Delivery[]> {
    if (limit <= 0) return [];
    const key = this.#keys[status];
    return this.#deliveries(await this.#ask(client => client.zrange(key, '0', String(limit - 1), 'REV')));
  }

  async savePause(lease: Lease, receiver: string, until: number): Promise<boolean> {
    return this.#fenced('savePause', lease, [this.#keys.pauses], [keyText(receiver), Math.ceil(until)]);
  }

  async pauseOf(receiver: string): Promise<number | null> {
    const until = await this.#ask(client => client.zscore(this.#keys.pauses, keyText(receiver)));
    return until === null ? null : Number(until);
  }

  async saveSilence(silence: Silence, now: number): Promise<boolean> {
    const { silences, silenceEnds } = this.#keys;
    const args = [silence.id, silence.until, JSON.stringify(silence), now, CAPS.silences.limit];
    return (await this.#run('saveSilence', [silences, silenceEnds], args)) === 1;
  }

  async silences(after: number): Promise<Silence[]> {
    const { silences, silenceEnds } = this.#keys;
    const bodies = await this.#run('silences', [silences, silenceEnds], [after]);
    return this.#records.answer(texts, bodies).map(body => this.#records.silence(body));
  }

  async prune(now: number, before: number): Promise<void> {
    const k = this.#keys;
    await this.#run(
      'prune',
      [
        ...[k.incidents, k.incidentStarts, k.incidentEnds, k.incidentResolutions],
        ...[k.silences, k.silenceEnds, k.deliveries, k.deliveryIndex, k.outcomes],
        ...[k.pending, k.held, k.grouped, k.due, k.about, k.delivered, k.dead, k.silenced, k.outdated],
      ],
      [before],
    );
    await this.#run('forgetLastSeen', [k.lastSeen, k.lastSeenStarts], [before]);
    await this.#run(
      'pruneMarks',
      [k.markNumbers, k.marks, k.markOrigins, k.markBegins, k.marksOf('')],
      [before - MARK_LIFE_MS],
    );
    await this.#ask(client => client.zremrangebyscore(k.pauses, '-inf', `(${now}`));
    await this.#run('pruneAcks', [k.acks, k.incidents], [before]);
    for (const history of await this.#ask(client => client.smembers(k.histories))) {
      const [times, bodies] = [k.checkpointTimes(history), k.checkpoints(history)];
      const lasts = await this.#ask(client => client.zrange(times, '0', '-1'));
      const stale = staleCheckpoints(lasts.map(Number), now, before).map(String);
      if (stale.length === 0) continue;
      const host = this.#records.answer(historyHost, history);
      await this.#run(
        'forgetCheckpoints',
        [times, bodies, k.histories, k.folded],
        [history, keyText(host), ...stale],
      );
    }
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }

  /** Deliveries by key, in that order; those that were forgotten meanwhile are left out. */
  async #deliveries(keys: readonly string[]): Promise<Delivery[]> {
    const [bodies, states] = await Promise.all([
      this.#fields(this.#keys.deliveries, keys),
      this.#fields(this.#keys.outcomes, keys),
    ]);
    return this.#paired(bodies, states);
  }

  /** Deliveries of their bodies and outcomes; a body that is null was forgotten. */
  #paired(bodies: readonly (string | null)[], states: readonly (string | null)[]): Delivery[] {
    return bodies.flatMap((body, i) =>
      body === null
        ? []
        : [{ notification: this.#records.notification(body), ...this.#records.outcome(states[i]) }],
    );
  }

  async #fields(hash: string, fields: readonly string[]): Promise<(string | null)[]> {
    if (fields.length === 0) return [];
    return this.#records.answer(textsOrNot, await this.#ask(client => client.hmget(hash, ...fields)));
  }

  /** Run a script that checks the lease first; false when it is not the newest or has expired. */
  async #fenced(
    script: Parameters<Run>[0],
    lease: Lease,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<boolean> {
    return (
      (await this.#run(script, [this.#keys.lease(lease.name), ...keys], [heldText(lease), ...args])) === 1
    );
  }

  #run(...request: Parameters<Run>): Promise<unknown> {
    return this.#ask(() => this.#scripts(...request));
  }

  /** One request; what it rejects with becomes an ExchangeError. */
  async #ask<T>(request: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await request(this.#client);
    } catch (error) {
      throw redisError(error, this.#place);
    }
  }
}

/** A lease as it stands under its key, behind the run of the server. */
const heldText = ({ token, owner }: Lease): string => `${token} ${keyText(owner)}`;

const incidentArgs = (incident: Incident): (string | number)[] => [
  keyText(incident.id),
  incident.start,
  incident.end,
  incident.resolvedAt ?? '',
  JSON.stringify(incident),
];

const notificationArgs = (notification: Notification): string[] => [
  keyText(notification.key),
  // What the scripts need to know of a delivery.
  JSON.stringify({
    receiver: keyText(notification.receiver),
    incident: keyText(notification.incident.id),
    kind: notification.status,
    time: timeOf(notification),
  }),
  JSON.stringify(notification),
];
