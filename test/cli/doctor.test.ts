import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeWith } from '../parts/need.ts';
import { Child, temporaryFolder } from '../parts/process.ts';
import { startRedis } from '../parts/redis.ts';
import { type Hook, startHook, tidegauge, writeConfig } from '../parts/tidegauge.ts';

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
    expect(await admin.exited).toBe(0);
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
  const folder = temporaryFolder();
  let hook: Hook;
  beforeEach(async () => {
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
      expect.stringMatching(/^FAIL .*receiver gone .*: bad port$/),
    ]);
    expect(hook.bodies.map(body => [body.status, body.text])).toEqual([
      ['firing', expect.stringContaining('test message')],
      ['resolved', expect.stringContaining('test message')],
    ]);
  });
});
