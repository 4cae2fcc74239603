import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../../../cli/config/config-error.ts';
import { loadConfig } from '../../../cli/config/load.ts';
import { sensitivityOption } from '../../../core/config/budget.ts';
import { configSchema, labelKeys } from '../../../core/config/config.ts';
import { duration, rate } from '../../../core/config/options.ts';
import { temporaryFolder } from '../../parts/process.ts';

const SCHEMA = configSchema(
  [
    { name: 'limit', options: z.strictObject({ above: rate().optional(), for: duration().prefault('0s') }) },
    { name: 'other', options: z.strictObject({}) },
    { name: 'graded', options: z.strictObject({ sensitivity: sensitivityOption() }) },
    { name: 'all', scope: 'host', options: z.strictObject({ for: duration().prefault('0s') }) },
  ],
  [
    {
      name: 'webhook',
      options: z.strictObject({
        url: z.string(),
        secret: z.string().optional(),
        headers: z.record(z.string().regex(/^\w+$/, 'the name of a header'), z.string()).optional(),
      }),
    },
  ],
  [
    { use: 'limit', name: 'default-rule', above: '10MiB/s' },
    { use: 'graded', name: 'usual' },
  ],
);

const machine = { hostname: 'box', data: '/somewhere' };
const folder = temporaryFolder();
afterAll(folder.remove);

let files = 0;
function load(text: string | null, env: Record<string, string> = {}) {
  const file = join(folder.path, `${files++}.yaml`);
  if (text !== null) writeFileSync(file, text);
  return loadConfig(SCHEMA, { file: text === null ? null : file, env, machine });
}

