import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ThreadReader } from '../../app/api/thread-reader.ts';
import { load } from '../../cli/context.ts';
import type { Input } from '../../http/api/contract.ts';
import { ManualClock } from '../parts/clock.ts';
import { temporaryFolder, until } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';
import { openFiles } from '../worker/fixture.ts';

const INPUT: Input = { path: {}, query: { from: '1h', to: '0s', limit: 10 }, body: {}, by: null };

describe('readiness of a process that answers for others', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let reader: ThreadReader;
  let server: Server;

  beforeEach(() => {
    folder = temporaryFolder();
    clock = new ManualClock();
    server = createServer();
  });
  afterEach(async () => {
    await reader.close();
    server.close();
    folder.remove();
  });

  /** A reader of a store, and of a state in a Redis that is none. */
  async function start(port: number): Promise<void> {
    const { store } = openFiles(folder.path, clock);
    await store.open();
    await store.close();
    const redis = { url: `redis://127.0.0.1:${port}` };
    writeConfig(folder.path, { data: folder.path, state: { kind: 'redis' }, redis });
    reader = new ThreadReader(load({ config: `${folder.path}/tidegauge.yaml` }).config, clock, {
      deadlineMs: 1000,
    });
  }
  const listen = () =>
    new Promise<number>(resolve => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });

  it('is not lost to one request that takes too long', async () => {
    // It takes connections and never answers.
    await start(await listen());
    const answer = expect(reader.read('listAcks', INPUT)).rejects.toMatchObject({ status: 503 });
    await until('the deadline to run', () => clock.sleeping === 1);
    clock.advance(1000);
    await answer;
    expect(reader.failing).toBeNull();
  }, 60_000);

  it('is lost while the state is away, and tried again after a while: nobody asks who is not ready', async () => {
    const port = await listen();
    await new Promise(resolve => server.close(resolve));
    await start(port);
    await expect(reader.read('listAcks', INPUT)).rejects.toMatchObject({ status: 503 });
    expect(reader.failing).toContain('127.0.0.1');
    clock.advance(29_999);
    expect(reader.failing).not.toBeNull();
    clock.advance(1);
    expect(reader.failing).toBeNull();
  }, 60_000);
});
