import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Heartbeat, troubleOf } from '../../../app/watch/heartbeat.ts';
import { systemClock } from '../../../core/clock.ts';
import { beat } from '../../../notify/heartbeat.ts';
import type { WorkerStatus } from '../../../worker/worker.ts';
import { ManualClock } from '../../parts/clock.ts';
import { recordingLog } from '../../parts/log.ts';
import { until } from '../../parts/process.ts';

const WELL = { policy: true, stateDown: null, storeDown: null, waitingHosts: [] as string[] };
const workerOf = (more: Partial<WorkerStatus>) => ({ ...WELL, ...more }) as WorkerStatus;

describe('heartbeat', () => {
  let server: Server;
  let url: string;
  let asked: string[];
  let answer: number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(answer, { location: '/elsewhere' }).end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/token`;
  });
  beforeEach(() => {
    asked = [];
    answer = 200;
  });
  afterAll(() => new Promise(resolve => server.close(resolve)));

  /** A heartbeat every minute on a clock that the test moves, over a real connection. */
  function started(worker: () => WorkerStatus | null) {
    const clock = new ManualClock();
    const { log, lines } = recordingLog();
    const heartbeat = new Heartbeat({
      config: { url, every: 60_000, timeout: 10_000 },
      ...{ clock, log, worker },
      beat: signal => beat(url, { signal, timeoutMs: 10_000, clock: systemClock }),
    });
    heartbeat.start();
    const pass = async (ms: number) => {
      await until('the loop to rest', () => clock.sleeping > 0);
      clock.advance(ms);
      await until('the loop to rest', () => clock.sleeping > 0);
    };
    return { heartbeat, pass, lines };
  }

  it('is given each minute while detection works', async () => {
    const { heartbeat, pass } = started(() => workerOf({}));
    await pass(60_000);
    await pass(59_000);
    await pass(1000);
    expect(asked).toEqual(Array(3).fill('GET /ping/token'));
    await heartbeat.stop();
  });

  it('stays away while detection does not work, and says so once', async () => {
    let storeDown: string | null = 'no connection';
    const { heartbeat, pass, lines } = started(() => workerOf({ storeDown }));
    for (let i = 0; i < 3; i++) await pass(60_000);
    expect(asked).toEqual([]);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', expect.stringMatching(/^no heartbeat/)],
    ]);
    storeDown = null;
    await pass(60_000);
    expect(asked).toHaveLength(1);
    expect(lines.at(-1)?.message).toBe('heartbeat accepted again');
    await heartbeat.stop();
  });

  it('belongs to the process that delivers messages; another one is ready to take over', async () => {
    let policy = false;
    const { heartbeat, pass } = started(() => workerOf({ policy }));
    for (let i = 0; i < 3; i++) await pass(5000);
    expect(asked).toEqual([]);
    policy = true;
    await pass(5000);
    expect(asked).toHaveLength(1);
    await heartbeat.stop();
  });

  it('follows no redirect, and reports a refusal', async () => {
    answer = 302;
    const { heartbeat, pass, lines } = started(() => workerOf({}));
    await pass(60_000);
    expect(new Set(asked)).toEqual(new Set(['GET /ping/token']));
    expect(lines.length).toBe(1);
    await heartbeat.stop();
  });

  it('knows what keeps detection from working', () => {
    expect(troubleOf(null).mine).toBe(false);
    expect(troubleOf(workerOf({ stateDown: 'x' })).trouble).toBe('the state is away: x');
    expect(troubleOf(workerOf({ waitingHosts: ['a'] })).trouble).toBe('detection on a waits');
    expect(troubleOf(workerOf({})).trouble).toBeNull();
  });
});
