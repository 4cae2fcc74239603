import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { placeOf } from '../../../backends/redis/addresses.ts';
import { createClient } from '../../../backends/redis/client.ts';
import { isSetupError, redisError } from '../../../backends/redis/errors.ts';
import { logOutages } from '../../../backends/redis/outages.ts';
import { ExchangeError } from '../../../core/errors.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';
import { type RedisServer, startRedis } from '../../parts/redis/server.ts';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

describe('redisError', () => {
  it.each([
    ['LOADING Redis is loading the dataset in memory', true],
    ['READONLY You can not write against a read only replica.', true],
    ['NOAUTH Authentication required.', true],
    ['ERR unknown command', false],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', false],
  ])('decides on %s', (message, retry) => {
    expect(redisError(reply(message), 'redis://h')).toMatchObject({ retry, problem: { place: 'redis://h' } });
  });

  it('takes everything that is no answer for a lost connection', () => {
    for (const error of [new Error('connect ECONNREFUSED'), new Error('Command timed out'), 'text', null]) {
      expect(redisError(error, 'here')).toMatchObject({ retry: true, problem: { expected: 'an answer' } });
    }
  });

  it('leaves a decision that was made already as it is', () => {
    const made = new ExchangeError({ place: '', expected: '', found: '', remedy: '' }, { retry: false });
    expect(redisError(made, 'here')).toBe(made);
  });

  it('knows a set-up that is wrong, and shows no secrets of an address', () => {
    expect(isSetupError(reply('WRONGPASS invalid username-password pair'))).toBe(true);
    expect(isSetupError(reply('OOM command not allowed'))).toBe(false);
    expect(isSetupError(new Error('NOAUTH'))).toBe(false);
    expect(placeOf({ url: 'rediss://user:secret@host:6380/3?family=6' })).toBe('rediss://host:6380/3');
  });

  it('of something that is no Redis says so, as seen by a real client', async () => {
    const sockets: Socket[] = [];
    const server = createServer(socket => {
      sockets.push(socket);
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const { log, lines } = recordingLog();
    const port = await new Promise<number>(resolve =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    logOutages(client, 'there', log);
    await until('the outage to be told', () => lines.length > 0);
    client.disconnect();
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
    expect(lines[0]?.fields).toEqual({ place: 'there', error: 'one that no Redis gives' });
  });
});

describe('a Redis in protected mode', () => {
  const DENIED =
    'DENIED Redis is running in protected mode because protected mode is enabled and no password is set';

  it('that is heard is a set-up that is wrong, with what to do', () => {
    expect(isSetupError(reply(DENIED))).toBe(true);
    expect(redisError(reply(DENIED), 'redis://h')).toMatchObject({
      retry: true,
      problem: { remedy: expect.stringMatching(/password \(`requirepass`\).*`bind`/) },
    });
  });

  it.each(['ECONNRESET', 'EPIPE'])(
    'whose answer is lost, as writing fails first (%s), is thought of',
    code => {
      const failure = Object.assign(new Error(`write ${code}`), { code });
      expect(redisError(failure, 'redis://h').problem).toMatchObject({
        found: `write ${code}`,
        remedy: expect.stringContaining('In protected mode Redis refuses other hosts'),
      });
      expect(redisError(failure, 'rediss://h').problem.remedy).not.toContain('protected');
      const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      expect(redisError(refused, 'redis://h').problem.remedy).not.toContain('protected');
    },
  );
});

describeWith(['redis'], 'a client', () => {
  it('that is closed before it was connected has lost nothing', async () => {
    const redis = await startRedis();
    const { log, lines } = recordingLog();
    const client = createClient(redis);
    logOutages(client, 'there', log);
    const failed = new Promise(resolve => client.once('error', resolve));
    await new Promise(resolve => client.once('connect', resolve));
    client.disconnect();
    await failed;
    await redis.stop();
    expect(lines).toEqual([]);
  });
});

describeWith(['redis'], 'redisError of a real server', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('may be tried again when Redis is full', async () => {
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory', '1');
    const error = await client.set('key', 'value').catch((cause: unknown) => redisError(cause, 'here'));
    expect(error).toMatchObject({ retry: true, problem: { remedy: expect.stringContaining('maxmemory') } });
    client.disconnect();
  });
});
