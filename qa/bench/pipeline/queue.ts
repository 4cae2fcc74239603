import { Queue as BullQueue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { systemClock } from '../../../core/clock.ts';
import { encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { createBullmqQueue } from '../../../queue/bullmq.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { recordingLog } from '../../../test/parts/log.ts';
import { startRedis } from '../../../test/parts/redis/server.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 7;
const FRAMES = 400;

/** What the queue costs on top of BullMQ: frames from publish to the handler, against bare jobs of the same bytes. */
export async function queueBench(): Promise<BenchTable[]> {
  const redis = await startRedis();
  try {
    const rows: BenchTable['rows'][number][] = [];
    for (const containers of [1, 20, 100]) {
      const frames = Array.from({ length: FRAMES }, (_, n) => frameOf('bench', n, busyParts(containers)));
      const { queue, bare } = await inTurn(ROUNDS, {
        queue: () => throughQueue(redis.url, frames),
        bare: () => throughBullmq(redis.url, frames),
      });
      const ratios = queue.map((value, round) => value / (bare[round] ?? Number.NaN));
      const size = encodeFrame(frames[0] ?? frameOf('bench', 0)).length / 1024;
      rows.push({
        name: `frames of ${containers} containers, ${size.toFixed(1)} KiB`,
        value: `${Math.round(median(queue))} frames/s`,
        ratio: median(ratios).toFixed(2),
        spread: spread(ratios),
      });
    }
    return [{ title: 'Redis queue, publish to handler, against bare BullMQ with the same bytes', rows }];
  } finally {
    await redis.stop();
  }
}

/** Frames per second: all published, and taken by a consumer that was there from the start. */
async function throughQueue(url: string, frames: readonly Frame[]): Promise<number> {
  const { log } = recordingLog();
  const queue = createBullmqQueue({ lanes: 1, url, prefix: 'ours', clock: systemClock, log });
  await queue.open();
  const rate = await perSecond(frames, async onTaken => {
    queue.consume(0, async () => onTaken());
    return frame => queue.publish(frame);
  });
  await queue.close();
  return rate;
}

/** The same with BullMQ as its documentation uses it: one worker, one job at a time, frames that nobody checks. */
async function throughBullmq(url: string, frames: readonly Frame[]): Promise<number> {
  const producer = new Redis(url);
  const consumer = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new BullQueue('bare', { connection: producer });
  let onTaken = () => {};
  const worker = new Worker('bare', async () => onTaken(), {
    connection: consumer,
    removeOnComplete: { count: 0 },
  });
  const rate = await perSecond(frames, async taken => {
    onTaken = taken;
    await worker.waitUntilReady();
    return frame => queue.add('frame', frame);
  });
  await worker.close();
  await queue.close();
  producer.disconnect();
  consumer.disconnect();
  return rate;
}

/** Items per second from the first one published to the last one taken. `start` returns how to publish. */
async function perSecond<T>(
  items: readonly T[],
  start: (onTaken: () => void) => Promise<(item: T) => Promise<unknown>>,
): Promise<number> {
  let left = items.length;
  let finish = () => {};
  const finished = new Promise<void>(resolve => {
    finish = resolve;
  });
  const publish = await start(() => {
    if (--left === 0) finish();
  });
  const from = performance.now();
  for (const item of items) await publish(item);
  await finished;
  return items.length / ((performance.now() - from) / 1000);
}
