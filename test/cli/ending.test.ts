import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeWith } from '../parts/need.ts';
import { type Child, freePort, temporaryFolder, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';
import { tidegauge, writeConfig } from '../parts/tidegauge.ts';

/** Five seconds, on a machine that others use as well. */
const ENDED_MS = 10_000;

describeWith(['redis'], 'a detector that is asked to end', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let redis: RedisServer;
  beforeEach(async () => {
    folder = temporaryFolder();
    redis = await startRedis();
  });
  afterEach(async () => {
    await redis.stop();
    folder.remove();
  });

  /** One that owns its lanes. */
  async function startDetector(): Promise<Child> {
    const port = await freePort();
    writeConfig(folder.path, {
      ...{ data: join(folder.path, 'data'), redis: { url: redis.url }, state: { kind: 'redis' } },
      ...{ queue: { kind: 'bullmq', lanes: 2 }, http: { listen: `127.0.0.1:${port}` } },
    });
    const child = tidegauge(['detect'], { cwd: folder.path });
    const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await child.until(
      'its lanes',
      async () => /^tidegauge_lanes_owned 2$/m.test(await metrics().catch(() => '')),
      60_000,
    );
    return child;
  }

  const endOf = async (child: Child): Promise<number | null> => {
    let code: { found: number | null } | undefined;
    void child.exited.then(found => {
      code = { found };
    });
    return (
      await until(
        'the end',
        () => code,
        ENDED_MS,
        () => `; it has said:\n${child.output}`,
      )
    ).found;
  };

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s gives its lanes back',
    async signal => {
      const child = await startDetector();
      child.process.kill(signal);
      expect(await endOf(child)).toBe(0);
      expect(child.output).toMatch(/^stopped$/m);
    },
    120_000,
  );

  it.each([
    ['dead', 'SIGKILL'],
    ['standing still', 'SIGSTOP'],
  ] as const)(
    'while Redis is %s ends soon, and says what it leaves',
    async (_, fate) => {
      const child = await startDetector();
      redis.child.process.kill(fate);
      child.process.kill('SIGTERM');
      expect(await endOf(child)).toBe(0);
      expect(child.output).toMatch(/^stopped: lanes were not released: the state: \S+/m);
    },
    120_000,
  );

  it('by one Ctrl-C that comes twice, from the terminal and from npm, ends in order', async () => {
    const child = await startDetector();
    child.process.kill('SIGINT');
    child.process.kill('SIGINT');
    expect(await endOf(child)).toBe(0);
    expect(child.output).toMatch(/^stopped$/m);
  }, 120_000);

  it('a second time ends at once', async () => {
    const child = await startDetector();
    redis.child.process.kill('SIGSTOP');
    child.process.kill('SIGTERM');
    let code: number | null | undefined;
    void child.exited.then(found => {
      code = found;
    });
    await until('the end', () => code !== undefined || void child.process.kill('SIGINT'), ENDED_MS);
    expect(code).toBe(130);
    expect(child.output).not.toMatch(/^stopped/m);
  }, 120_000);
});
