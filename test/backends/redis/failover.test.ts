import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { frameOf } from '../../data/frames.ts';
import { type Forwarder, startForwarder } from '../../parts/forwarder.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';
import { type RedisServer, startRedis } from '../../parts/redis/server.ts';
import { startWork } from '../../parts/redis/work.ts';

/** Resolves when the replica has all that its master has: WAIT is about what this client wrote. */
const inStep = (master: Redis) =>
  until('the replica', async () => {
    await master.set('written-last', 1);
    return (await master.wait(1, 1000)) === 1;
  });

describeWith(['redis'], 'a failover behind a virtual address', () => {
  let first: RedisServer;
  let second: RedisServer;
  let forwarder: Forwarder;
  const admins: Redis[] = [];
  beforeAll(async () => {
    first = await startRedis();
    second = await startRedis({ replicaOf: first.port });
    forwarder = await startForwarder(first.port);
  });
  afterAll(async () => {
    for (const admin of admins) admin.disconnect();
    await forwarder.stop();
    await first.stop();
    await second.stop();
  });

  it('takes nobody along who stays connected: all go to the new master, alerts come once, none is lost', async () => {
    const [old, next] = [first, second].map(({ url }) => new Redis(url));
    if (!old || !next) throw new Error('two were made');
    admins.push(old, next);
    await until('the replica', async () => /master_link_status:up/.test(await next.info()));
    const work = await startWork({ url: `redis://127.0.0.1:${forwarder.port}` });
    try {
      const frames = Array.from({ length: 20 }, (_, i) => frameOf('web-1', i));
      for (const frame of frames.slice(0, 10)) await work.publish(frame);
      await until('ten alerts', async () => (await work.alerts()).length === 10);
      await inStep(old);
      await next.replicaof('NO', 'ONE');
      forwarder.leadTo(second.port);
      await old.replicaof('127.0.0.1', second.port);
      for (const frame of frames.slice(10)) await work.publish(frame);
      await work.alertOf(frameOf('web-1', 19));
      expect(await work.alerts()).toEqual(frames.map(frame => frame.start));
      expect(new Set(work.seen)).toEqual(new Set(frames.map(frame => frame.start)));
      expect(work.seen).toEqual([...work.seen].sort((a, b) => a - b));
    } finally {
      await work.stop();
    }
  });
});
