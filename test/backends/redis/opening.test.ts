import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../../core/clock.ts';
import { ExchangeError } from '../../../core/errors.ts';
import { createBullmqQueue } from '../../../queue/bullmq.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { connectionTo, serverVersion } from '../../../store/influx/client/connect.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { type RedisServer, startRedis } from '../../parts/redis/server.ts';

/** What opening state and queue at an address is refused with; the same for both. */
async function refusalOf(url: string): Promise<ExchangeError> {
  const { log } = recordingLog();
  const shared = { url, prefix: 'tidegauge', clock: systemClock, log };
  const opened = [createRedisState(shared), createBullmqQueue({ ...shared, lanes: 1 })];
  const results = await Promise.allSettled(opened.map(one => one.open()));
  await Promise.all(opened.map(one => one.close()));
  const [ofState, ofQueue] = results.map(result => (result.status === 'rejected' ? result.reason : null));
  expect(ofState).toBeInstanceOf(ExchangeError);
  expect(ofQueue.message).toBe(ofState.message);
  expect(ofState.message).not.toContain('hunter2');
  return ofState;
}

describeWith(['redis'], 'opening queue and state', () => {
  let redis: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redis.url);
  });
  afterAll(async () => {
    admin.disconnect();
    await redis.stop();
  });

  const NEEDED = '`~{tidegauge}* +@all -@dangerous +info`';
  it.each([
    ['other keys', ['~other*', '+@all', '-@dangerous', '+info']],
    ['reading alone', ['~{tidegauge}*', '+@read', '+@connection', '+info']],
    ['no writing in scripts', ['~{tidegauge}*', '+@all', '-@dangerous', '+info', '-xadd']],
    ['no blocking reads', ['~{tidegauge}*', '+@all', '-@dangerous', '+info', '-bzpopmin']],
    ['no INFO', ['~{tidegauge}*', '+@all', '-@dangerous']],
  ])('as a user with rights to %s ends with the rights that are needed', async (_, rights) => {
    await admin.call('ACL', 'SETUSER', 'weak', 'reset', 'on', '>hunter2', ...rights);
    const refusal = await refusalOf(redis.url.replace('//', '//weak:hunter2@'));
    expect(refusal.retry).toBe(false);
    expect(refusal.problem.remedy).toContain(NEEDED);
  });

  it('with a wrong password ends with where it goes and how it is written', async () => {
    await admin.call('ACL', 'SETUSER', 'strict', 'reset', 'on', '>other');
    const wrong = await refusalOf(redis.url.replace('//', '//strict:hunter2@'));
    expect(wrong).toMatchObject({ retry: false, problem: { found: expect.stringMatching(/^WRONGPASS/) } });
    expect(wrong.problem.remedy).toMatch(/redis\.url.*percent-encoded/);
  });

  it('in a database that the server does not have ends with its setting', async () => {
    const refusal = await refusalOf(`${redis.url}/99`);
    expect(refusal).toMatchObject({
      retry: false,
      problem: { remedy: expect.stringContaining('`databases`') },
    });
  });

  it('over TLS at a port that speaks none says so', async () => {
    const refusal = await refusalOf(redis.url.replace('redis:', 'rediss:'));
    expect(refusal.problem.remedy).toMatch(/If that port speaks no TLS, write redis:\/\//);
  });
});

describe('an address and TLS', () => {
  const folder = temporaryFolder();
  const servers: Server[] = [];
  let tls: number;
  let https: number;
  let http: number;
  beforeAll(async () => {
    const key = join(folder.path, 'key.pem');
    const cert = join(folder.path, 'cert.pem');
    const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const names = ['-subj', '/CN=box', '-addext', 'subjectAltName=DNS:box', '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', ...pair, ...names], { stdio: 'pipe' });
    const options = { key: readFileSync(key), cert: readFileSync(cert) };
    const portOf = async (server: Server) => {
      servers.push(server);
      server.on('tlsClientError', () => {});
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    };
    tls = await portOf(createTlsServer(options, socket => void socket.on('error', () => {}).resume()));
    https = await portOf(createHttpsServer(options));
    http = await portOf(createHttpServer((_, response) => void response.end()));
  });
  afterAll(async () => {
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
    folder.remove();
  });

  const influx = (url: string): Promise<unknown> => {
    const none = { database: 'd', org: '', token: '', username: '', password: '', version: 'auto' as const };
    return serverVersion(connectionTo({ url, timeout: 5000, ...none })).catch((error: unknown) => error);
  };

  it('that do not fit, for Redis: a certificate nobody knows, TLS at a port that is asked without', async () => {
    const untrusted = await refusalOf(`rediss://127.0.0.1:${tls}`);
    expect(untrusted.problem.found).toMatch(/certificate of an authority that is not known here/);
    expect(untrusted.problem.remedy).toMatch(/NODE_EXTRA_CA_CERTS/);
    const plain = await refusalOf(`redis://127.0.0.1:${tls}`);
    expect(plain.problem.remedy).toMatch(/If that port speaks TLS, write rediss:\/\//);
  });

  it('that do not fit, for InfluxDB, are told in the same words', async () => {
    expect(await influx(`https://127.0.0.1:${https}`)).toMatchObject({
      problem: { remedy: expect.stringMatching(/NODE_EXTRA_CA_CERTS/) },
    });
    expect(await influx(`http://127.0.0.1:${https}`)).toMatchObject({
      problem: { remedy: expect.stringMatching(/If that port speaks TLS, write https:\/\//) },
    });
    expect(await influx(`https://127.0.0.1:${http}`)).toMatchObject({
      problem: { found: 'no TLS at that port', remedy: expect.stringContaining('write http://') },
    });
  });
});
