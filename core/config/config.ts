import { z } from 'zod';
import { labelKeysOf } from '../incident/matcher.ts';
import { TimeZone } from '../time-zone.ts';
import { isLabelKey, LABEL_CAPS } from '../traffic/labels.ts';
import {
  INFLUX_ADDRESS,
  NODE_ADDRESS,
  RECEIVER_ADDRESS,
  REDIS_ADDRESS,
  SENTINEL_ADDRESS,
  SERVER_ADDRESS,
} from './address.ts';
import { parseDockerAddress } from './docker-address.ts';
import { maintenance } from './maintenance.ts';
import type { Match } from './match.ts';
import {
  account,
  address,
  addresses,
  addressRanges,
  duration,
  groups,
  identifier,
  listen,
  path,
  size,
} from './options.ts';
import { redisConflicts } from './redis.ts';
import { groupingShape, labelKeysIn, routesShape } from './routes.ts';
import { formatDuration } from './units.ts';
import { AUTO, type Kind, receiverBase, rulesList, usesList } from './uses.ts';

export type { Override, ReceiverConfig, Rule } from './uses.ts';

/**
 * The one schema of tidegauge.yaml. Its reference (docs/configuration.md) and the names of the environment
 * variables are derived from it. Detectors and notifiers bring their own options: `configSchema` joins them in.
 */

/** `auto`, `off`, or the address of a Docker Engine. */
const docker = () =>
  z.string().superRefine((text, context) => {
    const parsed = text === 'auto' || text === 'off' ? null : parseDockerAddress(text);
    if (typeof parsed !== 'string') return;
    // It may hold a password.
    const found = { found: text.includes('@') ? 'a value that is not shown' : undefined };
    context.addIssue({ code: 'custom', message: parsed, params: found });
  });

const capture = z
  .strictObject({
    interval: duration({ min: '200ms', max: '60s' }).prefault('5s').describe('Length of a window.'),
    probe: z
      .enum(['auto', 'flows', 'packed', 'lhist'])
      .default('auto')
      .describe('Which probe of bpf/ counts; `auto` takes the first that the hook allows.'),
    hook: z
      .enum(['auto', 'tracepoint', 'fentry', 'kprobe'])
      .default('auto')
      .describe(
        'Where the probe attaches in the kernel; `auto` takes the first that works (`tidegauge doctor`).',
      ),
    account: z
      .enum(['fast', 'exact'])
      .default('exact')
      .describe(
        '`exact` counts all messages once more in the kernel, so that a full map tells how many it has lost; `fast` saves that, which is next to nothing.',
      ),
    zerocopy: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe(
        '`auto` also counts what leaves a TCP socket without a receive: splices, as proxies written in Go, docker-proxy and HAProxy copy, and TCP_ZEROCOPY_RECEIVE. Tracepoints of system calls then cost every call of every process 50 to 75 ns, with `capture.hook: tracepoint`. `off` saves that, and such bytes are in no window.',
      ),
    bpftrace: z.string().min(1).default('bpftrace').describe('The bpftrace program, by name or path.'),
    map_keys: z
      .int()
      .min(64)
      .max(4_000_000)
      .default(65_536)
      .describe('Capacity of each map in the kernel; an entry is one container, direction and size bucket.'),
    docker: docker()
      .default('auto')
      .describe(
        'Where the Docker Engine is asked: a socket (`/var/run/docker.sock`, `unix://…`) or `tcp://HOST:PORT`, with TLS where DOCKER_TLS_VERIFY is set (certificates in DOCKER_CERT_PATH); `auto` takes DOCKER_HOST, else /var/run/docker.sock; `off` never asks.',
      ),
    labels: z
      .array(z.string().refine(isLabelKey, 'the key of a label, such as team or com.example.team'))
      .max(LABEL_CAPS.keys)
      .meta({ unit: 'list of keys' })
      .default([])
      .describe(
        `Docker labels that are kept with each container, such as \`[team]\`, at most ${LABEL_CAPS.keys}; those that \`match.label\` of a rule in this file names are kept in any case. Of a value the first ${LABEL_CAPS.value} characters.`,
      ),
    service_ranges: addressRanges()
      .default([])
      .describe(
        "Addresses of a cluster's services, such as `[10.96.0.0/12]` (Kubernetes: `service-cluster-ip-range`). Nobody has them: flows to them are shown as `virtual`, with address and port.",
      ),
    spool: z
      .strictObject({
        size: size({ min: '1MiB' })
          .prefault('1GiB')
          .describe('Most that frames may take up on disk; beyond it the oldest are dropped and counted.'),
        age: duration({ min: '1m' })
          .prefault('7d')
          .describe('Frames that wait for longer than this are dropped and counted.'),
        fsync: z
          .enum(['always', 'interval', 'never'])
          .default('interval')
          .describe(
            'When frames must have reached the disk. What a power cut takes: with `always` no captured frame, with `interval` those of the last second, with `never` those that the system had not written yet, usually half a minute. A killed process loses none with any of them. What a database has taken is up to it: the SQLite store may lose its last moments in a power cut.',
          ),
      })
      .prefault({})
      .describe('Frames that wait for the store or the queue, in the folder `spool` of the data directory.'),
    pending: size({ min: '1MiB' })
      .prefault('256MiB')
      .describe(
        'The same in memory, while the disk does not take them; beyond it the oldest are dropped and counted.',
      ),
  })
  .describe('What the collector does.');

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
          .describe('How long windows, flows, connections and detections are kept as they were captured.'),
        minute: duration({ min: '1h' })
          .prefault('90d')
          .describe('How long their exact sums per minute are kept.'),
        hour: duration({ min: '1h' })
          .prefault('730d')
          .describe('How long their exact sums per hour are kept; annotations as long as the longest.'),
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

