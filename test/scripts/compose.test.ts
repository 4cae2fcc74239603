import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { SCHEMA } from '../../app/wire.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly mem_limit?: string;
  readonly secrets?: readonly string[];
  readonly healthcheck?: { readonly test: string | readonly string[] };
}
const { services, volumes, secrets } = parse(read('compose.yaml'), { merge: true }) as {
  services: Readonly<Record<string, Service>>;
  volumes: Readonly<Record<string, null>>;
  secrets: Readonly<Record<string, { readonly file: string }>>;
};

/** Where a container finds its secrets, and where those for trying are. */
const MOUNTED = '/run/secrets/';
const SECRETS = join(ROOT, 'examples/secrets/');

/**
 * The environment of a service when the user sets nothing but what must be set: `${NAME:-default}` is its default, and
 * secrets are those for trying.
 */
function environmentOf(name: string): Record<string, string> {
  const entries = Object.entries(services[name]?.environment ?? {});
  return Object.fromEntries(
    entries.map(([key, text]) => [
      key,
      text
        .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
        .replace(/\$\{DOCKER_GID:\?[^}]+\}/g, '998')
        .replaceAll('$$', '$')
        .replaceAll(MOUNTED, SECRETS),
    ]),
  );
}

const targetsOf = (name: string) => (services[name]?.volumes ?? []).map(volume => volume.split(':'));

describe('compose.yaml', () => {
  it.each(['collector', 'detector', 'serve'])(
    'gives the %s a valid configuration over shared parts',
    name => {
      const machine = { hostname: 'box', data: '/nowhere' };
      const { config, warnings } = loadConfig(SCHEMA, { file: null, env: environmentOf(name), machine });
      expect(warnings).toEqual([]);
      expect([config.store.kind, config.queue.kind, config.state.kind]).toEqual([
        'influx',
        'bullmq',
        'redis',
      ]);
      for (const url of [config.store.influx.url, config.redis.url]) {
        expect(Object.keys(services)).toContain(new URL(url).hostname);
      }
    },
  );

  it('starts commands that exist', () => {
    const commands = COMMANDS.map(({ name }) => name);
    for (const name of ['collector', 'detector', 'serve'])
      expect(commands).toContain(services[name]?.command?.[0]);
  });

  it('gives InfluxDB, its writers and its readers the same names and token', () => {
    const influx = environmentOf('influxdb');
    const writer = environmentOf('detector');
    const reader = environmentOf('grafana');
    const token = influx.DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE;
    expect(writer.TIDEGAUGE_STORE_INFLUX_TOKEN).toBe(`{ file: ${token} }`);
    expect(influx.DOCKER_INFLUXDB_INIT_ORG).toBe(writer.TIDEGAUGE_STORE_INFLUX_ORG);
    expect(influx.DOCKER_INFLUXDB_INIT_BUCKET).toBe(writer.TIDEGAUGE_STORE_INFLUX_DATABASE);
    expect(reader).toMatchObject({
      INFLUX_URL: writer.TIDEGAUGE_STORE_INFLUX_URL,
      INFLUX_DATABASE: writer.TIDEGAUGE_STORE_INFLUX_DATABASE,
      INFLUX_TOKEN: `$__file{${token}}`,
    });
  });

  it('gives secrets as files, to those alone who read them, and none by environment', () => {
    for (const [name, { secrets: given = [], environment = {}, ...rest }] of Object.entries(services)) {
      const named = [...JSON.stringify([environment, rest]).matchAll(/\/run\/secrets\/([\w-]+)/g)];
      const read = new Set(named.map(match => match[1]));
      // An address that the user may write into the settings of receivers.
      if (name === 'detector') read.add('receiver');
      expect([name, [...given].sort()]).toEqual([name, [...read].sort()]);
      for (const [key, value] of Object.entries(environment))
        if (/TOKEN|PASSWORD/.test(key)) expect([key, value]).toEqual([key, expect.stringContaining(MOUNTED)]);
    }
    const files = Object.entries(secrets).map(([name, { file }]) => [name, file]);
    expect(files).toEqual(files.map(([name]) => [name, `\${SECRETS_DIR:-./examples/secrets}/${name}`]));
    expect(Object.keys(secrets).sort()).toEqual(readdirSync(SECRETS).sort());
  });

  it('tells tidegauge the token of InfluxDB, the password of Redis and the token of the page', () => {
    const machine = { hostname: 'box', data: '/nowhere' };
    const { config } = loadConfig(SCHEMA, { file: null, env: environmentOf('serve'), machine });
    const text = (name: string) => readFileSync(join(SECRETS, name), 'utf8').trim();
    expect(config.store.influx.token).toBe(text('influx-token'));
    expect(config.redis.password).toBe(text('redis-password'));
    expect(config.http.tokens.map(({ token }) => token)).toEqual([text('page-token')]);
  });

  it('gives Grafana every variable and folder that its provisioning names', () => {
    const environment = environmentOf('grafana');
    for (const file of ['datasources/tidegauge.yaml', 'alerting/contact-points.yaml']) {
      const names = [...read('grafana/provisioning', file).matchAll(/\$\{?(\w+)/g)]
        .map(match => match[1] ?? '')
        .filter(name => !name.startsWith('__'));
      expect(names).not.toEqual([]);
      for (const name of names) expect(environment).toHaveProperty(name);
    }
    const { providers } = parse(read('grafana/provisioning/dashboards/tidegauge.yaml'));
    expect(targetsOf('grafana')).toContainEqual(['./grafana/dashboards', providers[0].options.path, 'ro']);
    const home = environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? '';
    const [folder, file] = [home.slice(0, home.lastIndexOf('/')), home.slice(home.lastIndexOf('/') + 1)];
    expect(folder).toBe(providers[0].options.path);
    expect(readdirSync(join(ROOT, 'grafana/dashboards'))).toContain(file);
  });

  it('pins every image and declares every volume', () => {
    for (const [name, { image }] of Object.entries(services)) {
      expect(image).toMatch(/:(local$|\d+\.\d+\.\d+)/);
      for (const [source = ''] of targetsOf(name)) {
        if (/^[./]/.test(source)) continue;
        expect(Object.keys(volumes)).toContain(source);
      }
    }
  });
});

describe('every service of compose.yaml', () => {
  const lasting = Object.entries(services).filter(([name]) => name !== 'tiers');

  it.each(lasting)('%s says whether it is well, and has a limit of memory', (_, service) => {
    expect([service.healthcheck?.test].flat()[0]).toMatch(/^(?:CMD$|node -e |REDISCLI_AUTH=)/);
    expect(service.mem_limit).toMatch(/^\$\{\w+:-\d+[mg]\}$/);
  });

  it.each(['collector', 'detector', 'serve'])('%s is asked at the port where it listens', name => {
    const machine = { hostname: 'box', data: '/nowhere' };
    const { config } = loadConfig(SCHEMA, { file: null, env: environmentOf(name), machine });
    const { listen } = config.http;
    const port = typeof listen === 'object' ? listen.port : { collector: 8434, detector: 8435 }[name];
    expect(services[name]?.healthcheck?.test).toContain(`http://127.0.0.1:${port}/readyz`);
  });

  it.each(['detector', 'serve', 'tiers'])('%s runs as a user without any right', name => {
    expect(services[name]).toMatchObject({
      user: 'node',
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges=true'],
    });
    expect(services[name]).not.toHaveProperty('cap_add');
  });

  it('can be reached from this machine alone, unless told otherwise', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(published).toHaveLength(2);
    for (const port of published) expect(port).toMatch(/^\$\{\w+:-127\.0\.0\.1:\d+\}:\d+$/);
  });
});

