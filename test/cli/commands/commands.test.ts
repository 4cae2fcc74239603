import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { SCHEMA } from '../../../app/wire.ts';
import { loadConfig } from '../../../cli/config/load.ts';
import { systemClock } from '../../../core/clock.ts';
import { createState } from '../../../state/index.ts';
import { lockFile } from '../../../state/sqlite/lock.ts';
import { createStore } from '../../../store/index.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { tidegauge, writeConfig } from '../../parts/tidegauge.ts';

/** Commands as a user types them, where nothing of the machine is needed. */
describe('commands', () => {
  const folder = temporaryFolder();
  beforeAll(() => {
    writeConfig(folder.path, { data: join(folder.path, 'data'), capture: { docker: 'off' } });
  });
  afterAll(folder.remove);

  async function type(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = tidegauge(args, { cwd: folder.path });
    const code = await child.exited;
    return { code, output: child.output };
  }

  it('a configuration with a mistake is refused with its place before anything starts, exit code 2', async () => {
    const bad = writeConfig(folder.path, { capture: { interval: '5 s' } }, 'bad.yaml');
    for (const command of ['run', 'check', 'doctor', 'detect']) {
      const { code, output } = await type(command, '--config', join(bad, 'bad.yaml'));
      expect(output).toMatch(
        /bad\.yaml:2:13: capture\.interval: expected a duration with a unit, .* found "5 s"/,
      );
      expect(code).toBe(2);
    }
  });

  it.each([
    [[], {}, /^\d\d:\d\d:\d\dZ warning: detectors is an empty list/m],
    [[], { TIDEGAUGE_LOG_FORMAT: 'json' }, /^\{"level":40,.*"msg":"detectors is an empty list/m],
    [
      ['--log-format', 'text'],
      { TIDEGAUGE_LOG_FORMAT: 'json' },
      /^\S+Z warning: detectors is an empty list/m,
    ],
    [['--log-format', 'json'], { TIDEGAUGE_LOG_FORMAT: 'text' }, /^\{"level":40/m],
    [['--log-level', 'warn'], { TIDEGAUGE_LOG_LEVEL: 'error' }, /detectors is an empty list/],
  ])('the log obeys %j over the environment %j', async (flags, env, expected) => {
    writeConfig(folder.path, { detectors: [] }, 'log.yaml');
    const child = tidegauge(['check', '--config', 'log.yaml', ...flags], { cwd: folder.path, env });
    expect(await child.exited).toBe(0);
    expect(child.output).toMatch(expected);
  });

  it('one time zone is in force: that of the flag, of the environment or of the file, and no other is taken', async () => {
    const zoneOf = async (args: string[], env = {}) => {
      const child = tidegauge(['check', ...args], { cwd: folder.path, env });
      expect(await child.exited).toBe(0);
      return parse(child.output).time_zone;
    };
    expect(await zoneOf([])).toBe('UTC');
    expect(await zoneOf([], { TIDEGAUGE_TIME_ZONE: 'Asia/Kathmandu' })).toBe('Asia/Kathmandu');
    expect(await zoneOf(['--time-zone', 'Europe/Berlin'], { TIDEGAUGE_TIME_ZONE: 'UTC' })).toBe(
      'Europe/Berlin',
    );
    expect(await type('check', '--time-zone', 'Europe/Bonn')).toMatchObject({
      code: 2,
      output: expect.stringMatching(
        /tidegauge: --time-zone: time_zone: expected a time zone of the IANA database, such as Europe\/Berlin or UTC, found "Europe\/Bonn"/,
      ),
    });
  });

  it('check refuses a collector.user that does not exist, and shows an @ that is no secret', async () => {
    writeConfig(folder.path, { collector: { user: 'no-such-user' } }, 'user.yaml');
    expect(await type('check', '--config', 'user.yaml')).toMatchObject({
      code: 2,
      output: expect.stringMatching(/^tidegauge: collector\.user no-such-user: no such account: /),
    });
    writeConfig(folder.path, { host: 'me@box', receivers: [] }, 'at.yaml');
    expect(parse((await type('check', '--config', 'at.yaml')).output)).toMatchObject({ host: 'me@box' });
  });

  it.each([
    ['review', '--from'],
    ['incidents', '--from'],
    ['map', '--to'],
    ['traffic', '--from'],
    ['connections', '--from'],
    ['replay', '--start'],
  ])('%s takes no %s 12 for a year', async (command, flag) => {
    const { code, output } = await type(command, ...(command === 'replay' ? ['-'] : []), flag, '12');
    expect([code, output]).toEqual([2, expect.stringContaining(`${flag}: expected a duration ago`)]);
    expect(output).toContain('Add the unit: 12h is 12 hours ago');
  });

  it('check prints what is in force as a file would hold it, without secrets', async () => {
    const settings = {
      collector: { user: 'nobody', groups: ['docker', 998] },
      store: { influx: { token: 'very-secret' } },
      redis: { url: 'redis://me:very-secret@box:6379/1' },
      http: { listen: '[::1]:9000' },
      detectors: [
        { use: 'threshold', name: 'a', above: '10MiB/s', rises_by: '3x', at_least: '1KiB/s', for: '20s' },
      ],
      receivers: [
        {
          use: 'webhook',
          name: 'chat',
          url: 'https://chat.example/very-secret',
          headers: { Authorization: 'very-secret' },
        },
      ],
    };
    writeConfig(folder.path, settings, 'secret.yaml');
    const { code, output } = await type('check', '--config', 'secret.yaml');
    expect([code, output]).toEqual([0, expect.stringContaining('secret.yaml: ok')]);
    expect(output).not.toMatch(/very-secret/);
    expect(parse(output)).toMatchObject({
      capture: { interval: '5s', spool: { size: '1GiB', age: '7d' } },
      collector: { user: 'nobody', groups: 'docker, 998' },
      http: { listen: '[::1]:9000' },
      redis: { url: 'redis://:***@box:6379/1' },
      detectors: [{ above: '10485760B/s', rises_by: '3x', for: '20s' }],
      receivers: [{ url: 'https://chat.example/***', timeout: '10s' }],
    });
    writeFileSync(join(folder.path, 'again.yaml'), output);
    const again = await type('check', '--config', 'again.yaml');
    expect(again.code).toBe(0);
    expect(parse(again.output)).toEqual(parse(output));
  });

  it('bpftrace missing is one sentence with what to do and the way out, exit code 2', async () => {
    writeConfig(folder.path, { capture: { bpftrace: '/nowhere/bpftrace', docker: 'off' } }, 'none.yaml');
    const { code, output } = await type('run', '--config', 'none.yaml');
    expect(code).toBe(2);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(output).toMatch(/^tidegauge: /);
    expect(output).toMatch(/tidegauge replay/);
  });

  it('collect and detect refuse to work without a shared queue', async () => {
    const { code, output } = await type('detect');
    expect([code, output]).toEqual([
      2,
      expect.stringMatching(/queue\.kind: inline works within one process only/),
    ]);
  });

  it('a store that cannot be opened is named with its address and what to do', async () => {
    const influx = { url: 'http://127.0.0.1:1', timeout: '1s' };
    writeConfig(
      folder.path,
      { data: join(folder.path, 'data'), store: { kind: 'influx', influx } },
      'away.yaml',
    );
    const { code, output } = await type('review', '--config', 'away.yaml');
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/^tidegauge: http:\/\/127\.0\.0\.1:1\S*: expected/),
    ]);
  });

  it('unknown commands, flags, times and files are refused with a hint', async () => {
    expect(await type('rum')).toMatchObject({
      code: 2,
      output: expect.stringMatching(/unknown command 'rum'.*Did you mean run/s),
    });
    expect(await type('run', '--recrod', 'x')).toMatchObject({
      code: 2,
      output: expect.stringMatching(/--record/),
    });
    expect(await type('review', '--from', 'yesterday')).toMatchObject({
      code: 2,
      output: expect.stringMatching(/--from: expected a duration ago/),
    });
    expect(await type('check', '--host', 'web-1')).toMatchObject({
      code: 2,
      output: expect.stringMatching(/--host requires --container/),
    });
    expect(await type('replay', 'nothing.ndjson')).toMatchObject({
      code: 2,
      output: expect.stringMatching(/nothing\.ndjson/),
    });
    writeFileSync(join(folder.path, 'text.ndjson'), 'hello\n');
    expect(await type('replay', 'text.ndjson')).toMatchObject({
      code: expect.anything(),
      output: expect.stringMatching(/text\.ndjson: expected .* found hello/),
    });
  });

  describe('a recording', () => {
    const golden = readFileSync(new URL('../../golden/lhist.ndjson', import.meta.url), 'utf8');

    it('that was cut off says where, and is replayed up to there', async () => {
      const lines = golden.trimEnd().split('\n');
      writeFileSync(join(folder.path, 'cut.ndjson'), golden.trimEnd().slice(0, -10));
      const { code, output } = await type('replay', 'cut.ndjson');
      expect(code).toBe(0);
      expect(output).toContain(`the recording is cut off: its last line, ${lines.length}, is incomplete`);
      expect(output).toMatch(/folded [1-9]/);
    });

    it('without frames says so', async () => {
      writeFileSync(join(folder.path, 'header.ndjson'), `${golden.split('\n')[0]}\n`);
      expect(await type('replay', 'header.ndjson')).toEqual({
        code: 0,
        output: 'no frames in header.ndjson\n',
      });
    });

    it('is not written over unless that is asked for', async () => {
      writeFileSync(join(folder.path, 'old.ndjson'), 'precious');
      writeConfig(folder.path, { capture: { bpftrace: '/nowhere', docker: 'off' } }, 'nowhere.yaml');
      const run = ['run', '--config', 'nowhere.yaml', '--record', 'old.ndjson'];
      const { code, output } = await type(...run);
      expect([code, output]).toEqual([2, expect.stringMatching(/the file exists.*--force/)]);
      expect((await type(...run, '--force')).output).not.toMatch(/the file exists/);
      expect(readFileSync(join(folder.path, 'old.ndjson'), 'utf8')).toBe('precious');
    });
  });

  it.each(['check', '--help'])('%s ends quietly when nobody reads its output', async command => {
    const child = tidegauge([command], { cwd: folder.path });
    child.process.stdout?.destroy();
    expect({ code: await child.exited, output: child.output }).toEqual({ code: 0, output: '' });
  });

  it('an output on a full disk is said to be incomplete, in one line, exit code 1', async () => {
    const through = ['sh', '-c', 'exec "$@" >/dev/full', 'sh'];
    const child = tidegauge(['check'], { cwd: folder.path, through });
    expect({ code: await child.exited, output: child.output }).toEqual({
      code: 1,
      output: expect.stringMatching(/^tidegauge: the output is incomplete: ENOSPC: no space left.*\n$/),
    });
  });

  it.each([
    ['incidents', ''],
    ['incidents --json', '[]\n'],
    ['review', ''],
    ['review --json', '[]\n'],
    ['map', ''],
    ['connections --from 1h', ''],
  ])('%s creates nothing where there is no data, and says where it has looked', async (line, found) => {
    const { code, output } = await type(...line.split(' '));
    expect(code).toBe(0);
    expect(output.replace(/^tidegauge: \/var.*\n/m, '')).toBe(
      `tidegauge: no data in ${join(folder.path, 'data')} yet\n${found}`,
    );
    expect(existsSync(join(folder.path, 'data'))).toBe(false);
  });

  it("an empty installation has no incidents and no history; its files are their owner's alone", async () => {
    const data = join(folder.path, 'data');
    const file = join(folder.path, 'tidegauge.yaml');
    const { config } = loadConfig(SCHEMA, { file, env: {}, machine: { hostname: 'h', data } });
    const store = createStore(config.store, { data, log: recordingLog().log });
    const state = createState(config, { clock: systemClock, log: recordingLog().log });
    await Promise.all([store.open(), state.open()]);
    for (const file of readdirSync(data)) expect(statSync(join(data, file)).mode & 0o777).toBe(0o600);
    const hint = /^tidegauge: \/var.*\n/m;
    const outputs = [];
    for (const line of ['incidents', 'incidents --json', 'review', 'map --format json']) {
      const { code, output } = await type(...line.split(' '));
      expect(code).toBe(0);
      outputs.push(output.replace(hint, ''));
    }
    expect(outputs).toEqual([
      'No incidents.\n',
      '[]\n',
      'No host has stored frames.\n',
      expect.stringContaining('[]'),
    ]);
    await Promise.all([store.close(), state.close()]);
  });

  it('a data directory that this user may not use is named with the way out', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    writeConfig(folder.path, { data: join(folder.path, 'file/data') }, 'taken.yaml');
    for (const command of ['incidents', 'doctor']) {
      const { output } = await type(command, '--config', 'taken.yaml');
      expect(output).toMatch(/file\/data.*(this user can create and write|Run the command as root)/s);
      expect(output).not.toMatch(/Report this/);
    }
  });
});

describeWith(['ebpf'], 'a second collector on one data directory', () => {
  it('is refused before it opens anything else, with that one sentence', async () => {
    const folder = temporaryFolder();
    const lock = lockFile(join(folder.path, 'collector.lock'));
    writeConfig(folder.path, {
      data: folder.path,
      capture: { docker: 'off' },
      http: { listen: 'x.invalid:1' },
    });
    const child = tidegauge(['run'], { cwd: folder.path });
    await child.ended(2);
    expect(child.output).toMatch(
      /^tidegauge: .*another collector uses this data directory \(process \d+\).*\n$/,
    );
    expect(readdirSync(folder.path).filter(name => name.endsWith('.db'))).toEqual([]);
    lock?.release();
    folder.remove();
  });
});
