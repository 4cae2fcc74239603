import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { sqliteFailure } from '../../backends/sqlite/failure.ts';
import { openDatabase, openReadOnly } from '../../backends/sqlite/open.ts';
import type { Rollup } from '../../core/traffic/rollup.ts';
import { flowsIn } from '../flow-tiers.ts';
import { rollUpSome } from '../roll-up.ts';
import { readSeries, trafficIn } from '../tiers.ts';
import { STORE_FILE } from './database.ts';
import { expire } from './expiry.ts';
import type { Outcome, Part, Task } from './threads.ts';
import { SqliteTiers } from './tiers.ts';

/** Buckets posted at once. */
const PART = 64;

/** The thread of one task: does it on a connection of its own, posts parts of what it reads and its outcome, and ends. */
async function perform(task: Task): Promise<Outcome> {
  try {
    const db = (task.kind === 'series' ? openReadOnly : openDatabase)(task.file, STORE_FILE);
    try {
      if (task.kind === 'expire') return { count: await expire(db, task.file, task.now, task.retention) };
      const tiers = new SqliteTiers(db, task.file);
      if (task.kind === 'roll-up') {
        const traffic = await rollUpSome(trafficIn(tiers), task.host, task.range);
        const flows = await rollUpSome(flowsIn(tiers.flows), task.host, task.range);
        return { count: traffic.written + flows.written };
      }
      return { count: await post(readSeries(tiers, task.host, task.range, task.stepMs)) };
    } finally {
      db.close();
    }
  } catch (error) {
    const { problem, retry } = sqliteFailure(task.file, error, STORE_FILE.damaged);
    return { failure: { problem, retry } };
  }
}

/** Post what is read in parts, each after the one before was asked for; returns how much it was. */
async function post(series: AsyncIterable<Rollup>): Promise<number> {
  let count = 0;
  let rollups: Rollup[] = [];
  const flush = async () => {
    const asked = parentPort && once(parentPort, 'message');
    parentPort?.postMessage({ rollups } satisfies Part);
    await asked;
    count += rollups.length;
    rollups = [];
  };
  for await (const rollup of series) {
    rollups.push(rollup);
    if (rollups.length >= PART) await flush();
  }
  if (rollups.length > 0) await flush();
  return count;
}

parentPort?.postMessage(await perform(workerData as Task));
