import type { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { type Retention, TIERS } from '../../core/traffic/rollup.ts';
import { transaction } from './database.ts';

/** Rows of one table that a transaction deletes; of windows and tiers more when more are of one time. */
const SLICE_ROWS = 2000;
/** Between two transactions, so that writers of other threads and processes get the lock, ms. */
const PAUSE_MS = 5;

/** Rows of a table that grow old together; `condition` narrows the table. */
interface Aging {
  readonly table: string;
  readonly condition?: string;
}

/** Tables whose rows go at the same time, so that a frame is never left in part. */
const RAW: readonly Aging[] = [
  { table: 'container_traffic' },
  { table: 'container_flows' },
  { table: 'container_connections' },
  { table: 'detections' },
  { table: 'container_expected' },
  { table: 'host_frames', condition: 'host IN (SELECT id FROM hosts)' },
];

const ofTier = (stepMs: number): readonly Aging[] => [
  { table: 'traffic_rollups', condition: `step_ms = ${stepMs}` },
  { table: 'host_rollups', condition: `step_ms = ${stepMs} AND host IN (SELECT id FROM hosts)` },
  { table: 'flow_rollups', condition: `step_ms = ${stepMs}` },
  { table: 'host_flow_rollups', condition: `step_ms = ${stepMs} AND host IN (SELECT id FROM hosts)` },
];

/**
 * Delete what is older than its retention, in transactions of a few milliseconds; returns how many rows went.
 * Annotations live as long as the coarsest tier, names as long as a row could have them, which is not counted. The file
 * does not shrink: its pages are used again.
 */
export async function expire(
  db: DatabaseSync,
  file: string,
  now: number,
  retention: Retention,
): Promise<number> {
  let rows = await expireGroup(db, file, RAW, Math.floor(now - retention.raw));
  for (const { name, stepMs } of TIERS) {
    rows += await expireGroup(db, file, ofTier(stepMs), Math.floor(now - retention[name]));
  }
  const oldest = Math.floor(now - Math.max(...Object.values(retention)));
  const annotations = db.prepare('DELETE FROM annotations WHERE start_time < ?1 AND end_time < ?1');
  rows += transaction(db, file, () => Number(annotations.run(oldest).changes));
  await expireNames(db, file, now, retention);
  return rows;
}

/** Delete the rows of these tables from before `cutoff` (epoch ms), oldest first, a stretch of time at once. */
async function expireGroup(
  db: DatabaseSync,
  file: string,
  group: readonly Aging[],
  cutoff: number,
): Promise<number> {
  const tables = group.map(({ table, condition = 'true' }) => ({
    beyond: db.prepare(
      `SELECT time FROM ${table} WHERE ${condition} AND time < ? ORDER BY time LIMIT 1 OFFSET ${SLICE_ROWS}`,
    ),
    oldest: db.prepare(`SELECT time FROM ${table} WHERE ${condition} AND time < ? ORDER BY time LIMIT 1`),
    remove: db.prepare(`DELETE FROM ${table} WHERE ${condition} AND time < ?`),
  }));
  const earliest = (statement: 'beyond' | 'oldest') =>
    Math.min(cutoff, ...tables.map(table => Number(table[statement].get(cutoff)?.time ?? cutoff)));
  let rows = 0;
  for (;;) {
    const oldest = earliest('oldest');
    if (oldest >= cutoff) return rows;
    const end = Math.max(earliest('beyond'), oldest + 1);
    rows += transaction(db, file, () =>
      tables.reduce((sum, { remove }) => sum + Number(remove.run(end).changes), 0),
    );
    await setTimeout(PAUSE_MS);
  }
}

const DAY_MS = 86_400_000;
/** Rows of a day's last moment, and clocks that do not agree. */
const MARGIN_MS = 2 * DAY_MS;

/**
 * Delete names that only rows from before their retention could have: identities are part of windows alone, peers also of
 * tiers, series of annotations as well.
 */
async function expireNames(db: DatabaseSync, file: string, now: number, retention: Retention): Promise<void> {
  const longest = Math.max(...Object.values(retention));
  const unused = 'id NOT IN (SELECT series FROM annotations)';
  const tables = [
    { table: 'identities', keptMs: retention.raw, condition: 'true' },
    { table: 'peers', keptMs: longest, condition: 'true' },
    { table: 'series', keptMs: longest, condition: unused },
  ];
  for (const { table, keptMs, condition } of tables) {
    const old = `SELECT id FROM ${table} WHERE seen < ? AND ${condition} LIMIT ${SLICE_ROWS}`;
    const remove = db.prepare(`DELETE FROM ${table} WHERE id IN (${old})`);
    const cutoff = Math.floor(now - keptMs - MARGIN_MS);
    while (transaction(db, file, () => Number(remove.run(cutoff).changes)) === SLICE_ROWS)
      await setTimeout(PAUSE_MS);
  }
}
