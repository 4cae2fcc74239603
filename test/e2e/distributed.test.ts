import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { IncidentJson } from '../../core/incident/incident-json.ts';
import { JUMP_RULES, trickleScript } from '../data/traffic.ts';
import { type DockerServer, startDocker } from '../parts/docker.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { describeWith } from '../parts/need.ts';
import { type Child, temporaryFolder, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../parts/tidegauge.ts';

/** `collect` and two `detect` processes that meet in Redis and InfluxDB; one `detect` is killed in the middle. */
describeWith(['docker', 'ebpf', 'influx', 'redis'], 'collect and two detects over Redis and InfluxDB', () => {
  const folder = temporaryFolder();
  let docker: DockerServer;
  let influx: InfluxServer;
  let redis: RedisServer;
  let hook: Hook;
  let collector: Child;
  const detectors: Child[] = [];

  const start = (command: string) => tidegauge([command], { cwd: folder.path });

  beforeAll(async () => {
    [docker, influx, redis, hook] = await Promise.all([
      startDocker(),
      startInflux(),
      startRedis(),
      startHook(),
    ]);
    for (const name of ['gamma-noisy', 'gamma-quiet-one', 'gamma-quiet-two'])
      docker.run(name, trickleScript(6));
    writeConfig(folder.path, {
      host: 'gamma',
      data: join(folder.path, 'data'),
      capture: { interval: '500ms', docker: docker.socket },
      store: { kind: 'influx', influx: { url: influx.url } },
      queue: { kind: 'bullmq' },
      redis: { url: redis.url },
      state: { kind: 'redis', lease: '2s', checkpoint: '2s' },
      // Only ours: containers of other suites run on this machine as well.
      detectors: [
        ...JUMP_RULES,
        { use: 'threshold', name: 'limit', metric: 'bytes', direction: 'send', above: '500KiB/s', for: '0s' },
      ].map(rule => ({ ...rule, match: { container: 'gamma-*' } })),
      alert: { resolve_after: '3s', reopen_within: '0s', silent_after: '15s' },
      receivers: [{ use: 'webhook', name: 'hook', url: hook.url }],
    });
    detectors.push(start('detect'));
    await detectors[0]?.until('the first detect to be ready', output => output.includes('store:'));
    detectors.push(start('detect'));
    collector = start('collect');
  });

  afterAll(async () => {
    for (const child of [collector, ...detectors]) await child?.stop('SIGKILL');
    await docker?.stop();
    await influx?.stop();
    await redis?.stop();
    await hook?.stop();
    folder.remove();
  });

  it('a burst gives one incident, one annotation and one delivery per status, though one detect is killed in it', async () => {
    const frames = () => query(influx.url, 'SELECT count(duration_ms) FROM host_frames');
    await until(
      'twelve seconds of frames',
      async () => Number((await frames())[0]?.count ?? 0) >= 26,
      120_000,
    );
    docker.docker('kill', '-s', 'USR1', 'gamma-noisy');
    await until('the incident to be told', () => hook.bodies.length >= 1, 60_000);
    detectors[0]?.process.kill('SIGKILL');
    await until('its end to be told', () => hook.bodies.some(body => body.status === 'resolved'), 60_000);

    const told = hook.bodies.map(({ status, incident }) => [status, (incident as IncidentJson).container]);
    expect(told).toEqual([
      ['firing', 'gamma-noisy'],
      ['resolved', 'gamma-noisy'],
    ]);
    const annotations = await query(influx.url, 'SELECT * FROM annotations');
    expect(annotations).toHaveLength(1);
    expect(annotations[0]).toMatchObject({ container: 'gamma-noisy', host: 'gamma' });
    const open = await query(influx.url, `SELECT max(open) FROM detections WHERE container =~ /quiet/`);
    expect(open[0]?.max).toBe(0);

    const listed = tidegauge(['incidents', '--json'], { cwd: folder.path });
    await listed.ended(0);
    const incidents = JSON.parse(listed.output) as IncidentJson[];
    expect(incidents.map(incident => [incident.container, incident.resolved_at !== null])).toEqual([
      ['gamma-noisy', true],
    ]);
    expect(incidents[0]?.findings.map(finding => finding.rule).sort()).toEqual(['limit', 'received', 'sent']);
  });

  it('a container that is killed at work ends its incident, nobody is told that it is well', async () => {
    hook.bodies.length = 0;
    docker.docker('kill', '-s', 'USR1', 'gamma-noisy');
    await until('the incident to be told', () => hook.bodies.length >= 1, 60_000);
    docker.docker('kill', 'gamma-noisy');
    await until('its end to be told', () => hook.bodies.length >= 2, 60_000);
    expect(hook.bodies.map(({ status }) => status)).toEqual(['firing', 'ended']);
    expect(hook.bodies[1]?.text).toMatch(
      /^\[ENDED\] gamma-noisy: .*, the container is gone: killed by signal 9 \(exit code 137\)\)$/,
    );
  });

  it('a collector that is killed is an incident of its host until it is back', async () => {
    hook.bodies.length = 0;
    await collector.stop('SIGKILL');
    await until('the silence to be told', () => hook.bodies.length >= 1, 60_000);
    expect(hook.bodies[0]).toMatchObject({ status: 'firing', incident: { host: 'gamma', container: '' } });
    expect(hook.bodies[0]?.text).toMatch(/^\[CRITICAL\] host gamma: no frames for /);
    collector = start('collect');
    await until('its end to be told', () => hook.bodies.length >= 2, 60_000);
    expect(hook.bodies[1]).toMatchObject({ status: 'resolved', key: expect.stringContaining('-resolved') });
    const silent = await query(influx.url, 'SELECT * FROM annotations WHERE title =~ /no frames/');
    expect(silent).toMatchObject([{ host: 'gamma', state: 'resolved', severity: 'critical' }]);
  });

  it('collect and detect end in order on SIGTERM', async () => {
    await collector.stop('SIGTERM');
    await collector.ended(0);
    await detectors[1]?.stop('SIGTERM');
    await detectors[1]?.ended(0);
  });
});

/** Rows of an InfluxQL query as objects. */
async function query(url: string, q: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url}/query?db=tidegauge&epoch=ms&q=${encodeURIComponent(q)}`);
  const body = (await response.json()) as {
    results: { series?: { columns: string[]; values: unknown[][] }[] }[];
  };
  const series = body.results[0]?.series?.[0];
  return (series?.values ?? []).map(row =>
    Object.fromEntries(series?.columns.map((name, i) => [name, row[i]]) ?? []),
  );
}