it('secrets of ones own get neither into the repository nor into the image', () => {
  expect(read('.gitignore').split('\n')).toContain('/secrets/');
  expect(read('.dockerignore').split('\n')).toContain('secrets');
});

describe('.env.example', () => {
  const settings = new Map(
    read('.env.example')
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const used = [...read('compose.yaml').matchAll(/\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}/g)];

  it('has every variable of compose.yaml with its default, and no other', () => {
    const defaults = used.map(([, name = '', value = '']): [string, string] => [name, value]);
    expect([...settings].sort()).toEqual([...new Map(defaults)].sort());
    for (const [name, value] of defaults) expect([name, value]).toEqual([name, settings.get(name)]);
  });
});

describeWith(['docker-compose'], 'docker-compose', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  /** What `docker-compose config` says, which checks by the schema of the Compose Specification. */
  function config(settings: string, file = join(ROOT, 'compose.yaml')) {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(TIDEGAUGE_|COMPOSE_|DOCKER_)/.test(name)),
    );
    const path = join(folder.path, 'settings');
    writeFileSync(path, settings);
    const args = ['--env-file', path, '-f', file, 'config'];
    const { status, stdout, stderr } = spawnSync('docker-compose', args, { env, encoding: 'utf8' });
    return { status, stdout, stderr };
  }
  const filledIn = read('.env.example').replace(/^DOCKER_GID=$/m, 'DOCKER_GID=998');

  it('takes compose.yaml, and .env.example changes nothing of it', () => {
    const bare = config('DOCKER_GID=998\n');
    expect(bare).toMatchObject({ status: 0, stderr: '' });
    expect(config(filledIn)).toEqual(bare);
  });

  it('refuses to start without the group that may ask Docker', () => {
    const { status, stderr } = config(read('.env.example'));
    expect({ status, asked: stderr.includes('set it to the group of /var/run/docker.sock') }).toEqual({
      status: 1,
      asked: true,
    });
  });

  it('finds what the specification does not know', () => {
    const wrong = join(folder.path, 'wrong.yaml');
    writeFileSync(wrong, read('compose.yaml').replace('pids_limit', 'pid_limits'));
    expect(config(filledIn, wrong).stderr).toMatch(/pid_limits/);
  });
});

describe('Dockerfile', () => {
  it('leaves nothing out of the image that the program imports', () => {
    const ignored = new Set(read('.dockerignore').split('\n'));
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.has(entry.name))
      .map(entry => entry.name);
    expect(folders).toContain('cli');
    for (const folder of folders) {
      for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('.ts')) continue;
        const imported = [...read(folder, file).matchAll(/from '(?:\.\.\/)+(\w+)\//g)].map(match => match[1]);
        for (const name of imported)
          expect(`${folder}/${file}: ${ignored.has(name ?? '')}`).toMatch(/: false$/);
      }
    }
  });
});