/** Characters of a token: fewer could be guessed. */
const MIN_TOKEN = 16;
const MAX_TOKEN = 500;
const HIDDEN = { found: 'a value that is not shown' };

const http = z
  .strictObject({
    listen: listen()
      .prefault('auto')
      .describe(
        'Address and port of /metrics, /healthz, /readyz and, of `run` and `serve`, the API; or `off`. `auto`: 127.0.0.1, port 8433 for run and serve, 8434 for collect, 8435 for detect; when that port is in use, there is no listener.',
      ),
    tokens: z
      .array(
        z.strictObject({
          name: identifier(),
          scope: z.enum(['read', 'write']).default('read'),
          token: z
            .string()
            .min(MIN_TOKEN)
            .max(MAX_TOKEN)
            .regex(/^[!-~]+$/, 'printable characters without blanks'),
        }),
      )
      .max(100)
      .superRefine((tokens, context) => {
        for (const key of ['name', 'token'] as const) {
          const all = tokens.map(token => token[key]);
          const twice = all.findIndex((one, i) => all.indexOf(one) !== i);
          const message = `a ${key} that is not used twice`;
          if (twice !== -1) context.addIssue({ code: 'custom', path: [twice, key], message, params: HIDDEN });
        }
      })
      .default([])
      .describe('Who may use the API, and for what.'),
  })
  .describe('The one HTTP listener of each process.');

const server = z
  .strictObject({
    url: address(SERVER_ADDRESS, { optional: true })
      .default('')
      .describe(
        'Address of a `tidegauge serve` or `run` that commands ask instead of store and state, such as http://127.0.0.1:8433; empty: they read these themselves. The flag is `--server`.',
      ),
    token: z.string().default('').describe('Its token, where it asks for one.'),
    timeout: duration({ min: '100ms', max: '10m' }).prefault('40s').describe('Longest wait for one answer.'),
  })
  .describe('Another process that answers for store and state.');

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;

const log = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('Least severe message that is written.'),
    format: z
      .enum(LOG_FORMATS)
      .default('auto')
      .describe('`json`: one object a line. `auto`: text on a terminal, json elsewhere.'),
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
  return settings.superRefine(({ alert, receivers }, context) => {
    receivers.forEach(({ use }, i) => {
      const permission = notifiers.find(({ name }) => name === use)?.permission;
      if (permission === undefined || Reflect.get(alert, permission) === true) return;
      const message = `a kind that needs no permission, or \`alert.${permission}: true\``;
      context.addIssue({ code: 'custom', path: ['receivers', i, 'use'], message, params: { found: use } });
    });
    const known = receivers.map(({ name }) => name);
    for (const [i, route] of alert.routes.entries())
      for (const [j, name] of route.receivers.entries()) {
        if (known.includes(name)) continue;
        const message = `the name of a receiver: ${known.join(', ') || 'none is configured'}`;
        const path = ['alert', 'routes', i, 'receivers', j];
        context.addIssue({ code: 'custom', path, message, params: { found: name } });
      }
  });
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
