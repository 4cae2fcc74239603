import { type Retention, TIERS } from '../../../core/traffic/rollup.ts';
import { InfluxFailure } from '../client/failure.ts';
import type { Connection } from '../client/http.ts';
import { within } from '../client/influxql.ts';
import { query } from '../client/query.ts';
import type { Target } from '../client/target.ts';
import { setUpBuckets } from './buckets.ts';
import { setUpDatabases } from './databases.ts';
import { setUpPolicies } from './policies.ts';

/**
 * Database, tiers and how long they are kept, as this version has them; one line for each. What is there already is
 * only changed when `alter`: a shorter duration deletes data.
 */
export async function setUp(
  connection: Connection,
  target: Target,
  retention: Retention,
  options: { alter: boolean },
): Promise<string[]> {
  switch (target.api) {
    case '1':
      return setUpPolicies(connection, target, retention, options);
    case '2':
      return setUpBuckets(connection, target, retention, options);
    case '3':
      return setUpDatabases(connection, target, retention, options);
  }
}

/** Any reading: 1.x answers SHOW statements even for a database that is not there. Of next to no time, for 3. */
const PROBE = `SELECT duration_ms FROM host_frames WHERE ${within({ from: 0, to: 1 })}`;

/** Make sure that the database can be read. When it is missing it is made, except on 2.x: that is for another token. */
export async function ensureDatabase(
  connection: Connection,
  target: Target,
  retention: Retention,
): Promise<void> {
  try {
    await query(connection, target, PROBE);
  } catch (error) {
    if (target.api === '2' || !(error instanceof InfluxFailure && error.isMissingDatabase)) throw error;
    await setUp(connection, target, retention, { alter: false });
    await query(connection, target, PROBE);
  }
}

/** True when every tier can be read: its retention policy, bucket or database is there. */
export async function hasTiers(connection: Connection, target: Target): Promise<boolean> {
  try {
    for (const { name } of TIERS) await query(connection, { ...target, policy: name }, PROBE);
    return true;
  } catch (error) {
    if (error instanceof InfluxFailure && error.blame === 'setup') return false;
    throw error;
  }
}
