import { z } from 'zod';
import { labelKeysOf } from '../incident/matcher.ts';
import { TimeZone } from '../time-zone.ts';
import { LABEL_CAPS } from '../traffic/labels.ts';
import { forbiddenReceivers, unknownReceivers, WHATEVER_ELSE } from './across.ts';
import {
  INFLUX_ADDRESS,
  NODE_ADDRESS,
  RECEIVER_ADDRESS,
  REDIS_ADDRESS,
  SENTINEL_ADDRESS,
} from './address.ts';
import { capture } from './capture.ts';
import { http, server } from './http.ts';
import { maintenance } from './maintenance.ts';
import type { Match } from './match.ts';
import { account, address, addresses, duration, groups, identifier, path } from './options.ts';
import { redisConflicts } from './redis.ts';
import { groupingShape, labelKeysIn, routesShape } from './routes.ts';
import { formatDuration } from './units.ts';
import { AUTO, type Kind, receiverBase, rulesList, usesList } from './uses.ts';

export type { Override, ReceiverConfig, Rule } from './uses.ts';

/**
 * The one schema of tidegauge.yaml. Its reference (docs/configuration.md) and the names of the environment
 * variables are derived from it. Detectors and notifiers bring their own options: `configSchema` joins them in.
 */

const collector = z
  .strictObject({
    user: account()
      .default('')
      .describe(
        'The user that capture, storing and detecting run as when they were started as root; root is then left to bpftrace and a small privileged helper that starts it. Empty: all of it stays root.',
      ),
    groups: groups()
      .prefault('')
      .describe(
        "Groups that this user gets besides its own. `docker` lets it ask Docker for names, and with that become root: a filtering proxy's socket in `capture.docker` is safer.",
      ),
  })
  .describe('What rights the collector has.');

const store = z
  .strictObject({
    kind: z.enum(['sqlite', 'influx']).default('sqlite').describe('Which database keeps the time series.'),
    retention: z
      .strictObject({
        raw: duration({ min: '1h' })
          .prefault('7d')
          .describe('How long windows, flows, connections, detections and expected ranges are kept.'),
        minute: duration({ min: '1h' })
          .prefault('90d')
          .describe('How long the exact sums of windows and flows per minute are kept.'),
        hour: duration({ min: '1h' })
          .prefault('730d')
          .describe('How long those per hour are kept; annotations as long as the longest.'),
      })
      .superRefine(({ raw, minute, hour }, context) => {
        if (raw <= minute && minute <= hour) return;
        const found = `raw ${formatDuration(raw)}, minute ${formatDuration(minute)}, hour ${formatDuration(hour)}`;
        const message = 'raw kept no longer than minute, and minute no longer than hour';
        context.addIssue({ code: 'custom', message, params: { found } });
      })
      .prefault({}),
    sqlite: z
      .strictObject({
        file: path().default('').describe('Database file; empty: `tidegauge.db` in the data directory.'),
      })
      .prefault({}),
    influx: z
      .strictObject({
        url: address(INFLUX_ADDRESS).default('http://127.0.0.1:8086').describe('Address of InfluxDB.'),
        version: z
          .enum(['auto', '1', '2', '3'])
          .default('auto')
          .describe('API: that of InfluxDB 1.6 and later, of 2.x, or of 3 Core; `auto` asks the server.'),
        database: z
          .string()
          .min(1)
          .default('tidegauge')
          .describe('Database (1.x, 3) or bucket (2.x); see docs/influxdb.md.'),
        org: z.string().default('').describe('Organization (2.x).'),
        token: z.string().default('').describe('API token (2.x, 3).'),
        username: z.string().default('').describe('User (1.x with authentication).'),
        password: z.string().default('').describe('Password (1.x with authentication).'),
        timeout: duration({ min: '100ms', max: '10m' })
          .prefault('10s')
          .describe('Longest wait for one answer.'),
      })
      .prefault({}),
  })
  .describe('The time-series database: the truth.');

const redis = z
  .strictObject({
    url: address(REDIS_ADDRESS)
      .default('redis://127.0.0.1:6379')
      .describe(
        'Address of Redis, for queue and state. With `sentinels`, the name of their master stands in place of host and port: `redis://USER:PASSWORD@mymaster`.',
      ),
    username: z.string().default('').describe('User, where `url` names none; empty: `default`.'),
    password: z.string().default('').describe('Password, where `url` has none.'),
    sentinels: addresses(SENTINEL_ADDRESS)
      .default([])
      .describe(
        'Addresses of the sentinels that know the master, such as `[redis://sentinel-1.internal:26379, redis://sentinel-2.internal:26379]`. One that answers is enough.',
      ),
    cluster: addresses(NODE_ADDRESS)
      .default([])
      .describe(
        'Of a Redis Cluster: addresses of nodes besides the one in `url`, such as `[redis://node-2.internal:6379, redis://node-3.internal:6379]`. One that answers is enough: it names all others.',
      ),
    prefix: identifier().default('tidegauge').describe('First part of every key.'),
  })
  .superRefine((settings, context) => {
    for (const { path, ...conflict } of redisConflicts(settings))
      context.addIssue({ code: 'custom', path, ...conflict });
  })
  .describe('Redis, where `queue.kind: bullmq` or `state.kind: redis`.');

const queue = z
  .strictObject({
    kind: z.enum(['inline', 'bullmq']).default('inline').describe('How frames reach the workers.'),
    lanes: z
      .int()
      .min(1)
      .max(256)
      .default(8)
      .describe(
        'Lanes that hosts are spread over, at most one worker each. Recorded at first use, fixed from then on.',
      ),
  })
  .describe('The fast path from collector to detectors.');

