import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { answerAsDocker, type DockerAnswering } from '../../parts/docker-answers.ts';
import { startInflux } from '../../parts/influx.ts';
import { silentLog } from '../../parts/kernel/capture.ts';
import { makeCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { Child, temporaryFolder } from '../../parts/process.ts';
import { readableProgram } from '../../parts/readable.ts';
import { startRedis } from '../../parts/redis/server.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../../parts/tidegauge.ts';

describeWith(['redis'], 'doctor', () => {
  it('says that a Redis may forget what it is told, once each', async () => {
    const folder = temporaryFolder();
    const redis = await startRedis({ appendOnly: false });
    const admin = new Child('redis-cli', [
      '-p',
      String(redis.port),
      'CONFIG',
      'SET',
      'maxmemory-policy',
      'allkeys-lru',
    ]);
    await admin.ended(0);
    const settings = { queue: { kind: 'bullmq' }, state: { kind: 'redis' }, redis: { url: redis.url } };
    const child = tidegauge(['doctor'], {
      cwd: writeConfig(folder.path, { data: folder.path, ...settings }),
    });
    await child.exited;
    const warnings = child.output.split('\n').filter(line => line.startsWith('warn  settings'));
    expect(warnings.map(line => line.slice(4).trim())).toEqual([
      expect.stringContaining('set maxmemory-policy to noeviction'),
      expect.stringContaining('set appendonly to yes'),
    ]);
    await redis.stop();
    folder.remove();
  });
});

describe('doctor', () => {
  it('takes a lease as a run does, and gives it back', async () => {
    const data = temporaryFolder();
    writeConfig(data.path, { data: data.path, capture: { docker: 'off' } });
    await tidegauge(['doctor'], { cwd: data.path }).exited;
    const db = new DatabaseSync(join(data.path, 'state.db'));
    expect(db.prepare('SELECT name, token, expires FROM leases').all()).toEqual([
      { name: 'doctor', token: 1, expires: 0 },
    ]);
    db.close();
    data.remove();
  });

  let folder: ReturnType<typeof temporaryFolder>;
  let hook: Hook;
  beforeEach(async () => {
    folder = temporaryFolder();
    hook = await startHook();
  });
  afterEach(async () => {
    await hook.stop();
    folder.remove();
  });

  it('lists receivers without disturbing them, and sends them a test message when asked', async () => {
    const receivers = [
      { use: 'webhook', name: 'chat', url: hook.url },
      { use: 'webhook', name: 'gone', url: 'http://127.0.0.1:1/secret' },
    ];
    writeConfig(folder.path, { data: folder.path, receivers, capture: { docker: 'off' } });
    const linesOf = async (...flags: string[]) => {
      const child = tidegauge(['doctor', ...flags], { cwd: folder.path });
      await child.exited;
      return child.output.split('\n').filter(line => line.includes('receiver '));
    };
    expect(await linesOf()).toEqual([
      expect.stringMatching(/^ok .*receiver chat .*not tried; `doctor --notify`/),
      expect.stringMatching(/^ok .*receiver gone .*http:\/\/127\.0\.0\.1:1\/…: not tried/),
    ]);
    expect(hook.bodies).toEqual([]);
    expect(await linesOf('--notify')).toEqual([
      expect.stringMatching(/^ok .*receiver chat .*: accepted a test message$/),
      expect.stringMatching(/^FAIL .*receiver gone .*: connect ECONNREFUSED/),
    ]);
    expect(hook.bodies.map(body => [body.status, body.text])).toEqual([
      ['firing', expect.stringContaining('test message')],
      ['resolved', expect.stringContaining('test message')],
    ]);
  });
});

describe('doctor, where every server takes connections and says nothing,', () => {
  it('ends, and says of each that it did not answer', async () => {
    const folder = temporaryFolder();
    const held = new Set<Socket>();
    const server = createServer(socket => held.add(socket.on('error', () => undefined)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cwd = writeConfig(folder.path, {
      data: folder.path,
      capture: { docker: `tcp://${place}` },
      store: { kind: 'influx', influx: { url: `http://${place}` } },
      queue: { kind: 'bullmq' },
      state: { kind: 'redis' },
      redis: { url: `redis://${place}` },
      receivers: [{ use: 'webhook', name: 'chat', url: `http://${place}/` }],
    });
    try {
      const child = tidegauge(['doctor', '--notify'], { cwd });
      await child.ended(1);
      const marks = new Map(
        child.output.split('\n').map(line => [line.slice(6).split('  ')[0]?.trim(), line.slice(0, 4)]),
      );
      for (const name of ['store', 'queue', 'state', 'receiver chat'])
        expect([name, marks.get(name)]).toEqual([name, 'FAIL']);
      expect(marks.get('Docker')).toBe('warn');
    } finally {
      for (const socket of held) socket.destroy();
      server.close();
      folder.remove();
    }
  });
});

describeWith(['influx'], 'doctor, of an InfluxDB,', () => {
  it('writes a row that is no host, and says when its user may only read', async () => {
    const folder = temporaryFolder();
    const influx = await startInflux({ auth: true });
    const query = async (q: string) => {
      const answer = await fetch(`${influx.url}/query?${new URLSearchParams({ u: 'root', p: 'p', q })}`, {
        method: 'POST',
      });
      return answer.text();
    };
    await query(`CREATE USER root WITH PASSWORD 'p' WITH ALL PRIVILEGES`);
    await query('CREATE DATABASE tidegauge');
    await query(`CREATE USER writer WITH PASSWORD 'p'`);
    await query(`GRANT ALL ON tidegauge TO writer`);
    await query(`CREATE USER reader WITH PASSWORD 'p'`);
    await query(`GRANT READ ON tidegauge TO reader`);
    const storeLine = async (username: string) => {
      const store = { kind: 'influx', influx: { url: influx.url, username, password: 'p' } };
      const cwd = writeConfig(folder.path, { data: folder.path, store, capture: { docker: 'off' } });
      const child = tidegauge(['doctor'], { cwd });
      await child.exited;
      return child.output.split('\n').find(line => / {2}store /.test(line));
    };
    try {
      expect(await storeLine('writer')).toMatch(/^ok /);
      expect(await query('SHOW MEASUREMENTS ON tidegauge')).toContain('[["host_claims"]]');
      expect(await storeLine('reader')).toMatch(/^FAIL .*\/write.*not authorized to write/);
    } finally {
      await influx.stop();
      folder.remove();
    }
  });
});

describeWith(['redis'], 'doctor, beside an installation that has run,', () => {
  it('says what a run would: another number of lanes', async () => {
    const folder = temporaryFolder();
    const redis = await startRedis();
    const state = createRedisState({
      url: redis.url,
      prefix: 'tidegauge',
      clock: systemClock,
      log: silentLog,
    });
    await state.open();
    await state.agreeOnLanes(3);
    const settings = {
      queue: { kind: 'bullmq', lanes: 5 },
      state: { kind: 'redis' },
      redis: { url: redis.url },
    };
    const cwd = writeConfig(folder.path, { data: folder.path, ...settings, capture: { docker: 'off' } });
    try {
      const child = tidegauge(['doctor'], { cwd });
      await child.ended(1);
      expect(child.output).toMatch(/^FAIL {2}state +queue\.lanes: 5\n +-> Set queue\.lanes to 3 /m);
      expect(await state.lanes()).toBe(3);
    } finally {
      await state.close();
      await redis.stop();
      folder.remove();
    }
  });
});

/** User and group. */
const NOBODY = 65_534;

describeWith(['ebpf'], 'doctor, on a machine that lacks something,', () => {
  const folder = temporaryFolder();
  const empty = join(folder.path, 'empty');
  const data = join(folder.path, 'data');
  let docker: DockerAnswering;
  const program = readableProgram();
  beforeAll(async () => {
    chmodSync(folder.path, 0o755);
    mkdirSync(empty);
    docker = await answerAsDocker({ list: [], inspect: { Version: '99.1' } });
    chmodSync(dirname(docker.socket), 0o755);
  });
  beforeEach(() => {
    mkdirSync(data);
    chownSync(data, NOBODY, NOBODY);
  });
  afterEach(() => rmSync(data, { recursive: true }));
  afterAll(async () => {
    await docker.stop();
    folder.remove();
    program.remove();
  });

  /** What it says, without what is all right. */
  const complaints = async (
    through: readonly string[],
    flags: readonly string[] = [],
    capture: object = { docker: 'off' },
  ): Promise<string[]> => {
    const cwd = writeConfig(folder.path, { data, capture });
    const child = tidegauge(['doctor', ...flags], { cwd, through, program });
    await child.exited;
    const lines = child.output.trimEnd().split('\n');
    return lines.filter(line => !line.startsWith('ok ')).map(line => line.trim().replace(/ +/g, ' '));
  };
  /** In a mount namespace of its own, with nothing in these folders. */
  const without = (...folders: string[]) => {
    const mounts = folders.map(one => `mount --bind ${empty} ${one} &&`).join(' ');
    return ['unshare', '--mount', 'sh', '-c', `${mounts} exec "$0" "$@"`];
  };
  const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];

  it('finds nothing missing here', async () => {
    expect(await complaints([])).toEqual([]);
  });

  it('has tracefs mounted', async () => {
    expect(await complaints(without('/sys/kernel/tracing'))).toEqual([
      'FAIL hook tracepoint: no tracefs; fentry: no tracefs; kprobe: no tracefs',
      '-> Mount it: `mount -t tracefs tracefs /sys/kernel/tracing`.',
    ]);
  });

  it('names the kernel that has BTF, and why no other hook will do', async () => {
    expect(await complaints(without('/sys/kernel/btf'))).toEqual([
      expect.stringMatching(
        /^FAIL hook tracepoint: no BTF \(.*\); fentry: no BTF .*; kprobe: no .*kprobe_events$/,
      ),
      '-> Run a kernel with CONFIG_DEBUG_INFO_BTF=y.',
    ]);
  });

  it('shows the processes of others', async () => {
    const hidden = 'mount -t proc -o hidepid=2,gid=4242 proc /proc && exec "$0" "$@"';
    const through = ['unshare', '--mount', 'sh', '-c', hidden, 'setpriv', '--bounding-set=-sys_ptrace'];
    expect(await complaints([...through, '--inh-caps=-sys_ptrace', '--'])).toEqual([
      'warn processes process 1 is hidden (hidepid)',
      expect.stringMatching(/^-> Give it CAP_SYS_PTRACE, .*`mount -o remount,hidepid=0 \/proc`/),
    ]);
  });

  it('lets the user of the collector read the whole tree of cgroups', async () => {
    const closed = await makeCgroup(`tidegauge-closed-${process.pid}`);
    chmodSync(closed.folder, 0o700);
    try {
      expect(await complaints([], ['--user', 'nobody'])).toEqual([
        expect.stringMatching(/^warn cgroups \d+ folders? may not be read, such as \//),
        expect.stringMatching(/^-> Let this user read and enter all folders of the tree; /),
      ]);
    } finally {
      await closed.remove();
    }
  });

  it('says what becomes of names without Docker', async () => {
    expect(await complaints([], [], { docker: join(empty, 'docker.sock') })).toEqual([
      expect.stringMatching(/^warn Docker connect ENOENT/),
      expect.stringMatching(
        /^-> Start Docker, .*; without Docker containers have no names, and rules that match names never fire\.$/,
      ),
    ]);
  });

  it('says once that a Redis is away', async () => {
    const away = ['env', 'TIDEGAUGE_STATE_KIND=redis', 'TIDEGAUGE_REDIS_URL=redis://127.0.0.1:1'];
    expect(await complaints(away)).toEqual([
      expect.stringMatching(/^FAIL state redis:\/\/127\.0\.0\.1:1: /),
      expect.stringMatching(/^-> Check that Redis runs/),
    ]);
  });

  it('is to be run as root', async () => {
    expect(await complaints(AS_NOBODY)).toEqual([
      'FAIL root user id 65534',
      '-> Run it as root, for example with sudo.',
      expect.stringMatching(/^FAIL hook tracepoint: tracefs cannot be seen by this user;/),
      '-> Run it as root, for example with sudo.',
      expect.stringMatching(/^warn processes \d+ of \d+ can be looked at$/),
      expect.stringMatching(/^-> Give it CAP_SYS_PTRACE, /),
    ]);
  });

  it('sends nobody to root who is root', async () => {
    const cwd = writeConfig(folder.path, { data: '/etc/hostname/data', capture: { docker: 'off' } });
    const child = tidegauge(['doctor'], { cwd });
    await child.ended(1);
    expect(child.output).toContain('-> Set `data` to a directory that this user can make and write.\n');
    expect(child.output).not.toMatch(/as root/);
  });

  it('tries nothing as root that a run would not', async () => {
    const unable = ['setpriv', '--bounding-set=-chown', '--'];
    rmSync(data, { recursive: true });
    expect(await complaints(unable, ['--user', 'nobody'])).toEqual([
      `FAIL user ${data}: the data directory cannot be created for nobody: EPERM`,
      expect.stringContaining(`\`install -d -m 700 -o nobody ${data}\``),
      expect.stringMatching(/^warn all else not tried:/),
    ]);
    expect(existsSync(data)).toBe(false);
    mkdirSync(data);
  });

  it('tries Docker, data, store and state as the user that the collector will be', async () => {
    const ofRoot = join(data, 'state.db');
    writeFileSync(ofRoot, '', { mode: 0o600 });
    chmodSync(docker.socket, 0o660);
    const capture = { docker: docker.socket };
    expect(await complaints([], ['--user', 'nobody'], capture)).toEqual([
      `FAIL data files ${ofRoot} (EACCES), which nobody may not use`,
      `-> Give it to the user: \`chown -R nobody: ${data}\`.`,
      expect.stringMatching(/^warn all else not tried:/),
    ]);
    rmSync(ofRoot);
    expect(await complaints([], ['--user', 'nobody'], capture)).toEqual([
      expect.stringMatching(/^warn Docker connect EACCES/),
      expect.stringContaining('`collector.groups: docker`'),
    ]);
    chownSync(docker.socket, 0, 4242);
    const env = ['env', 'TIDEGAUGE_COLLECTOR_GROUPS=4242'];
    expect(await complaints(env, ['--user', 'nobody'], capture)).toEqual([]);
    for (const file of readdirSync(data)) expect(statSync(join(data, file)).uid).toBe(NOBODY);
  });
});
