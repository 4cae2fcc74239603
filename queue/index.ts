import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config/config.ts';
import type { Log } from '../core/log.ts';
import type { Queue } from './contract.ts';
import { createInlineQueue } from './inline.ts';

export type QueueSettings = Pick<Config, 'queue' | 'redis'>;

interface Parts {
  clock: Clock;
  log: Log;
  /** What was warned of already, of servers that others use too. */
  warned?: Set<string>;
}

const QUEUES: Record<Config['queue']['kind'], (settings: QueueSettings, parts: Parts) => Promise<Queue>> = {
  inline: async ({ queue }, parts) => createInlineQueue({ lanes: queue.lanes, ...parts }),
  // BullMQ is large: it is loaded only where it is used.
  bullmq: async ({ queue, redis }, parts) => {
    const { createBullmqQueue } = await import('./bullmq.ts');
    return createBullmqQueue({ lanes: queue.lanes, ...redis, ...parts });
  },
};

/** The queue that the configuration names; nothing is connected before it is used. */
export function createQueue(settings: QueueSettings, parts: Parts): Promise<Queue> {
  return QUEUES[settings.queue.kind](settings, parts);
}
