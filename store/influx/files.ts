import { z } from 'zod';
import type { Interval } from '../../core/interval.ts';
import { InfluxFailure } from './client/failure.ts';
import { type Connection, call, understood } from './client/http.ts';
import { epoch, literal } from './client/influxql.ts';
import type { FileTimes } from './client/pages.ts';
import { bucketName, type Target } from './client/target.ts';

const times = z.array(z.object({ first: z.int(), last: z.int() }));

/** Nanoseconds of a time that InfluxDB can hold. */
const nanoseconds = (ms: number): string => `${BigInt(epoch(ms)) * 1_000_000n}`;

/**
 * Times of the files of a measurement that a range touches, by their first; only InfluxDB 3 has such files. What is
 * still in memory is in none. Empty when the server does not tell: an older version, or a token that may not ask.
 */
export async function filesOf(
  connection: Connection,
  { api, database, policy }: Target,
  measurement: string,
  { from, to }: Interval,
): Promise<readonly FileTimes[]> {
  if (api !== '3') return [];
  const q =
    'SELECT min_time / 1000000 AS first, max_time / 1000000 AS last FROM system.parquet_files ' +
    `WHERE table_name = ${literal(measurement)} AND max_time >= ${nanoseconds(from)} ` +
    `AND min_time < ${nanoseconds(to)} ORDER BY first`;
  const json = { db: bucketName(database, policy), q, format: 'json' };
  try {
    const body = await call(connection, '/api/v3/query_sql', { method: 'POST', json });
    return understood(connection, times, body);
  } catch (error) {
    // It only saves requests: the caller goes on without it.
    if (error instanceof InfluxFailure) return [];
    throw error;
  }
}
