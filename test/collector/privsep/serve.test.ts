import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { encode } from '../../../collector/privsep/protocol.ts';
import { PARAMETERS } from '../../data/parameters.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';

const MAIN = fileURLToPath(new URL('../../../collector/privsep/main.ts', import.meta.url));

/** A real helper, and what a collector has of it. */
function startHelper() {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'bpftrace'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const channel = child.stdio[3] as Readable & Writable;
  const heard = { answers: '', said: '', traced: '' };
  const hear = (stream: unknown, key: keyof typeof heard) =>
    (stream as Readable).setEncoding('utf8').on('data', (text: string) => {
      heard[key] += text;
    });
  hear(channel, 'answers');
  hear(child.stderr, 'said');
  hear(child.stdio[4], 'traced');
  channel.on('error', () => undefined);
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  return { channel, heard, exited, kill: () => child.kill('SIGKILL') };
}

const PROBE = { kind: 'probe', probe: 'packed', parameters: PARAMETERS } as const;
const start = (program: object) => JSON.stringify({ ask: 'start', program });

describeWith(['ebpf'], 'the privileged helper', () => {
  let helper: ReturnType<typeof startHelper> | undefined;
  afterEach(() => {
    helper?.kill();
  });

  it.each([
    ['a text of its own', start({ kind: 'text', text: 'BEGIN { system("id") }' })],
    ['a text beside the rest', start({ ...PROBE, text: 'BEGIN { system("id") }' })],
    ['a probe that is a path', start({ ...PROBE, probe: '../../tmp/evil' })],
    ['a hook that is a path', start({ ...PROBE, parameters: { ...PARAMETERS, hook: '../evil' } })],
    ['a number that is a text', start({ ...PROBE, parameters: { ...PARAMETERS, mapKeys: '1000; system' } })],
    ['another bpftrace', JSON.stringify({ ask: 'start', program: PROBE, bpftrace: '/tmp/evil' })],
    ['the network of a path', JSON.stringify({ ask: 'network', question: 1, pid: '../etc' })],
    ['something unknown', JSON.stringify({ ask: 'execute', command: 'id' })],
    ['no JSON', 'start'],
    ['more than fits a request', 'x'.repeat(10_000)],
  ])('ends at once when it is asked for %s', async (_, line) => {
    helper = startHelper();
    const { channel, heard, exited } = helper;
    channel.write(`${line}\n`);
    expect(await exited).toBe(1);
    expect(heard.said).toMatch(/^helper: /);
    expect(heard.answers).toBe('{"tell":"ready"}\n');
    expect(heard.traced).toBe('');
  });

  it('refuses a second bpftrace, and stops the first one in order', async () => {
    helper = startHelper();
    const { channel, heard, exited } = helper;
    channel.write(encode({ ask: 'start', program: PROBE }));
    await until('a readout', () => /end \d+/.test(heard.traced));
    const pid = Number(/"pid":(\d+)/.exec(heard.answers)?.[1]);
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('bpftrace\n');
    channel.write(encode({ ask: 'start', program: PROBE }));
    expect(await exited).toBe(1);
    expect(heard.said).toMatch(/a second bpftrace/);
    expect(heard.traced).toMatch(/detach \d+.*end \d+/s);
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it('looks up networks, as often as it is asked', async () => {
    helper = startHelper();
    const { channel, heard, exited } = helper;
    for (const question of [1, 2])
      channel.write(encode({ ask: 'network', question, pid: String(process.pid) }));
    channel.write(encode({ ask: 'network', question: 3, pid: '2147483646' }));
    const answers = await until('the answers', () => {
      const lines = heard.answers.trim().split('\n');
      return lines.length === 4 && lines.map(line => JSON.parse(line));
    });
    const network = { netns: expect.any(Number), addresses: expect.any(Array) };
    for (const question of [1, 2]) expect(answers).toContainEqual({ tell: 'network', question, network });
    expect(answers).toContainEqual({ tell: 'network', question: 3, network: null });
    channel.end();
    expect(await exited).toBe(0);
  });
});
