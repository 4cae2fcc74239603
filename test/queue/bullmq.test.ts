import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Queue as BullQueue } from 'bullmq';
import { Redis } from 'ioredis';
import { systemClock } from '../../core/clock.ts';
import { encodeFrame, type Frame } from '../../core/traffic/frame.ts';
import { createBullmqQueue } from '../../queue/bullmq.ts';
import type { Queue } from '../../queue/contract.ts';
import { frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { Child, until } from '../parts/process.ts';
import { type RedisServer, startRedis } from '../parts/redis/server.ts';

const frames = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => frameOf('web-1', from + i));

/** What takes longer waits for Redis to come back, ms; seconds are nothing on a busy machine. */
const SOON_MS = 20_000;

/** Takes connections and says nothing, as a server does that is stopped. */
async function startMute(port: number) {
  const open = new Set<Socket>();
  const server = createServer(socket => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    socket.resume();
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  return { open, stop: () => new Promise(resolve => server.close(resolve)) };
}

describeWith(['redis'], 'bullmq queue when things break', () => {
  let redis: RedisServer;
  let queue: Queue;
  let prefix: string;
  let logged: ReturnType<typeof recordingLog>;
  let taken: Frame[];
  let runs = 0;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    prefix = `fault-${runs++}`;
    logged = recordingLog();
    taken = [];
    queue = create();
    await queue.open();
  });
  afterEach(() => queue.close());

  const create = (url = redis.url, limit = 2000) =>
    createBullmqQueue({ lanes: 1, url, prefix, clock: systemClock, log: logged.log, limit });
  const publish = async (list: readonly Frame[]) => {
    for (const frame of list) await queue.publish(frame);
  };
  const consume = (from = queue) =>
    from.consume(0, async frame => {
      taken.push(frame);
    });
  const elapsed = async (action: () => Promise<unknown>) => {
    const start = performance.now();
    await action();
    return performance.now() - start;
  };

  it('leaves no key when it was tried out', async () => {
    await queue.tryWriting();
    const admin = new Redis(redis.url);
    try {
      expect(await admin.keys(`*${prefix}*`)).toEqual([]);
    } finally {
      admin.disconnect();
    }
  });

  it('hands the frame of a killed worker to the next one within seconds, also when it is killed again', async () => {
    const [first, stuck, ...rest] = frames(4);
    if (!first || !stuck) throw new Error('four were made');
    await publish([first, stuck, ...rest]);
    const child = () =>
      new Child(process.execPath, [
        'test/parts/children/consumer.ts',
        ...[redis.url, prefix, '1', '0', String(stuck.start)],
      ]);
    const one = child();
    await one.until('it to be stuck', output => output.includes(`${stuck.start}`));
    await one.stop('SIGKILL');
    const two = child();
    await two.until('it to be stuck', output => output.includes(`${stuck.start}`));
    expect(two.output).toBe(`${stuck.start}\n`);
    await two.stop('SIGKILL');
    consume();
    // With the defaults of BullMQ it would be a minute, and after the second kill never.
    await until('all frames', () => taken.length === 3);
    expect(taken).toEqual([stuck, ...rest]);
  });

  it('keeps order when Redis is killed while a frame is handled, and says so in two lines', async () => {
    await publish(frames(5));
    let release: (() => void) | undefined;
    const seen: number[] = [];
    queue.consume(0, async frame => {
      seen.push(frame.start);
      if (seen.length === 2) {
        await new Promise<void>(resolve => {
          release = resolve;
        });
      }
    });
    await until('the second frame', () => release !== undefined);
    // What was appended reaches the disk every second.
    const watcher = new Redis(redis.url);
    await until('the append-only file to be written', async () =>
      /aof_pending_bio_fsync:0/.test(await watcher.info()),
    );
    watcher.disconnect();
    await redis.restart();
    release?.();
    await until('a connection', () =>
      queue.publish(frameOf('web-1', 5)).then(
        () => true,
        () => false,
      ),
    );
    await until('the last frame', () => seen.at(-1) === frameOf('web-1', 5).start);
    // At least once: a frame may come again, never after a later one.
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(new Set(seen)).toEqual(new Set(frames(6).map(frame => frame.start)));
    expect(logged.lines.filter(line => /contact/.test(line.message)).length).toBeLessThanOrEqual(2);
  });

  it('rejects soon, to be tried again, while Redis is away; stops a consumer all the same', async () => {
    const own = await startRedis();
    const away = create(own.url);
    await away.open();
    const consumer = consume(away);
    await away.publish(frameOf('web-1', 0));
    await until('the frame', () => taken.length === 1);
    await own.child.stop('SIGKILL');
    for (let i = 0; i < 3; i++) {
      const ms = await elapsed(() =>
        expect(away.publish(frameOf('web-1', 1))).rejects.toMatchObject({ retry: true }),
      );
      expect(ms).toBeLessThan(SOON_MS);
    }
    await expect(away.depth()).rejects.toMatchObject({ retry: true });
    await until('the outage in the log', () =>
      logged.lines.some(line => line.message.includes('lost contact')),
    );
    expect(await elapsed(() => consumer.stop())).toBeLessThan(SOON_MS);
    expect(await elapsed(() => away.close())).toBeLessThan(SOON_MS);
    expect(logged.lines.filter(line => line.level === 'warn')).toHaveLength(1);
    await own.stop();
  });

  it('rejects within seconds while Redis hangs, and queues the frame once', async () => {
    process.kill(redis.child.process.pid ?? 0, 'SIGSTOP');
    const ms = await elapsed(() =>
      expect(queue.publish(frameOf('web-1', 0))).rejects.toMatchObject({ retry: true }),
    );
    process.kill(redis.child.process.pid ?? 0, 'SIGCONT');
    expect(ms).toBeLessThan(SOON_MS);
    await until('Redis', () =>
      queue.publish(frameOf('web-1', 0)).then(
        () => true,
        () => false,
      ),
    );
    expect(await queue.depth()).toBe(1);
  });

  it('says while opening what is wrong: nobody there, a password that is not right', async () => {
    const nobody = create('redis://user:secret@127.0.0.1:1');
    await expect(nobody.open()).rejects.toMatchObject({
      retry: true,
      message: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/),
    });
    await nobody.close();
    const own = await startRedis();
    const admin = new Redis(own.url);
    await admin.config('SET', 'requirepass', 'right');
    admin.disconnect();
    const wrong = create(own.url.replace('//', '//:wrong@'));
    await expect(wrong.open()).rejects.toMatchObject({
      retry: false,
      problem: { remedy: expect.stringContaining('redis.url') },
    });
    await wrong.close();
    const right = create(own.url.replace('//', '//:right@'));
    expect(await right.open()).toMatch(/^Redis 7\.\d.* at redis:\/\/127\.0\.0\.1:\d+, prefix fault-/);
    await right.close();
    await own.stop();
  });

  it('leaves no connection behind when it is stopped while Redis takes connections and answers nothing', async () => {
    const own = await startRedis();
    const stalled = create(own.url);
    await stalled.open();
    const consumer = consume(stalled);
    const admin = new Redis(own.url);
    await until('its blocking read', async () => String(await admin.client('LIST')).includes('cmd=bzpopmin'));
    admin.disconnect();
    await own.child.stop('SIGKILL');
    const mute = await startMute(own.port);
    // BullMQ gives such a read up three seconds after it began, and shows that nowhere.
    await systemClock.sleep(3500);
    await until('it to come back', () => mute.open.size > 0);
    await consumer.stop();
    await stalled.close();
    await until('the last connection to end', () => mute.open.size === 0);
    await mute.stop();
    await own.stop();
  });

  it('takes what an earlier version queued as text', async () => {
    const admin = new Redis(redis.url);
    const raw = new BullQueue('lane-0', { connection: admin, prefix: `{${prefix}}` });
    for (const frame of frames(2)) await raw.add('frame', encodeFrame(frame));
    consume();
    await until('the frames', () => taken.length === 2);
    expect(taken).toEqual(frames(2));
    await raw.close();
    admin.disconnect();
  });

  it('drops jobs without a frame, with a line in the log, and goes on', async () => {
    const admin = new Redis(redis.url);
    const raw = new BullQueue('lane-0', { connection: admin, prefix: `{${prefix}}` });
    await raw.add('frame', '{"host": 1}');
    await raw.add('frame', { not: 'a text' });
    await raw.add('frame', 'cut of', { jobId: 'mangled' });
    await admin.hset(`{${prefix}}:lane-0:mangled`, 'data', '{"half":');
    await publish(frames(2));
    consume();
    await until('the frames', () => taken.length === 2);
    const dropped = logged.lines.filter(line => line.message === 'a job that holds no frame is dropped');
    expect(dropped).toHaveLength(3);
    await until('an empty queue', async () => (await queue.depth()) === 0);
    await raw.close();
    admin.disconnect();
  });

  it('leaves nothing behind in Redis that grows with the frames', async () => {
    consume();
    await publish(frames(300));
    await until('all frames', () => taken.length === 300);
    await until('an empty queue', async () => (await queue.depth()) === 0);
    const admin = new Redis(redis.url);
    const keys = await admin.keys(`*${prefix}*`);
    expect(keys.length).toBeLessThan(10);
    expect(keys.every(key => key.startsWith(`{${prefix}}:lane-0:`))).toBe(true);
    expect(await admin.xlen(`{${prefix}}:lane-0:events`)).toBeLessThan(300);
    admin.disconnect();
  });

  it('lets the oldest frames of a lane go that nobody consumes', async () => {
    const small = create(redis.url, 10);
    await small.open();
    for (const frame of frames(130)) await small.publish(frame);
    expect(await small.depth()).toBeLessThan(10 + 64);
    consume(small);
    await until('the newest', () => taken.at(-1)?.start === frameOf('web-1', 129).start);
    expect(taken).toEqual(frames(taken.length, 130 - taken.length));
    expect(logged.lines.some(line => line.message.includes('no worker takes this lane'))).toBe(true);
    await small.close();
  });
});
