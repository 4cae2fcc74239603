import { z } from 'zod';
import { type Retention, TIERS } from '../../../core/traffic/rollup.ts';
import { kept } from '../../tiers.ts';
import { type Connection, call, refusal, request, understood } from '../client/http.ts';
import { bucketName, type Target } from '../client/target.ts';

const PATH = '/api/v3/configure/database';

/**
 * Databases of 3 and how long they are kept (3.2 and later); one line for each. What is there already is only changed
 * when `alter`: a shorter duration deletes data.
 */
export async function setUpDatabases(
  connection: Connection,
  { database }: Target,
  retention: Retention,
  { alter }: { alter: boolean },
): Promise<string[]> {
  const known = await durations(connection);
  const wanted = [
    { db: database, ms: retention.raw },
    ...TIERS.map(({ name }) => ({ db: bucketName(database, name), ms: retention[name] })),
  ];
  const lines: string[] = [];
  for (const { db, ms } of wanted) {
    const was = known.get(db);
    const json = { db, ...(Number.isFinite(ms) && { retention_period: `${Math.ceil(ms / 1000)}s` }) };
    if (was === undefined) {
      await create(connection, json);
      lines.push(`database ${db}: created, kept ${kept(ms)}`);
    } else if (was === ms) lines.push(`database ${db}: kept ${kept(ms)}, as configured`);
    else if (alter) {
      // Without a period it is kept for ever.
      await call(connection, PATH, { method: 'PUT', json });
      lines.push(`database ${db}: kept ${kept(ms)} from now on, was ${kept(was)}`);
    }
  }
  return lines;
}

async function create(connection: Connection, json: object): Promise<void> {
  const answer = await request(connection, PATH, { method: 'POST', json });
  // 409: another process was faster.
  if (answer.status !== 200 && answer.status !== 409) throw refusal(connection, PATH, answer);
}

const databases = z.array(z.object({ database_name: z.string(), retention_period_ns: z.number().nullish() }));

/** How long each database is kept, ms, by name. InfluxQL does not tell. */
async function durations(connection: Connection): Promise<Map<string, number>> {
  const q = 'SELECT database_name, retention_period_ns FROM system.databases WHERE deleted = false';
  const json = { db: '_internal', q, format: 'json' };
  const body = await call(connection, '/api/v3/query_sql', { method: 'POST', json });
  return new Map(
    understood(connection, databases, body).map(({ database_name: name, retention_period_ns: ns }) => [
      name,
      // Nanoseconds beyond 2^53 come rounded: by less than a microsecond.
      ns === null || ns === undefined ? Number.POSITIVE_INFINITY : Math.round(ns / 1e6),
    ]),
  );
}
