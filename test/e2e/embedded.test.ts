import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import { type Frame, isComplete } from '../../core/traffic/frame.ts';
import { jsonText } from '../../review/report.ts';
import type { Store } from '../../store/contract.ts';
import { createStore } from '../../store/index.ts';
import { mergeSizes } from '../data/sizes.ts';
import { expected, JUMP_RULES, tcpScript, trickleScript } from '../data/traffic.ts';
import { type DockerServer, startDocker } from '../parts/docker.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { type Child, temporaryFolder, until } from '../parts/process.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../parts/tidegauge.ts';

const PLAIN = Array.from({ length: 10_000 }, () => 1000);
/** Every kind of bucket: first, edges of the fine and coarse steps, the last coarse one, overflow. */
const EDGES = [1, 63, 64, 1000, 4095, 4096, 8191, 8192, 65_535, 65_536, 70_000];
const MIX = Array.from({ length: 1100 }, (_, i) => EDGES[i % EDGES.length] ?? 0);

const OURS = ['plain', 'mix', 'trickle', 'silent'];

/**
 * The whole program on real parts: dockerd, the kernel, SQLite and InfluxDB. Two runs watch the same containers, one
 * per store; what each stored must be what the containers are known to have done.
 */
describeWith(['docker', 'ebpf', 'influx'], 'tidegauge run, end to end', () => {
  const folder = temporaryFolder();
  let docker: DockerServer;
  let influx: InfluxServer;
  let hook: Hook;
  const runs: Record<'alpha' | 'beta', Child | undefined> = { alpha: undefined, beta: undefined };
  const stores: Record<string, Store> = {};

  const config = (host: string, store: unknown) => ({
    host,
    data: join(folder.path, host),
    capture: { interval: '500ms', docker: docker.socket },
    store,
    detectors: JUMP_RULES.map(rule => ({ ...rule, match: { container: 'trickle' } })),
    alert: { resolve_after: '3s', reopen_within: '0s' },
    receivers: [{ use: 'webhook', name: 'hook', url: hook.url }],
  });

  beforeAll(async () => {
    [docker, influx, hook] = await Promise.all([startDocker(), startInflux(), startHook()]);
    docker.run('plain', tcpScript(PLAIN));
    docker.run('mix', tcpScript(MIX));
    docker.run('trickle', trickleScript(4));
    docker.run('silent', 'sleep 3600');
    const kinds = {
      alpha: { kind: 'sqlite' },
      beta: { kind: 'influx', influx: { url: influx.url, database: 'e2e' } },
    } as const;
    for (const [host, store] of Object.entries(kinds)) {
      writeConfig(folder.path, config(host, store), `${host}.yaml`);
      const args = ['run', '--config', `${host}.yaml`, '--record', `${host}.ndjson`];
      runs[host as 'alpha'] = tidegauge(args, { cwd: folder.path });
    }
    stores.alpha = createStore(
      { kind: 'sqlite', sqlite: { file: join(folder.path, 'alpha', 'tidegauge.db') } } as never,
      { data: folder.path, log: recordingLog().log },
    );
    stores.beta = createStore({ kind: 'influx', influx: influxSettings(influx.url) } as never, {
      data: folder.path,
      log: recordingLog().log,
    });
    for (const host of ['alpha', 'beta'] as const) await firstCompleteFrame(host);
  });

  afterAll(async () => {
    for (const run of Object.values(runs)) await run?.stop('SIGKILL');
    for (const store of Object.values(stores)) await store.close();
    await docker?.stop();
    await influx?.stop();
    await hook?.stop();
    folder.remove();
  });

  /** Wait until the run has stored a complete frame in which all four containers are alive. */
  async function firstCompleteFrame(host: 'alpha' | 'beta'): Promise<void> {
    await runs[host]?.until(
      `${host} to see the containers`,
      async () => {
        const frames = await framesOf(host).catch(() => []);
        return frames.some(
          frame => isComplete(frame) && OURS.every(name => frame.containers.some(c => c.name === name)),
        );
      },
      60_000,
    );
  }

  async function framesOf(host: string): Promise<Frame[]> {
    const store = stores[host];
    if (!store) throw new Error(`no store of ${host}`);
    await store.open();
    const frames: Frame[] = [];
    for await (const frame of store.readFrames(host, { from: 0, to: systemClock.now() + 60_000 }))
      frames.push(frame);
    return frames;
  }

  it('counts every message and byte of known traffic, in both stores and directions', async () => {
    docker.docker('kill', '-s', 'USR1', 'plain', 'mix');
    await until('the containers to finish', () =>
      ['plain', 'mix'].every(name => docker.docker('logs', name).includes('done')),
    );
    const over = systemClock.now();
    for (const host of ['alpha', 'beta']) {
      const frames = await until(`${host} to store it all`, async () => {
        const frames = await framesOf(host);
        return Number(frames.at(-1)?.start) >= over && frames;
      });
      expect(sumOf(frames, 'plain')).toEqual({ send: expected(PLAIN), receive: expected(PLAIN) });
      expect(sumOf(frames, 'mix')).toEqual({ send: expected(MIX), receive: expected(MIX) });
      // A late one is as complete as the others: where all are slow, bpftrace is.
      const faults = frames.slice(1).flatMap(frame => frame.faults);
      expect(faults.filter(fault => fault !== 'late-flip')).toEqual([]);
      expect(frames.reduce((sum, frame) => sum + frame.lost, 0)).toBe(0);
    }
  });

  it('shows silence as zero: a container without traffic is in every frame, without a window', async () => {
    for (const host of ['alpha', 'beta']) {
      const frames = await until('six complete frames', async () => {
        const complete = (await framesOf(host)).filter(isComplete);
        return complete.length > 6 && complete;
      });
      const alive = frames.filter(frame => frame.containers.some(container => container.name === 'silent'));
      expect(alive.length).toBe(frames.length - frames.indexOf(alive[0] as Frame));
      expect(frames.flatMap(frame => frame.windows).filter(window => window.container === 'silent')).toEqual(
        [],
      );
    }
  });

  it('leaves no hole between frames', async () => {
    for (const host of ['alpha', 'beta']) {
      const frames = await framesOf(host);
      for (const [i, frame] of frames.entries()) {
        const before = frames[i - 1];
        if (before)
          expect([frame.previous, frame.start]).toEqual([before.start, before.start + before.durationMs]);
      }
    }
  });

  it('a burst becomes one incident per run, with evidence, an annotation and one delivery for each status', async () => {
    const learned = (await framesOf('alpha')).at(-1)?.start ?? 0;
    await until(
      'ten seconds of learning',
      async () => ((await framesOf('alpha')).at(-1)?.start ?? 0) > learned + 10_000,
    );
    docker.docker('kill', '-s', 'USR1', 'trickle');
    await until('both runs to tell the end', () => hook.bodies.length >= 4, 60_000);
    for (const host of ['alpha', 'beta']) {
      const told = hook.bodies.filter(body => (body.incident as { host: string }).host === host);
      expect(told.map(body => body.status)).toEqual(['firing', 'resolved']);
      const annotations = await stores[host]?.readAnnotations({ from: 0, to: Number.MAX_SAFE_INTEGER }, host);
      expect(annotations).toHaveLength(1);
      expect(annotations?.[0]).toMatchObject({ container: 'trickle', state: 'resolved' });
      expect(annotations?.[0]?.text).toMatch(/expected/);
      expect(runs[host as 'alpha']?.output).toMatch(/trickle.*expected/);
    }
    expect(hook.bodies).toHaveLength(4);
  });

  it('ends on SIGTERM: the last frame is stored, exit code 0, no bpftrace left', async () => {
    for (const host of ['alpha', 'beta'] as const) {
      const before = (await framesOf(host)).length;
      const child = runs[host];
      const code = await child?.stop('SIGTERM');
      expect({ code, output: code === 0 ? '' : child?.output }).toEqual({ code: 0, output: '' });
      expect((await framesOf(host)).length).toBeGreaterThan(before);
    }
  });

  it('replay twice, review and the live run name the same incidents, byte for byte', async () => {
    for (const host of ['alpha', 'beta']) {
      const output = async (...args: string[]) => {
        const child = tidegauge([...args, '--config', `${host}.yaml`], { cwd: folder.path });
        await child.ended(0);
        return child.output;
      };
      const live = await output('incidents', '--json');
      expect(JSON.parse(live)).toHaveLength(1);
      const replays = [
        await output('replay', `${host}.ndjson`, '--json'),
        await output('replay', `${host}.ndjson`, '--json'),
      ];
      expect(replays).toEqual([live, live]);
      const [review] = JSON.parse(await output('review', '--host', host, '--json')) as {
        incidents: unknown;
      }[];
      expect(jsonText(review?.incidents)).toBe(live);
    }
  });
});

function influxSettings(url: string) {
  return {
    url,
    version: 'auto',
    database: 'e2e',
    org: '',
    token: '',
    username: '',
    password: '',
    timeout: 10_000,
  };
}

/** Totals of one container over frames, per direction. */
function sumOf(frames: readonly Frame[], container: string) {
  const of = (direction: 'send' | 'receive') => {
    const windows = frames
      .flatMap(f => f.windows)
      .filter(w => w.container === container && w.direction === direction);
    return {
      messages: windows.reduce((sum, w) => sum + w.messages, 0),
      bytes: windows.reduce((sum, w) => sum + w.bytes, 0),
      sizes: mergeSizes(...windows.map(w => w.sizes)),
    };
  };
  return { send: of('send'), receive: of('receive') };
}
