import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SCHEMA } from '../../app/wire.ts';
import { exec } from '../../notify/exec.ts';
import { payloadOf } from '../../notify/payload.ts';
import { incidentOf, notificationOf } from '../data/incidents.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { clock, message, never } from './fixture.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const receiver = (command: readonly string[], timeout = '20s') =>
  exec.create('pager', exec.options.parse({ command, timeout }), clock);
/** A shell is asked for by name here: the receiver itself has none. */
const script = (text: string, timeout?: string) => receiver(['/bin/sh', '-c', text, 'sh'], timeout);
const deliver = (text: string, timeout?: string) => script(text, timeout).deliver(message, never);
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a program as a receiver', () => {
  it('gets the body of a webhook on its standard input', async () => {
    const file = join(folder.path, 'body');
    expect(await deliver(`cat > ${file}`)).toEqual({ kind: 'accepted' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(payloadOf(message));
  });

  it('gets its arguments as they are: no shell reads them', async () => {
    const file = join(folder.path, 'arguments');
    const args = ['$(id)', '`id`', '; exit 3', '*', 'a b', "'", ''];
    const command = ['/bin/sh', '-c', `printf '%s\\n' "$@" > ${file}`, 'sh', ...args];
    expect(await receiver(command).deliver(message, never)).toEqual({ kind: 'accepted' });
    expect(readFileSync(file, 'utf8')).toBe(`${args.join('\n')}\n`);
  });

  it('gets few variables, and none with a name that others chose', async () => {
    const file = join(folder.path, 'environment');
    process.env.TIDEGAUGE_TEST_SECRET = 'hunter2';
    const hostile = notificationOf(incidentOf(1, { container: '() { :;}; exit 9' }), 'pager');
    expect(await script(`env > ${file}`).deliver(hostile, never)).toEqual({ kind: 'accepted' });
    delete process.env.TIDEGAUGE_TEST_SECRET;
    const names = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map(each => each.split('=')[0]);
    const shells = new Set(['PWD', 'OLDPWD', 'SHLVL', '_']);
    expect(names.filter(name => !shells.has(name ?? '')).sort()).toEqual([
      'LANG',
      'PATH',
      'TIDEGAUGE_KEY',
      'TIDEGAUGE_RECEIVER',
      'TIDEGAUGE_STATUS',
    ]);
    expect(readFileSync(file, 'utf8')).not.toContain('exit 9');
  });

  it('decides by its exit code: 0 has it, 65 never will, all others later', async () => {
    expect(await deliver('exit 0')).toEqual({ kind: 'accepted' });
    expect(await deliver('echo no such service >&2; exit 65')).toEqual({
      kind: 'refused',
      reason: 'exit code 65: no such service',
    });
    expect(await deliver('exit 75')).toEqual({ kind: 'retry', reason: 'exit code 75' });
    expect(await deliver('kill -TERM $$')).toEqual({ kind: 'retry', reason: 'killed by SIGTERM' });
  });

  it('that cannot be started is tried again', async () => {
    expect(await receiver(['/nonexistent/page']).deliver(message, never)).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(/^cannot be started: .*ENOENT/),
    });
    // Of this one Node.js tells by throwing.
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    expect(await receiver([join(file, 'page')]).deliver(message, never)).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(/^cannot be started: .*ENOTDIR/),
    });
  });

  it('is killed with all that it has started when it takes too long', async () => {
    const file = join(folder.path, 'pids');
    expect(await deliver(`sleep 600 & echo $! $$ > ${file}; wait`, '300ms')).toEqual({
      kind: 'retry',
      reason: 'did not end in time and was killed',
    });
    const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await until('all of it to end', () => pids.every(pid => !isAlive(pid)));
  });

  it('may write without end, and not read at all', async () => {
    const endless =
      'head -c 3000000 /dev/zero | tr "\\\\0" x; echo; echo "\\033[31mlast words\\033[0m"; exit 1';
    expect(await deliver(endless)).toEqual({
      kind: 'retry',
      reason: 'exit code 1: \\x1b[31mlast words\\x1b[0m',
    });
    const long = notificationOf(incidentOf(1, { title: 'x'.repeat(2_000_000) }), 'pager');
    expect(await script('exec <&-; exit 0').deliver(long, never)).toEqual({ kind: 'accepted' });
  });

  it('is waited for itself, not for what it leaves behind with its output', async () => {
    const file = join(folder.path, 'left');
    expect(await deliver(`sleep 600 & echo $! > ${file}; exit 0`)).toEqual({ kind: 'accepted' });
    const pid = Number(readFileSync(file, 'utf8'));
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('is stopped when the process that delivers stops', async () => {
    const file = join(folder.path, 'started');
    const stop = new AbortController();
    const delivered = script(`echo $$ > ${file}; exec sleep 600`).deliver(message, stop.signal);
    await until('its start', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
    stop.abort();
    expect((await delivered).kind).toBe('retry');
    expect(isAlive(Number(readFileSync(file, 'utf8')))).toBe(false);
  });
});

describe('its options', () => {
  const problem = (config: object) =>
    SCHEMA.safeParse(config).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const pager = { use: 'exec', name: 'pager', command: ['/usr/local/bin/page'] };

  it('are taken only where programs are allowed', () => {
    expect(problem({ receivers: [pager] })).toEqual([
      'receivers.0.use: a kind that needs no permission, or `alert.allow_exec: true`',
    ]);
    expect(problem({ receivers: [pager], alert: { allow_exec: true } })).toBeUndefined();
  });

  it('name a program with its full path, in a list', () => {
    const allowed = (command: unknown) =>
      problem({ receivers: [{ ...pager, command }], alert: { allow_exec: true } });
    expect(allowed(['page'])?.[0]).toMatch(/a program with its full path first/);
    expect(allowed('/usr/local/bin/page --now')?.[0]).toMatch(/array/);
    expect(allowed([])).toBeDefined();
  });
});
