import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { IncidentJson } from '../../core/incident/incident-json.ts';
import { trickleScript } from '../data/traffic.ts';
import { type DockerServer, startDocker } from '../parts/docker.ts';
import { buildImage } from '../parts/image/image.ts';
import { type Stack, startStack } from '../parts/image/stack.ts';
import { describeWith } from '../parts/need.ts';
import { until } from '../parts/process.ts';
import { type Hook, startHook } from '../parts/tidegauge.ts';

/** Longest time until the image is built and all of the stack is up, ms: for what hangs. */
const UP_MS = 900_000;
/** The same of one step: bpftrace compiles its probe while all else starts. */
const STEP_MS = 300_000;

const TAG = process.pid % 250;

const RECEIVER_KEY = 'a-key-of-the-receiver';
const PAGE_TOKEN = 'a-token-of-the-page';
const REDIS_PASSWORD = 'a password of: Redis@/%';

describeWith(
  ['docker', 'docker-compose', 'ebpf', 'influx', 'redis'],
  'the image of the Dockerfile, run as compose.yaml says',
  () => {
    const network = `tidegauge-image-${process.pid}`;
    const noisy = `image-noisy-${process.pid}`;
    let docker: DockerServer;
    let stack: Stack;
    let hook: Hook;

    beforeAll(async () => {
      docker = await startDocker();
      await buildImage(docker, 'tidegauge:local');
      docker.docker('network', 'create', '--subnet', `10.83.${TAG}.0/24`, network);
      hook = await startHook(`10.83.${TAG}.1`);
      docker.run(noisy, trickleScript(30));
      const receivers = [{ use: 'webhook', name: 'hook', url: { file: '/run/secrets/receiver' } }];
      stack = await startStack(docker, {
        network,
        collector: { TIDEGAUGE_HOST: 'image', TIDEGAUGE_CAPTURE_INTERVAL: '500ms' },
        detector: {
          TIDEGAUGE_DETECTORS: JSON.stringify([
            {
              use: 'threshold',
              name: 'limit',
              metric: 'bytes',
              direction: 'send',
              above: '300KiB/s',
              for: '0s',
              match: { container: noisy },
            },
          ]),
          TIDEGAUGE_ALERT_RESOLVE_AFTER: '3s',
          TIDEGAUGE_ALERT_REOPEN_WITHIN: '0s',
        },
        variables: { TIDEGAUGE_RECEIVERS: JSON.stringify(receivers) },
        secrets: {
          receiver: `${hook.url}?${RECEIVER_KEY}`,
          'page-token': PAGE_TOKEN,
          'redis-password': REDIS_PASSWORD,
        },
      });
    }, UP_MS);
    afterAll(async () => {
      await stack?.stop();
      await docker?.stop();
      await hook?.stop();
    }, UP_MS);

    it(
      'is healthy by its own healthchecks',
      async () => {
        for (const service of ['collector', 'detector', 'serve'])
          await until(
            `${service} to be healthy`,
            () => stack.inspect(service, '{{.State.Health.Status}}') === 'healthy',
            STEP_MS,
            () => stack.logs(service),
          );
      },
      UP_MS,
    );

    it('shows the page and the API to this machine, incidents to those who have the token', async () => {
      const ask = async (path: string, headers = {}) =>
        (await fetch(`${stack.page}${path}`, { headers })).status;
      const token = { authorization: `Bearer ${PAGE_TOKEN}` };
      const asked = [await ask('/'), await ask('/api/v1/incidents'), await ask('/api/v1/incidents', token)];
      expect(asked).toEqual([200, 401, 200]);
    });

    it('keeps its secrets out of environments, arguments and logs', () => {
      for (const service of ['collector', 'detector', 'serve', 'redis']) {
        const shown = [stack.inspect(service, '{{json .Config}}'), stack.logs(service)];
        for (const secret of [RECEIVER_KEY, PAGE_TOKEN, REDIS_PASSWORD])
          expect([service, shown.some(text => text.includes(secret))]).toEqual([service, false]);
      }
    });

    it.each(['detector', 'serve'])('runs the %s as a user without any right', service => {
      expect(stack.inspect(service, '{{.Config.User}}')).toBe('node');
      const status = stack.exec(service, 'cat', '/proc/1/status');
      expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
      expect(status).toMatch(/^CapPrm:\t0+$/m);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    });

    it(
      'sends an alert of what a container does',
      async () => {
        const q = encodeURIComponent(`SELECT * FROM container_traffic WHERE container = '${noisy}' LIMIT 1`);
        const stored = async () =>
          (await (await fetch(`${stack.influx}/query?db=tidegauge&q=${q}`)).text()).includes(noisy);
        await until('its frames in the store', stored, STEP_MS, () => stack.logs('collector'));
        docker.docker('kill', '-s', 'USR1', noisy);
        await until(
          'the incident to be told',
          () => hook.bodies.length >= 1,
          STEP_MS,
          () => stack.logs('detector'),
        );
        expect(hook.bodies[0]).toMatchObject({
          status: 'firing',
          incident: { host: 'image', container: noisy },
        });
        const [told] = hook.bodies.map(({ incident }) => incident as IncidentJson);
        expect(told?.findings.map(({ rule }) => rule)).toEqual(['limit']);
      },
      UP_MS,
    );
  },
);
