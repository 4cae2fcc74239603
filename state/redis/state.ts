import type { Redis } from 'ioredis';
import { z } from 'zod';
import { createClient, logOutages, placeOf } from '../../backends/redis/client.ts';
import { redisError } from '../../backends/redis/errors.ts';
import { checkServer } from '../../backends/redis/server.ts';
import { CAPS } from '../../core/caps.ts';
import type { Clock } from '../../core/clock.ts';
import type { Incident, Notification } from '../../core/incident/incident.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { Interval } from '../../core/interval.ts';
import type { Log } from '../../core/log.ts';
import {
  type Checkpoint,
  type Commit,
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryOutcome,
  type DeliveryStatus,
  type Lease,
  type State,
} from '../contract.ts';
import { FRESH, keyText, Records, textOfKey, timeOf } from '../records.ts';
import { hourOf, staleCheckpoints } from '../retention.ts';
import { historyName, type StateKeys, stateKeys } from './keys.ts';
import { loadScripts, type Run } from './scripts.ts';

export interface RedisStateOptions {
  /** `redis://` or `rediss://` address. */
  url: string;
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
  readonly #client: Redis;
  readonly #scripts: Run;
  readonly #keys: StateKeys;
  readonly #records: Records;

  constructor(options: RedisStateOptions) {
    this.#options = options;
    this.#place = placeOf(options.url);
    this.#client = createClient(options.url);
    logOutages(this.#client, this.#place, options.log);
    this.#scripts = loadScripts(this.#client);
    this.#keys = stateKeys(options.prefix);
    this.#records = new Records(this.#place);
  }

  async open(): Promise<string> {
    const server = await checkServer(this.#client, this.#place, this.#options);
    return `${server}, prefix ${this.#options.prefix}`;
  }

  async agreeOnLanes(lanes: number): Promise<number> {
    const { lanes: key } = this.#keys;
    await this.#ask(client => client.set(key, lanes, 'NX'));
    return this.#records.answer(
      z.coerce.number().int().positive(),
      await this.#ask(client => client.get(key)),
    );
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

  async commit(lease: Lease, change: Commit): Promise<boolean> {
    const k = this.#keys;
    return this.#fenced(
      'commit',
      lease,
      [
        ...[k.incidents, k.incidentStarts, k.incidentEnds, k.incidentResolutions],
        ...[k.deliveries, k.deliveryIndex, k.outcomes, k.pending, k.held, k.sequence, k.dueOf('')],
        ...change.incidents.map(({ host }) => k.openIncidents(host)),
      ],
      [
        JSON.stringify(FRESH),
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

  async dueDeliveries(receiver: string, now: number, limit: number): Promise<Delivery[]> {
    const { dueOf, pending, deliveries, outcomes } = this.#keys;
    const found = await this.#run(
      'dueDeliveries',
      [dueOf(receiver), pending, deliveries, outcomes],
      [now, limit],
    );
    const texts = this.#records.answer(textsOrNot, found);
    return this.#paired(
      texts.filter((_, i) => i % 2 === 0),
      texts.filter((_, i) => i % 2 === 1),
    );
  }

  async updateDelivery(lease: Lease, key: string, outcome: DeliveryOutcome): Promise<boolean> {
    const { outcomes, deliveryIndex, dueOf } = this.#keys;
    const { status, attempts, nextAttempt, lastError } = outcome;
    const before = [outcomes, deliveryIndex, dueOf('')];
    // Counted as Lua does, from 1, the lease before all others.
    const target = 2 + before.length + DELIVERY_STATUSES.indexOf(status);
    return this.#fenced(
      'updateDelivery',
      lease,
      [...before, ...DELIVERY_STATUSES.map(name => this.#keys[name])],
      [keyText(key), JSON.stringify({ status, attempts, nextAttempt, lastError }), target],
    );
  }

  async delivery(key: string): Promise<Delivery | null> {
    const [delivery] = await this.#deliveries([keyText(key)]);
    return delivery ?? null;
  }

  async deliveries(status: DeliveryStatus, limit: number): Promise<Delivery[]> {
    if (limit <= 0) return [];
    const key = this.#keys[status];
    return this.#deliveries(await this.#ask(client => client.zrange(key, '0', String(limit - 1), 'REV')));
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
        ...[k.pending, k.held, k.dueOf(''), k.delivered, k.dead, k.silenced],
      ],
      [before],
    );
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
  async #ask<T>(request: (client: Redis) => Promise<T>): Promise<T> {
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
