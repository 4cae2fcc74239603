import { parentPort, workerData } from 'node:worker_threads';
import { rollUp } from '../tiers.ts';
import { expire } from './expiry.ts';
import { sqliteFailure } from './failure.ts';
import { withTiers } from './tiers.ts';
import type { Outcome, Task } from './upkeep.ts';

/** The thread of one task: does it on a connection of its own, posts its outcome, and ends. */
async function perform(task: Task): Promise<Outcome> {
  try {
    const count = await withTiers(task.file, (tiers, db) =>
      task.kind === 'roll-up'
        ? rollUp(tiers, task.host, task.range)
        : expire(db, task.file, task.now, task.retention),
    );
    return { count };
  } catch (error) {
    const { problem, retry } = sqliteFailure(task.file, error);
    return { failure: { problem, retry } };
  }
}

parentPort?.postMessage(await perform(workerData as Task));
