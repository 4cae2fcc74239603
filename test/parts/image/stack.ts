import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { DockerServer } from '../docker.ts';
import { Child, freePort, temporaryFolder } from '../process.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Longest time until all containers have been started, ms. */
const STARTED_MS = 300_000;

/** The services of compose.yaml that are ours, with what they wait for. */
const OURS = ['collector', 'detector', 'serve'] as const;

/** Looks more often than compose.yaml, and waits longer for an answer: other tests run beside. */
const SOON = { interval: '5s', timeout: '60s' };

type Environment = Readonly<Record<string, string>>;

export interface StackOptions {
  /** A network of Docker that is there. */
  readonly network: string;
  /** What stands in `.env`. */
  readonly variables: Environment;
  /** Secrets with other texts than those of examples/secrets. */
  readonly secrets: Environment;
  /** Settings of one service, besides. */
  readonly collector: Environment;
  readonly detector: Environment;
}

/** compose.yaml, started. */
export interface Stack {
  /** Address of its InfluxDB. */
  readonly influx: string;
  /** Address of the page. */
  readonly page: string;
  /** A field of `docker inspect`, as a Go template. */
  inspect(service: string, format: string): string;
  /** What a command says inside the container of a service. */
  exec(service: string, ...command: readonly string[]): string;
  /** What a service has said. */
  logs(service: string): string;
  stop(): Promise<void>;
}

/**
 * Start compose.yaml as it is with docker-compose, on an image that is there. The images of others cannot be had: their
 * services run Debian's programs of this machine instead. Grafana is left out.
 */
export async function startStack(docker: DockerServer, options: StackOptions): Promise<Stack> {
  const folder = temporaryFolder();
  const port = await freePort();
  const [changes, settings, influxConfig, secrets] = ['changes.yaml', '.env', 'influxdb.conf', 'secrets'].map(
    name => join(folder.path, name),
  ) as [string, string, string, string];
  const variables = {
    DOCKER_GID: String(statSync(docker.socket).gid),
    SECRETS_DIR: secrets,
    PAGE_LISTEN: `127.0.0.1:${port}`,
    ...options.variables,
  };
  writeFileSync(
    settings,
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  writeFileSync(influxConfig, INFLUX_CONFIG);
  cpSync(join(ROOT, 'examples/secrets'), secrets, { recursive: true });
  for (const [name, text] of Object.entries(options.secrets)) writeFileSync(join(secrets, name), `${text}\n`);
  // JSON, as docker-compose reads another YAML than we do, in which `yes` is true.
  writeFileSync(changes, JSON.stringify(changesOf(docker, options, influxConfig)));

  const files = ['--env-file', settings, '-f', join(ROOT, 'compose.yaml'), '-f', changes];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TIDEGAUGE|COMPOSE)_/.test(name)),
  );
  const compose = (...command: readonly string[]) =>
    new Child('docker-compose', ['-p', options.network, ...files, ...command], {
      env: { ...env, DOCKER_HOST: `unix://${docker.socket}` },
      cwd: folder.path,
    });
  const idOf = (service: string) => {
    const label = (name: string, value: string) => ['--filter', `label=com.docker.compose.${name}=${value}`];
    return docker.docker('ps', '-aq', ...label('project', options.network), ...label('service', service));
  };
  const inspect = (service: string, format: string) => docker.docker('inspect', '-f', format, idOf(service));
  await compose('up', '-d', '--no-build', ...OURS).ended(0, STARTED_MS);
  return {
    influx: `http://${inspect('influxdb', `{{(index .NetworkSettings.Networks "${options.network}").IPAddress}}`)}:8086`,
    page: `http://127.0.0.1:${port}`,
    inspect,
    exec: (service, ...command) => docker.docker('exec', idOf(service), ...command),
    logs: service => docker.docker('logs', '--tail', '50', idOf(service)),
    async stop() {
      await compose('down', '--volumes', '--timeout', '5').ended(0, STARTED_MS);
      folder.remove();
    },
  };
}

/** What is laid over compose.yaml: other databases, and what this machine does not give. */
function changesOf(
  docker: DockerServer,
  { network, collector, detector }: StackOptions,
  influxConfig: string,
) {
  const version1 = {
    TIDEGAUGE_STORE_INFLUX_VERSION: '1',
    TIDEGAUGE_STORE_INFLUX_ORG: '',
    TIDEGAUGE_STORE_INFLUX_TOKEN: '',
  };
  const program = { image: docker.image, volumes: ['/usr:/usr:ro'] };
  const listens = (port: number) => [
    'CMD',
    'perl',
    '-MIO::Socket',
    '-e',
    `exit !IO::Socket::INET->new("127.0.0.1:${port}")`,
  ];
  return {
    services: {
      collector: {
        environment: { ...version1, ...collector },
        volumes: [`${docker.socket}:/var/run/docker.sock`],
        ulimits: { memlock: lockableMemory() },
        healthcheck: SOON,
      },
      detector: { environment: { ...version1, ...detector }, healthcheck: SOON },
      serve: { environment: version1, healthcheck: SOON },
      tiers: { environment: version1 },
      influxdb: {
        ...program,
        volumes: [...program.volumes, `${influxConfig}:/etc/influxdb.conf:ro`],
        command: ['influxd', 'run', '-config', '/etc/influxdb.conf'],
        healthcheck: { test: listens(8086) },
      },
      redis: {
        ...program,
        command: serviceOf('redis').command.map(text => text.replace('docker-entrypoint.sh ', '')),
        healthcheck: { test: listens(6379) },
      },
    },
    networks: { default: { external: { name: network } } },
  };
}

/** A service of compose.yaml, defaults not filled in. */
function serviceOf(name: string): { readonly command: readonly string[] } {
  const { services } = parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), { merge: true });
  return services[name];
}

/** Bytes: a Docker Engine may not be allowed to raise its own limit; -1: there is none. */
function lockableMemory(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = /^Max locked memory +\S+ +(\S+)/m.exec(limits)?.[1];
  return hard === 'unlimited' ? -1 : Number(hard);
}

const INFLUX_CONFIG = `reporting-disabled = true
[meta]
  dir = "/var/lib/influxdb2/meta"
[data]
  dir = "/var/lib/influxdb2/data"
  wal-dir = "/var/lib/influxdb2/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  log-enabled = false
`;
