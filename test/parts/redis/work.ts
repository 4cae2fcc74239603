import { systemClock } from '../../../core/clock.ts';
import type { RedisServers } from '../../../core/config/redis.ts';
import { retrying } from '../../../core/retry.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createBullmqQueue } from '../../../queue/bullmq.ts';
import type { Lease } from '../../../state/contract.ts';
import { createRedisState } from '../../../state/redis/state.ts';
import { incidentOf, notificationOf } from '../../data/incidents.ts';
import { recordingLog } from '../log.ts';
import { until } from '../process.ts';

/** Queue and state as a collector and a worker use them: each frame that is published becomes one alert. */
export async function startWork(where: RedisServers) {
  const { log, lines } = recordingLog();
  const shared = { ...where, prefix: 'tidegauge', clock: systemClock, log };
  const queue = createBullmqQueue({ ...shared, lanes: 1 });
  const state = createRedisState(shared);
  await Promise.all([queue.open(), state.open()]);
  const ended = new AbortController();
  const persistent = <T>(action: () => Promise<T>) =>
    retrying(action, {
      clock: systemClock,
      backoff: { firstMs: 100, maxMs: 500 },
      signal: ended.signal,
    });
  let lease: Lease | null = null;
  const commit = async (frame: Frame) => {
    lease ??= await state.acquire('lane-0', 'worker', 60_000);
    const incident = incidentOf(frame.start);
    const change = { incidents: [incident], notifications: [notificationOf(incident, 'hook')] };
    if (lease && (await state.commit(lease, change))) return;
    lease = null;
    throw new Error('the lease is lost: once more with another one');
  };
  const seen: number[] = [];
  queue.consume(0, async frame => {
    await commit(frame);
    seen.push(frame.start);
  });
  const alerts = async () => {
    const due = await persistent(() => state.dueDeliveries('hook', Number.MAX_SAFE_INTEGER, 1000));
    return due.map(({ notification }) => notification.incident.start);
  };
  return {
    lines,
    /** What the worker took, in its order. */
    seen,
    publish: (frame: Frame) => persistent(() => queue.publish(frame)),
    alerts,
    alertOf: (frame: Frame) => until('the alert', async () => (await alerts()).includes(frame.start), 60_000),
    async stop() {
      ended.abort();
      await queue.close();
      await state.close();
    },
  };
}
