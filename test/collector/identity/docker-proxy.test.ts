import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { dockerAccess } from '../../../backends/docker/access.ts';
import { dockerClient } from '../../../backends/docker/client.ts';
import { checkDocker } from '../../../collector/capture/preflight.ts';
import type { Description } from '../../../collector/contract.ts';
import { type DockerWatcher, watchDocker } from '../../../collector/identity/docker.ts';
import { systemClock } from '../../../core/clock.ts';
import { type DockerServer, startDocker } from '../../parts/docker.ts';
import { type DockerProxy, startDockerProxy } from '../../parts/docker-proxy.ts';
import { captureConfig } from '../../parts/kernel/capture.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder, until } from '../../parts/process.ts';

const EVENTS = /^\/events$/;
const INSPECT = /^\/containers\/[0-9a-f]+\/json$/;
const LIST = /^\/containers\/json$/;
const ALL = /./;

describeWith(['docker'], 'a dockerd behind a filtering proxy', () => {
  let server: DockerServer;
  let old: string;
  let proxy: DockerProxy;
  let watcher: DockerWatcher | null = null;
  let logged: ReturnType<typeof recordingLog>;
  let names: Map<string, string>;
  beforeAll(async () => {
    server = await startDocker();
    old = server.run('old', 'sleep 600');
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    logged = recordingLog();
    names = new Map();
  });
  afterEach(async () => {
    await watcher?.stop();
    watcher = null;
    proxy.stop();
  });

  /** Watch through a proxy that refuses these paths. */
  async function watch(refused: RegExp | null): Promise<DockerWatcher> {
    proxy = await startDockerProxy(server.socket, { refused });
    const client = dockerClient(proxy.address);
    if (!client) throw new Error('no client');
    const described = ({ id, name }: Description) => names.set(id, name);
    const nothing = () => undefined;
    const handlers = {
      described,
      forgotten: nothing,
      reached: nothing,
      connected: nothing,
      networkMade: nothing,
      exited: nothing,
    };
    watcher = watchDocker(client, handlers, { clock: systemClock, log: logged.log });
    await watcher.listed;
    return watcher;
  }
  const warnings = () => logged.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  const doctor = () => checkDocker(captureConfig({ docker: proxy.address }), systemClock);
  let runs = 0;
  const runNew = () => server.run(`new-${++runs}`, 'sleep 600');

  it('that refuses nothing is asked for events, and nothing is said', async () => {
    const watching = await watch(null);
    expect(watching.connected).toBe(true);
    const id = runNew();
    await until('its name', () => names.has(id));
    expect([names.get(old), warnings()]).toEqual(['old', []]);
    expect(await doctor()).toMatchObject({ ok: true, remedy: '' });
  });

  it('that refuses events is asked for its list again and again, which is said once', async () => {
    const watching = await watch(EVENTS);
    expect([watching.connected, names.get(old)]).toEqual([true, 'old']);
    const [listed, asked] = [runNew(), runNew()];
    await watching.inspect(asked);
    expect(names.get(asked)).toBe(`new-${runs}`);
    await until('the other name', () => names.has(listed));
    expect(warnings()).toEqual([
      'Docker, or a proxy before it, refuses GET /events: containers are listed every 5 s instead; new names are seen that much later, and a container of a moment may have none. Let it pass; tidegauge doctor tries all calls',
    ]);
    expect(await doctor()).toMatchObject({
      ok: false,
      required: false,
      found: expect.stringMatching(/; refused: GET \/events \(403\)$/),
      remedy: expect.stringMatching(
        /^Let the proxy pass GET \/events; until then containers are listed every 5 s/,
      ),
    });
  });

  it('that refuses inspections gives names by its list', async () => {
    const watching = await watch(new RegExp(`${EVENTS.source}|${INSPECT.source}`));
    const id = runNew();
    await watching.inspect(id);
    expect(names.get(id)).toBe(`new-${runs}`);
    expect(warnings()).toEqual([
      expect.stringContaining('refuses GET /events: '),
      expect.stringContaining('refuses GET /containers/ID/json: containers are named from the list instead'),
    ]);
  });

  it('that refuses the list describes one container at a time', async () => {
    const watching = await watch(LIST);
    expect([watching.connected, names.get(old)]).toEqual([true, undefined]);
    await watching.inspect(old);
    const id = runNew();
    await until('its name', () => names.has(id));
    expect(names.get(old)).toBe('old');
    expect(warnings()).toEqual([
      expect.stringContaining(
        'refuses GET /containers/json: containers that run already are described one by one',
      ),
    ]);
    expect((await doctor()).found).toMatch(/; refused: GET \/containers\/json \(403\)$/);
  });

  it('that refuses all of it gives no names, which is said', async () => {
    const watching = await watch(ALL);
    await watching.inspect(old);
    expect([watching.connected, names.size]).toEqual([false, 0]);
    expect(warnings().at(-1)).toMatch(/: containers have no names, and rules that match names never fire\./);
    expect(await doctor()).toMatchObject({
      ok: false,
      found:
        'of unknown version; refused: GET /containers/json (403), GET /containers/ID/json (403), GET /events (403)',
    });
  });

  it('on a port speaks TLS with the certificates of DOCKER_CERT_PATH, both ways', async () => {
    const folder = temporaryFolder();
    const made = (name: string) => readFileSync(join(folder.path, name), 'utf8');
    makeCertificates(folder.path);
    proxy = await startDockerProxy(server.socket, {
      tls: {
        ...{ ca: made('ca.pem'), cert: made('server-cert.pem'), key: made('server-key.pem') },
        ...{ requestCert: true, rejectUnauthorized: true },
      },
    });
    const env = { DOCKER_HOST: proxy.address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder.path };
    const ask = (setting: string, variables: Record<string, string>) => {
      const client = dockerClient(setting, variables);
      return client && dockerAccess(client, systemClock);
    };
    for (const [setting, variables] of [
      ['auto', env],
      [proxy.address, { ...env, DOCKER_HOST: 'unix:///nowhere' }],
    ] as const) {
      const access = await ask(setting, variables);
      expect(access?.running?.map(({ name }) => name)).toContain('old');
      expect(access?.refused.size).toBe(0);
    }
    const other = join(folder.path, 'other');
    mkdirSync(other);
    makeCertificates(other);
    await expect(ask('auto', { ...env, DOCKER_CERT_PATH: other })).rejects.toThrow(/certificate|self.signed/);
    writeFileSync(join(other, 'key.pem'), 'secret');
    const failures = [
      [
        { ...env, DOCKER_CERT_PATH: join(folder.path, 'gone') },
        /gone\/ca\.pem: expected the certificate .*found ENOENT\. Set DOCKER_CERT_PATH/,
      ],
      [
        { ...env, DOCKER_CERT_PATH: other },
        /key\.pem: expected the key of this client, as PEM, found no PEM/,
      ],
      [
        { ...env, DOCKER_HOST: 'ssh://me:hunter2@box' },
        /^DOCKER_HOST: expected a socket or tcp:\/\/: ssh is not spoken/,
      ],
    ] as const;
    for (const [variables, message] of failures)
      expect(() => dockerClient('auto', variables)).toThrow(message);
    folder.remove();
  });
});

/** An authority with a certificate for 127.0.0.1 and one for a client, named as Docker names them. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...pair, '-subj', '/CN=authority', '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  for (const [prefix, name] of [
    ['server-', 'server'],
    ['', 'client'],
  ]) {
    const files = ['-keyout', `${prefix}key.pem`, '-out', `${prefix}cert.pem`];
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-addext', 'subjectAltName=IP:127.0.0.1'];
    openssl('req', '-x509', ...pair, '-subj', `/CN=${name}`, ...signed, ...files);
  }
}
