import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openBackends } from '../../app/wire.ts';
import { load } from '../../cli/context.ts';
import { systemClock } from '../../core/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { temporaryFolder } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { writeConfig } from '../parts/tidegauge.ts';

it('every process that shares the state has the same number of lanes', async () => {
  const folder = temporaryFolder();
  const { log } = recordingLog();
  const open = (lanes: number) => {
    writeConfig(folder.path, { data: folder.path, queue: { lanes } });
    return openBackends(load({ config: `${folder.path}/tidegauge.yaml` }).config, systemClock, log);
  };
  await (await open(4)).close();
  await expect(open(8)).rejects.toMatchObject({
    exitCode: 2,
    problem: { place: 'queue.lanes', expected: expect.stringContaining('4'), found: '8' },
  });
  await (await open(4)).close();
  folder.remove();
});

describeWith(['redis'], 'a Redis that is queue and state', () => {
  const folder = temporaryFolder();
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis({ appendOnly: false });
  });
  afterAll(async () => {
    await redis.stop();
    folder.remove();
  });

  it('is warned of once, though two clients ask it', async () => {
    writeConfig(folder.path, {
      data: folder.path,
      queue: { kind: 'bullmq' },
      state: { kind: 'redis' },
      redis: { url: redis.url },
    });
    const { log, lines } = recordingLog();
    const backends = await openBackends(
      load({ config: `${folder.path}/tidegauge.yaml` }).config,
      systemClock,
      log,
    );
    await backends.close();
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('set appendonly to yes') }),
    ]);
  });
});
