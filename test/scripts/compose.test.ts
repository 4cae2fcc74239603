import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { SCHEMA } from '../../app/wire.ts';
import { COMMANDS } from '../../cli/commands/index.ts';
import { loadConfig } from '../../cli/config/load.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}
const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
  services: Readonly<Record<string, Service>>;
  volumes: Readonly<Record<string, null>>;
};

/** The environment of a service when the user sets nothing but what must be set: `${NAME:-default}` is its default. */
function environmentOf(name: string): Record<string, string> {
  const entries = Object.entries(services[name]?.environment ?? {});
  return Object.fromEntries(
    entries.map(([key, text]) => [
      key,
      text.replace(/\$\{\w+:-([^}]*)\}/g, '$1').replace(/\$\{DOCKER_GID:\?[^}]+\}/g, '998'),
    ]),
  );
}

const targetsOf = (name: string) => (services[name]?.volumes ?? []).map(volume => volume.split(':'));

describe('compose.yaml', () => {
  it.each(['collector', 'detector'])('gives the %s a valid configuration over shared parts', name => {
    const machine = { hostname: 'box', data: '/nowhere' };
    const { config, warnings } = loadConfig(SCHEMA, { file: null, env: environmentOf(name), machine });
    expect(warnings).toEqual([]);
    expect([config.store.kind, config.queue.kind, config.state.kind]).toEqual(['influx', 'bullmq', 'redis']);
    for (const url of [config.store.influx.url, config.redis.url]) {
      expect(Object.keys(services)).toContain(new URL(url).hostname);
    }
  });

  it('starts commands that exist', () => {
    const commands = COMMANDS.map(({ name }) => name);
    for (const name of ['collector', 'detector']) expect(commands).toContain(services[name]?.command?.[0]);
  });

  it('gives InfluxDB, its writers and its readers the same names and token', () => {
    const influx = environmentOf('influxdb');
    const writer = environmentOf('detector');
    const reader = environmentOf('grafana');
    expect(influx.DOCKER_INFLUXDB_INIT_ADMIN_TOKEN).toBe(writer.TIDEGAUGE_STORE_INFLUX_TOKEN);
    expect(influx.DOCKER_INFLUXDB_INIT_ORG).toBe(writer.TIDEGAUGE_STORE_INFLUX_ORG);
    expect(influx.DOCKER_INFLUXDB_INIT_BUCKET).toBe(writer.TIDEGAUGE_STORE_INFLUX_DATABASE);
    expect(reader).toMatchObject({
      INFLUX_URL: writer.TIDEGAUGE_STORE_INFLUX_URL,
      INFLUX_DATABASE: writer.TIDEGAUGE_STORE_INFLUX_DATABASE,
      INFLUX_TOKEN: writer.TIDEGAUGE_STORE_INFLUX_TOKEN,
    });
  });

  it('gives Grafana every variable and folder that its provisioning names', () => {
    const environment = environmentOf('grafana');
    for (const file of ['datasources/tidegauge.yaml', 'alerting/contact-points.yaml']) {
      const names = [...read('grafana/provisioning', file).matchAll(/\$(\w+)/g)].map(match => match[1] ?? '');
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