function problems(text: string, env: Record<string, string> = {}): string[] {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines.map(line => line.replaceAll(`${folder.path}/`, ''));
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('configuration', () => {
  it('without a file is the defaults, completed by what the machine says', () => {
    const { config, file } = load(null);
    expect(file).toBeNull();
    expect(config).toMatchObject({ host: 'box', data: '/somewhere', store: { kind: 'sqlite' } });
    expect(config.capture.interval).toBe(5000);
    expect(config.detectors).toEqual([
      {
        use: 'limit',
        name: 'default-rule',
        match: expect.anything(),
        options: { above: { value: 10 * 1024 ** 2, unit: 'B/s' }, for: 0 },
      },
      expect.objectContaining({ use: 'graded', name: 'usual' }),
    ]);
  });

  it('reads values with units, and the environment wins over the file', () => {
    const { config } = load('capture:\n  interval: 1s\n  map_keys: 1000\nstore:\n  kind: influx\n', {
      TIDEGAUGE_CAPTURE_INTERVAL: '250ms',
      TIDEGAUGE_STORE_INFLUX_DATABASE: '2024',
      TIDEGAUGE_QUEUE_LANES: '3',
    });
    expect(config.capture).toMatchObject({ interval: 250, map_keys: 1000 });
    expect(config.store).toMatchObject({ kind: 'influx', influx: { database: '2024' } });
    expect(config.queue.lanes).toBe(3);
  });

  it('takes lists from the environment as YAML', () => {
    const { config } = load(null, { TIDEGAUGE_RECEIVERS: '[{use: webhook, name: chat, url: "http://x/"}]' });
    expect(config.receivers).toEqual([{ use: 'webhook', name: 'chat', options: { url: 'http://x/' } }]);
  });

  it('names file, line, path, expectation and value of every mistake at once', () => {
    const text =
      'capture:\n  interval: 5\nstore:\n  kind: influxdb\n  influx:\n    url: ftp://x\nqueues: 1\n';
    const found = problems(text).map(line => line.replace(/^\d+\.yaml/, 'F'));
    expect(found).toEqual([
      'F:2:13: capture.interval: expected a duration with a unit, such as 5s, 200ms or 1h30m, found 5',
      'F:4:9: store.kind: expected sqlite or influx, found "influxdb"',
      'F:6:10: store.influx.url: expected an address that starts with http:// or https://, found "ftp://x"',
      'F:7:1: queues: expected a known key, found queues (did you mean queue?)',
    ]);
  });

  it('points into lists of rules, and refuses unknown kinds, unknown options and equal names', () => {
    const found = problems(
      'detectors:\n  - use: limit\n    name: a\n    above: 10MiB\n  - use: nobody\n    name: b\n  - use: other\n    name: a\n    abvoe: 1\n',
    );
    expect(found[0]).toMatch(/:4:12: detectors\.0\.above: expected a rate with a unit.*found "10MiB"$/);
    expect(found[1]).toMatch(/:5:10: detectors\.1\.use: /);
    expect(found[2]).toMatch(/:9:5: detectors\.2\.abvoe: expected a known key, found abvoe$/);
    expect(problems('detectors:\n  - {use: limit, name: a, abvoe: 1MiB/s}\n')[0]).toMatch(
      /found abvoe \(did you mean above\?\)$/,
    );
    const twice = problems('detectors:\n  - {use: other, name: a}\n  - {use: other, name: a}\n');
    expect(twice).toEqual([
      expect.stringMatching(/:3:24: detectors\.1\.name: expected a name that is not used twice, found "a"/),
    ]);
  });

  it('limits durations and says the limit', () => {
    expect(problems('capture: {interval: 100ms}\n')[0]).toMatch(
      /expected at least 200ms and at most 1m, found "100ms"$/,
    );
  });

  it('blames the environment variable for its own value', () => {
    expect(problems('', { TIDEGAUGE_CAPTURE_INTERVAL: 'fast' })[0]).toMatch(
      /^environment variable TIDEGAUGE_CAPTURE_INTERVAL: capture\.interval: expected a duration/,
    );
  });

  it('blames the flag that has set a variable', () => {
    const options = {
      ...{ file: null, machine, env: { TIDEGAUGE_TIME_ZONE: 'Berlin' } },
      flagOf: new Map([['TIDEGAUGE_TIME_ZONE', '--time-zone']]),
    };
    expect(() => loadConfig(SCHEMA, options)).toThrow(/found --time-zone: time_zone: expected a time zone/);
  });

  it('refuses credentials in the address of InfluxDB, without showing them', () => {
    const [line = ''] = problems('store: {influx: {url: "http://me:hunter2@db:8086"}}');
    expect(line).toMatch(/store\.influx\.url: expected an address without user and password: they go into/);
    expect(line).not.toMatch(/hunter2/);
  });

  it.each([
    [
      '{url: "redis://mymaster", sentinels: ["redis://s1"], cluster: ["redis://n2"]}',
      'redis.cluster: expected either the sentinels of one master or nodes of a cluster, found both `sentinels` and `cluster`',
    ],
    [
      '{sentinels: ["redis://s1"]}',
      'redis.url: expected the name of the master in place of host and port, as `sentinels` say where it is, such as redis://mymaster or redis://USER:PASSWORD@mymaster, found nothing',
    ],
    [
      '{url: "redis://mymaster", sentinels: ["redis://:a@s1", "redis://:a@s2", "rediss://:a@s3"]}',
      'redis.sentinels.2: expected the same scheme, user and password in all addresses of sentinels, found a value that is not shown',
    ],
    [
      '{url: "redis://:hunter2@r", password: "hunter2"}',
      'redis.url: expected an address without user and password, as `username` and `password` are set, found a value that is not shown',
    ],
    ['{url: "redis://r", username: "me"}', 'redis.password: expected the password of `username`, found none'],
    [
      '{url: "redis://n1/3", cluster: ["redis://n2"]}',
      'redis.url: expected database 0, the only one of a cluster, found "redis://n1/3"',
    ],
    [
      '{url: "rediss://n1", cluster: ["rediss://n2", "redis://n3"]}',
      'redis.cluster.1: expected an address with rediss://, as in `redis.url`, found "redis://n3"',
    ],
  ])('refuses parts of redis that contradict each other: %s', (group, line) => {
    expect(problems(`redis: ${group}`)).toEqual([expect.stringContaining(line)]);
  });

  it.each([
    '{url: "redis://u:p@my-master.1/2", sentinels: ["redis://s1", "redis://[::1]:26380"]}',
    '{url: "rediss://u:p@n1:7000", cluster: ["rediss://n2:7000"]}',
  ])('takes %s', group => {
    expect(load(`redis: ${group}`).config.redis).toMatchObject(parse(group));
  });

  it('never shows a secret', () => {
    const found = problems('store:\n  influx:\n    token: 12345678\n');
    expect(found).toEqual([
      expect.stringContaining('store.influx.token: expected text, found a value that is not shown'),
    ]);
  });

  it.each([
    ['redis: {url: "http://me:hunter2@box/0"}', 'found "http://:***@box/0"'],
    ['redis: {url: "me:hunter2@box"}', 'found a value that is not shown'],
    ['redis: "redis://me:hun/ter2@box:1"', 'found "redis://:***@box:1"'],
    ['redis: {sentinels: ["me:hunter2@box"]}', 'found a value that is not shown'],
    [
      'redis: {sentinels: "hunter2@box"}',
      'redis.sentinels: expected a list, found a value that is not shown',
    ],
    ['redis: {cluster: ["redis://me:hunter2@box"]}', 'found a value that is not shown'],
    ['redis: {url: "redis://m:hunter2@box:1", sentinels: ["redis://s"]}', 'found "redis://:***@box:1"'],
    ['store: {influx: {url: "ftp://box/x?token=hunter2"}}', 'found "ftp://box/x?***"'],
    ['receivers: ["https://chat.example/hunter2"]', 'found "https://chat.example/***"'],
    ['receivers: [{use: webhook, name: a, url: [hunter2]}]', 'found a list'],
    ['receivers: [{use: webhook, name: a, secret: [hunter2], url: x}]', 'found a value that is not shown'],
  ])('shows no password or token of %s', (text, found) => {
    expect(problems(text)).toEqual([expect.stringContaining(found)]);
    expect(problems(text)[0]).not.toMatch(/hunter2|ter2/);
  });

  it.each([
    ['queue: {lanes: 0}', 'queue.lanes: expected a number of at least 1, found 0'],
    ['queue: {lanes: 1.5}', 'queue.lanes: expected a whole number, found 1.5'],
    ['store: influx', 'store: expected a group of keys, such as store: { kind: influx }, found "influx"'],
    ['capture: 5s', 'capture: expected a group of keys, found "5s"'],
    ['capture: {bpftrace: ""}', 'capture.bpftrace: expected some text, found ""'],
    ['detectors: [{use: other}]', 'detectors.0.name: expected text, which is required, found nothing'],
    ['recievers: []', 'recievers: expected a known key, found recievers (did you mean receivers?)'],
    ['capture: {intervall: 5s}', 'found intervall (did you mean interval?)'],
    ['zzz: 1', 'zzz: expected a known key, found zzz'],
    ['detectors: [{use: other, name: a, match: {containr: x}}]', 'found containr (did you mean container?)'],
    [
      'receivers: [{use: webhook, name: a, url: x, headers: {"a b": c}}]',
      'headers.a b: expected the name of a header, found a value that is not shown',
    ],
    [
      'detectors: [{use: other, name: a, match: {container: "!backup"}}]',
      'expected a pattern without `!`: whom to leave out goes under `not`, such as match: { not: { container: backup } }, found "!backup"',
    ],
    [
      'detectors: [{use: other, name: a, match: {container: [web, "!backup"]}}]',
      'such as match: { not: { container: backup } }, found a list with "!backup"',
    ],
    [
      'detectors: [{use: other, name: a, match: {container: !backup }}]',
      'found the YAML tag !backup: a text that starts with `!` stands in quotes, and whom a rule leaves out goes under `not`',
    ],
    [
      'detectors: [{use: other, name: a, match: {service: []}}]',
      'expected a pattern such as web-*, or a list of them such as [web-*, api-*], found an empty list',
    ],
    [
      'detectors: [{use: other, name: a, match: {host: [db, 7]}}]',
      'or a list of them such as [web-*, api-*], found a list with 7',
    ],
    [
      'detectors: [{use: other, name: a, match: web-*}]',
      'detectors.0.match: expected a group of keys, such as match: { container: web-* }, found "web-*"',
    ],
    [
      'detectors: [{use: other, name: a, match: {not: backup}}]',
      'detectors.0.match.not: expected a group of keys, such as not: { container: backup }, found "backup"',
    ],
    ['detectors: [{use: other, name: a, match: {not: {hots: x}}}]', 'found hots (did you mean host?)'],
    [
      'detectors: [{use: other, name: a, match: {not: {}}}]',
      'expected at least one of container, service, image, host and label, found a group of keys',
    ],
    [
      'detectors: [{use: other, name: a, match: {label: {"a b": x}}}]',
      'expected the key of a label, such as team or com.example.team, found "x"',
    ],
    [
      'detectors: [{use: limit, name: a, overrides: [{match: {container: b}, abov: 1MB/s}]}]',
      'detectors.0.overrides.0.abov: expected a known key, found abov (did you mean above?)',
    ],
    [
      'detectors: [{use: limit, name: a, overrides: [{match: {container: b}, above: 1}]}]',
      'detectors.0.overrides.0.above: expected a rate with a unit, such as 1MiB/s or 500msg/s, found 1',
    ],
    [
      'detectors: [{use: limit, name: a, overrides: [{match: {kind: any, container: b}, for: 1s}]}]',
      'detectors.0.overrides.0.match.kind: expected a known key, found kind',
    ],
    [
      'detectors: [{use: limit, name: a, overrides: [{match: {container: b}}]}]',
      'expected an option of limit to change; whom to leave out goes under `match.not` of the rule, found a group of keys',
    ],
    [
      'detectors: [{use: all, name: a, overrides: [{match: {container: b}, for: 1s}]}]',
      'expected no overrides, as all judges each host as a whole: write a rule with another `match` for each, found a list',
    ],
    [
      'detectors: [{use: auto, sensitivity: 1/hour}]',
      'expected a budget of false alerts, such as `1 false alert per container per month` or 2/week, found "1/hour"',
    ],
    ['detectors: [{use: auto, name: mine}]', 'detectors.0.name: expected a known key, found name'],
    ['detectors: [{use: auto, above: 1MB/s}]', 'detectors.0.above: expected a known key, found above'],
    [
      'detectors: [{use: auto, overrides: [{match: {container: b}, for: 1m}]}]',
      'detectors.0.overrides.0.for: expected a known key, found for',
    ],
    [
      'detectors: [{use: auto}, {use: auto, match: {container: b}}]',
      'detectors.1.use: expected no other rule named default-rule, usual: `auto` has such a rule, found "auto"',
    ],
    [
      'detectors: [{use: auto}, {use: other, name: usual}]',
      'detectors.1.name: expected a name that is not used twice, found "usual"',
    ],
    ['detectors: [auto]', 'detectors.0: expected a group of keys, found "auto"'],
    [
      'capture: {docker: "tcp://me:hunter2@box:2376"}',
      'capture.docker: expected auto, off or an address without user and password: Docker asks for certificates (DOCKER_CERT_PATH), found a value that is not shown',
    ],
    [
      'capture: {docker: "ssh://box"}',
      'so forward the socket with `ssh -L /run/docker-remote.sock:/var/run/docker.sock`, found "ssh://box"',
    ],
    [
      'capture: {docker: "http://box:2375"}',
      'expected auto, off or an address that starts with unix:// or tcp://: unix:///var/run/docker.sock, /var/run/docker.sock or tcp://docker.internal:2376, found "http://box:2375"',
    ],
    [
      'capture: {docker: "tcp://box:99999"}',
      'expected auto, off or tcp:// with a host and a port, such as tcp://docker.internal:2376, found "tcp://box:99999"',
    ],
    ['capture: {docker: docker.sock}', 'or tcp://docker.internal:2376, found "docker.sock"'],
    ['store:', 'store: expected a group of keys, found nothing'],
    ['data: ~/x', 'expected a path that is written out, as `~` is known to shells only, found "~/x"'],
    ['host: "a\\tb"', 'host: expected a name without control characters, found "a\\tb"'],
    [
      'store: {retention: {raw: 2d, minute: 1d}}',
      'expected raw kept no longer than minute, and minute no longer than hour, found raw 2d, minute 1d, hour 730d',
    ],
  ])('says in words what is wrong with %s', (text, line) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]?.slice(-line.length)).toBe(line);
  });

  it('an override has the options of its rule with its own over them', () => {
    const { config } = load(
      'detectors: [{use: limit, name: a, above: 1MB/s, for: 5s, overrides: [{match: {container: b}, for: 1m}]}]',
    );
    expect(config.detectors[0]?.overrides).toEqual([
      {
        match: { kind: 'any', container: 'b', service: '*', image: '*' },
        options: { above: { value: 1e6, unit: 'B/s' }, for: 60_000 },
      },
    ]);
  });

  it('`auto` stands for the default rules: its match is for all, its budgets for those that have one', () => {
    const { config } = load(`
detectors:
  - use: auto
    sensitivity: 1 false alert per container per month
    match: {container: web-*}
    overrides: [{match: {label: {team: batch}}, sensitivity: 1/week}]
  - {use: other, name: mine}`);
    expect(config.detectors).toMatchObject([
      { use: 'limit', name: 'default-rule', match: { container: 'web-*' } },
      {
        use: 'graded',
        name: 'usual',
        match: { container: 'web-*' },
        options: { sensitivity: { value: 1, unit: '/month' } },
        overrides: [
          { match: { label: { team: 'batch' } }, options: { sensitivity: { value: 1, unit: '/week' } } },
        ],
      },
      { use: 'other', name: 'mine' },
    ]);
    expect(config.detectors[0]).not.toHaveProperty('overrides');
    expect(labelKeys(config)).toEqual(['team']);
  });

  it('without detectors is the same as `auto`', () => {
    expect(load('detectors: [{use: auto}]').config.detectors).toEqual(load(null).config.detectors);
  });

  it('labels that rules ask for are kept besides those that are configured', () => {
    const { config } = load(`
capture: {labels: [tier]}
detectors:
  - {use: other, name: a, match: {label: {team: x}, not: {label: {quiet: "*"}}}}
  - {use: limit, name: b, overrides: [{match: {label: {batch: y}}, for: 1s}]}`);
    expect(labelKeys(config)).toEqual(['batch', 'quiet', 'team', 'tier']);
  });

  it('names every unknown key of a group', () => {
    expect(problems('a: 1\nb: 2\n')).toHaveLength(2);
  });

  it('warns when nothing is judged', () => {
    expect(load('detectors: []').warnings).toEqual(['detectors is an empty list: nothing is judged']);
  });

  it('warns about variables that set nothing, but starts', () => {
    const { warnings } = load(null, {
      ...{ TIDEGAUGE_STORE_KINDS: 'influx', TIDEGAUGE_CONFIG: '', TIDEGAUGE_SERVICE_HOST: '10.0.0.1' },
    });
    expect(warnings).toEqual([
      'environment variable TIDEGAUGE_STORE_KINDS sets nothing: no such key (did you mean TIDEGAUGE_STORE_KIND?)',
      expect.stringMatching(/TIDEGAUGE_SERVICE_HOST sets nothing: .*docs\/configuration\.md/),
    ]);
  });

  it('what is wrong between entries and groups is said beside what is wrong in them: one round shows all', () => {
    const text = [
      'detectors: [{use: other, name: a, metrc: 1}, {use: other, name: a}]',
      'receivers: [{use: webhook, name: chat, url: 1}, {use: webhook, name: chat, url: "https://a.example/"}]',
      'alert: {silent_after: 1, routes: [{receivers: [pager, chat]}]}',
      'http: {tokens: [{name: x, token: short}, {name: x, token: abcdefghijklmnopqrstuvwxyz}]}',
    ].join('\n');
    expect(problems(text).map(line => /^\S+ (\S+):/.exec(line)?.[1])).toEqual([
      'detectors.0.metrc',
      'detectors.1.name',
      'alert.silent_after',
      'receivers.0.url',
      'receivers.1.name',
      'http.tokens.0.token',
      'http.tokens.1.name',
      'alert.routes.0.receivers.0',
    ]);
  });

  it('of receivers that are no list it is not said that routes name unknown ones', () => {
    expect(problems('receivers: x\nalert: {routes: [{receivers: [pager]}]}')).toEqual([
      expect.stringMatching(/receivers: expected a list, found "x"/),
    ]);
  });

  it('a pattern that lacks its quotes, which makes it an alias, is refused with its place', () => {
    const found = problems('detectors:\n  - {use: other, name: x, match: {container: *db}}\n');
    expect(found).toEqual([expect.stringMatching(/^\d+\.yaml:2:46: .*alias.*db/)]);
  });

  it('a text that is nested too deeply for the parser is refused', () => {
    const deep = '{a: '.repeat(50_000);
    expect(problems(deep)[0]).toMatch(/^\d+\.yaml:\d+:\d+: /);
    expect(problems(`a: [${'[{"a":'.repeat(3000)}`)[0]).toMatch(/^\d+\.yaml:\d+:\d+: /);
  });

  it('aliases of aliases that would fill all memory are refused', () => {
    const tenfold = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(', ')}]\n`;
    const bomb = tenfold('a', 'x') + tenfold('b', '*a') + tenfold('c', '*b') + tenfold('d', '*c');
    expect(problems(bomb)).toEqual([expect.stringMatching(/^\d+\.yaml:1:1: .*alias/)]);
  });

  it('broken YAML, duplicate keys and a missing file are refused with their place', () => {
    expect(problems('a: [1\n')[0]).toMatch(/^\d+\.yaml:\d+:\d+: /);
    expect(problems('host: a\nhost: b\n')[0]).toMatch(/:2:1: .*unique/);
    expect(() => loadConfig(SCHEMA, { file: '/nowhere.yaml', env: {}, machine })).toThrow(/no such file/);
    const linesOf = (file: string) => {
      try {
        return loadConfig(SCHEMA, { file, env: {}, machine });
      } catch (error) {
        return (error as ConfigError).lines;
      }
    };
    expect(linesOf('/nowhere.yaml')).toEqual([
      '/nowhere.yaml: expected a file that can be read, found no such file',
    ]);
    expect(linesOf(folder.path)).toEqual([
      `${folder.path}: expected a file that can be read, found a folder`,
    ]);
    expect(problems('- 1\n')[0]).toMatch(/expected keys and values, found a list/);
  });

  it('does not take __proto__ or constructor for keys', () => {
    expect(problems('__proto__: {x: 1}\n')[0]).toMatch(/expected a known key/);
    expect(problems('constructor: 1\n')[0]).toMatch(/expected a known key/);
  });
});