const state = z
  .strictObject({
    kind: z
      .enum(['sqlite', 'redis'])
      .default('sqlite')
      .describe('Where leases, checkpoints, incidents and deliveries are.'),
    sqlite: z
      .strictObject({
        file: path().default('').describe('Database file; empty: `state.db` in the data directory.'),
      })
      .prefault({}),
    lease: duration({ min: '1s', max: '10m' })
      .prefault('10s')
      .describe('A worker that is silent for this long loses its lanes to another.'),
    checkpoint: duration({ min: '1s', max: '1h' })
      .prefault('30s')
      .describe('How often the state of the fold is saved.'),
  })
  .describe('What workers share.');

const alert = z
  .strictObject({
    resolve_after: duration({ min: '0s', max: '24h' })
      .prefault('1m')
      .describe('An incident is over when nothing was anomalous for this long.'),
    reopen_within: duration({ min: '0s', max: '24h' })
      .prefault('1m')
      .describe(
        'What fires again so shortly after it was over is the same incident; from then on it is over only when it is quiet for five times as long, so that what comes and goes is told no more than twice.',
      ),
    silent_after: duration({ min: '15s', max: '24h' })
      .prefault('1m')
      .describe(
        'A host whose frames stop coming for this long, or for three of its intervals, is an incident, unless its collector was stopped in good order.',
      ),
    critical_score: z.number().min(1).default(3).describe('From this score on an incident is critical.'),
    allow_exec: z
      .boolean()
      .default(false)
      .describe(
        'Whether receivers of the kind `exec` may start programs: whoever can write this file can then run anything as the user of tidegauge.',
      ),
    maintenance: maintenance(),
    ...groupingShape,
    ...routesShape,
  })
  .describe('How verdicts become incidents.');

const heartbeat = z
  .strictObject({
    url: address(RECEIVER_ADDRESS, { optional: true })
      .default('')
      .describe('Address that is asked for (GET) while detection works; empty: none.'),
    every: duration({ min: '5s', max: '24h' }).prefault('1m').describe('How often.'),
    timeout: duration({ min: '100ms', max: '5m' }).prefault('10s').describe('Longest wait for an answer.'),
  })
  .describe(
    'A sign of life to a service outside, such as healthchecks.io, which raises the alarm when it stays away: the death of everything here could not be told otherwise.',
  );

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;

const log = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('Least severe message that is written.'),
    format: z
      .enum(LOG_FORMATS)
      .default('text')
      .describe(
        '`json`: one object a line, and `run`, `collect`, `detect` and `demo` say everything in the log, nothing on standard output.',
      ),
  })
  .describe('Messages on standard error.');

/** The whole schema, given the tables of detectors and notifiers and the default rules. */
export function configSchema(
  detectors: readonly Kind[],
  notifiers: readonly Kind[],
  defaultRules: readonly Record<string, unknown>[],
) {
  const settings = z.strictObject({
    host: z
      .string()
      .regex(/^\P{Cc}*$/u, 'a name without control characters')
      .default('')
      .describe('Name of this host in the data; empty: its host name.'),
    data: path()
      .default('')
      .describe(
        'Directory for what tidegauge keeps; empty: /var/lib/tidegauge for root, ~/.local/share/tidegauge otherwise.',
      ),
    time_zone: z
      .string()
      .refine(name => TimeZone.named(name) !== null, {
        error: 'a time zone of the IANA database, such as Europe/Berlin or UTC',
      })
      .default('UTC')
      .describe(
        'Time zone of the times that commands show to people and of times without an offset in `--from`, `--to` and `--start`. What other programs read (`--json`, webhooks, JSON logs, metrics) stays in UTC.',
      ),
    capture: capture.prefault({}),
    collector: collector.prefault({}),
    store: store.prefault({}),
    queue: queue.prefault({}),
    redis: redis.prefault({}),
    state: state.prefault({}),
    detectors: rulesList(detectors, defaultRules)
      .prefault([{ use: AUTO }])
      .describe(
        'The rules: detectors with their settings, or `auto` for the default ones, which these replace.',
      ),
    alert: alert.prefault({}),
    receivers: usesList(notifiers, receiverBase).prefault([]).describe('Who is told about incidents.'),
    heartbeat: heartbeat.prefault({}),
    http: http.prefault({}),
    server: server.prefault({}),
    log: log.prefault({}),
  });
  return settings.superRefine((value, context) => {
    for (const { path, message, found } of [
      ...forbiddenReceivers(value, notifiers),
      ...unknownReceivers(value),
    ])
      context.addIssue({ code: 'custom', path, message, params: { found } });
  }, WHATEVER_ELSE);
}

/**
 * Keys of the Docker labels that frames have to carry, sorted: those of `capture.labels`, and those that rules, maintenance
 * windows and routes ask for. Beyond the limit those that come last are left out.
 */
export function labelKeys({
  capture,
  detectors,
  alert,
}: Pick<Config, 'capture' | 'detectors' | 'alert'>): string[] {
  const inMatch = ({ label, not }: Match) => [...Object.keys(label ?? {}), ...Object.keys(not?.label ?? {})];
  const asked = detectors.flatMap(({ match, overrides = [] }) => [
    ...inMatch(match),
    ...overrides.flatMap(override => inMatch(override.match)),
  ]);
  const inWindows = alert.maintenance.flatMap(({ matchers }) => labelKeysOf(matchers));
  const all = [...capture.labels, ...asked, ...inWindows, ...labelKeysIn(alert)];
  return [...new Set(all)].slice(0, LABEL_CAPS.keys).sort();
}

/** A checked configuration. Durations are milliseconds, sizes bytes. */
export type Config = z.output<ReturnType<typeof configSchema>>;
