import { expect, it } from '@jest/globals';
import { describeWith } from '../parts/need.ts';
import { Child, temporaryFolder } from '../parts/process.ts';
import { startRedis } from '../parts/redis.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

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
