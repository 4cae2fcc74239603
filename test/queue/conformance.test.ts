import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../core/clock.ts';
import { ExchangeError } from '../../core/errors.ts';
import { laneOf } from '../../core/lane.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { createBullmqQueue } from '../../queue/bullmq.ts';
import type { Handler, Queue } from '../../queue/contract.ts';
import { createInlineQueue } from '../../queue/inline.ts';
import { busyParts, frameOf } from '../data/frames.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { until } from '../parts/process.ts';
import { REDIS_SETUPS, type RedisSetup } from '../parts/redis/setups.ts';

const LANES = 4;
const backoff = { firstMs: 5, maxMs: 20 };

/** What every queue promises, whatever it is made of. */
function conformance(create: () => Queue): void {
  let queue: Queue;
  beforeEach(async () => {
    queue = create();
    await queue.open();
  });
  afterEach(() => queue.close());

  const publish = async (...frames: Frame[]) => {
    for (const frame of frames) await queue.publish(frame);
  };
  const frames = (host: string, count: number) => Array.from({ length: count }, (_, n) => frameOf(host, n));
  const lane = laneOf('web-1', LANES);

  /** A handler that remembers what it took. */
  const collector = () => {
    const taken: Frame[] = [];
    const handler: Handler = async frame => {
      taken.push(frame);
    };
    return { taken, handler };
  };

  it('hands over a lane in order, exactly as published, before and after the consumer came', async () => {
    const sent = Array.from({ length: 50 }, (_, n) => frameOf('web-1', n, busyParts(n % 3)));
    await publish(...sent.slice(0, 25));
    const { taken, handler } = collector();
    queue.consume(lane, handler);
    await publish(...sent.slice(25));
    await until('all frames', () => taken.length >= sent.length);
    expect(taken).toEqual(sent);
    await until('an empty queue', async () => (await queue.depth()) === 0);
  });

  it('can be tried out beside frames: nothing of it is handed over, nothing is left', async () => {
    await publish(frameOf('web-1', 0));
    await Promise.all([queue.tryWriting(), queue.tryWriting()]);
    expect(await queue.depth()).toBe(1);
    const { taken, handler } = collector();
    queue.consume(lane, handler);
    await until('the frame', () => taken.length > 0);
    expect(taken).toEqual([frameOf('web-1', 0)]);
  });

  it('runs one frame of a lane at a time', async () => {
    await publish(...frames('web-1', 10));
    let running = 0;
    let most = 0;
    let done = 0;
    queue.consume(lane, async () => {
      most = Math.max(most, ++running);
      await systemClock.sleep(2);
      running--;
      done++;
    });
    await until('all frames', () => done === 10);
    expect(most).toBe(1);
  });

  it('gives a failing frame again before any later one, even when the error calls itself final', async () => {
    await publish(...frames('web-1', 4));
    const seen: number[] = [];
    let failures = 0;
    queue.consume(lane, async frame => {
      seen.push((frame.start - frameOf('web-1', 0).start) / 5000);
      if (frame.previous !== null && failures < 3) {
        failures++;
        const problem = { place: 'here', expected: 'luck', found: 'none', remedy: 'Go on.' };
        throw failures === 2 ? new ExchangeError(problem, { retry: false }) : new Error('once more');
      }
    });
    await until('the last frame', () => seen.at(-1) === 3);
    expect(seen).toEqual([0, 1, 1, 1, 1, 2, 3]);
  });

  it('does not queue a frame twice that is still queued, but does once it was taken', async () => {
    const [first, second] = [frameOf('web-1', 0), frameOf('web-1', 1)];
    await publish(first, second, first, second);
    expect(await queue.depth()).toBe(2);
    const { taken, handler } = collector();
    queue.consume(lane, handler);
    await until('an empty queue', async () => (await queue.depth()) === 0);
    await publish(first);
    await until('the frame again', () => taken.length === 3);
    expect(taken).toEqual([first, second, first]);
  });

  it('keeps lanes apart: a lane that is stuck does not hold up another', async () => {
    const other = ['web-2', 'web-3', 'web-4', 'web-5'].find(host => laneOf(host, LANES) !== lane) ?? '';
    await publish(frameOf('web-1', 0), frameOf(other, 0), frameOf(other, 1));
    const stuck = queue.consume(lane, () => Promise.reject(new Error('never')));
    const { taken, handler } = collector();
    queue.consume(laneOf(other, LANES), handler);
    await until('the other lane', () => taken.length === 2);
    await stuck.stop();
    expect(await queue.depth()).toBe(1);
  });

  it('stops after the running frame; another consumer goes on with the next', async () => {
    await publish(...frames('web-1', 5));
    let release = () => {};
    const first: number[] = [];
    const consumer = queue.consume(lane, async frame => {
      first.push(frame.start);
      await new Promise<void>(resolve => {
        release = resolve;
      });
    });
    await until('the first frame', () => first.length === 1);
    let stopped = false;
    const stop = consumer.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    release();
    await stop;
    const { taken, handler } = collector();
    queue.consume(lane, handler);
    await until('the rest', () => taken.length === 4);
    expect([...first, ...taken.map(frame => frame.start)]).toEqual(
      frames('web-1', 5).map(frame => frame.start),
    );
  });

  it('keeps a frame that was failing when its consumer was stopped, at the head', async () => {
    await publish(...frames('web-1', 3));
    let failed = false;
    const consumer = queue.consume(lane, async () => {
      failed = true;
      throw new Error('never');
    });
    await until('a failure', () => failed);
    await consumer.stop();
    expect(await queue.depth()).toBe(3);
    const { taken, handler } = collector();
    queue.consume(lane, handler);
    await until('all frames', () => taken.length === 3);
    expect(taken).toEqual(frames('web-1', 3));
  });

  it('takes a new consumer while the last one is stopping, and gives it nothing before that is at its end', async () => {
    await publish(...frames('web-1', 2));
    let release = () => {};
    let running = false;
    const last = queue.consume(lane, async () => {
      running = true;
      await new Promise<void>(resolve => {
        release = resolve;
      });
      running = false;
    });
    await until('the first frame', () => running);
    const stopped = last.stop();
    const seen: { start: number; running: boolean }[] = [];
    queue.consume(lane, async ({ start }) => void seen.push({ start, running }));
    release();
    await stopped;
    await until('the second frame', () => seen.length === 1);
    expect(seen).toEqual([{ start: frameOf('web-1', 1).start, running: false }]);
  });

  it('takes hosts and containers of any characters', async () => {
    const hosts = ['a:b', '123', 'x'.repeat(300), '', 'new\nline "quoted" \\', '{tag}', 'ü💥', 'a\u0000b'];
    const taken: Frame[] = [];
    for (let i = 0; i < LANES; i++) {
      queue.consume(i, async frame => {
        taken.push(frame);
      });
    }
    const sent = hosts.map(host => frameOf(host, 0, { started: [host], ended: [`${host}\\`] }));
    await publish(...sent);
    await until('all frames', () => taken.length === hosts.length);
    expect(new Set(taken.map(frame => JSON.stringify(frame)))).toEqual(
      new Set(sent.map(frame => JSON.stringify(frame))),
    );
  });

  it('refuses a second consumer of a lane and a lane that does not exist', async () => {
    const consumer = queue.consume(lane, async () => {});
    expect(() => queue.consume(lane, async () => {})).toThrow('consumed already');
    expect(() => queue.consume(LANES, async () => {})).toThrow(RangeError);
    expect(() => queue.consume(-1, async () => {})).toThrow(RangeError);
    await consumer.stop();
    await queue.consume(lane, async () => {}).stop();
  });
}

describe('inline queue', () => {
  const { log } = recordingLog();
  conformance(() => createInlineQueue({ lanes: LANES, clock: systemClock, log, backoff }));
});

for (const { name, parts, start } of REDIS_SETUPS) {
  describeWith(parts, `bullmq queue in ${name}`, () => {
    let redis: RedisSetup;
    let runs = 0;
    beforeAll(async () => {
      redis = await start();
    });
    afterAll(() => redis.stop());
    conformance(() =>
      createBullmqQueue({
        ...redis.servers,
        lanes: LANES,
        prefix: `run-${runs++}`,
        clock: systemClock,
        log: recordingLog().log,
        backoff,
      }),
    );
  });
}
