import { z } from 'zod';
import { type Retention, TIERS } from '../../core/rollup.ts';
import { formatDuration } from '../../core/units.ts';
import { type Row, text } from '../row.ts';
import { InfluxFailure, strangeAnswer } from './failure.ts';
import { type Connection, refusal, request } from './http.ts';
import { identifier } from './influxql.ts';
import { query } from './query.ts';
import { bucketName } from './write.ts';

const DAY_MS = 86_400_000;

const kept = (ms: number): string => (Number.isFinite(ms) ? formatDuration(ms) : 'for ever');

/** True when every tier can be read: its retention policy or bucket is there. */
export async function hasTiers(connection: Connection, database: string): Promise<boolean> {
  try {
    for (const { name } of TIERS)
      await query(connection, database, 'SELECT frames FROM host_frames LIMIT 1', name);
    return true;
  } catch (error) {
    if (error instanceof InfluxFailure && error.blame === 'setup') return false;
    throw error;
  }
}

/**
 * Database, retention policies and their durations on 1.x; one line for each. What is there already is only changed
 * when `alter`: a shorter duration deletes data.
 */
export async function setUpDatabase(
  connection: Connection,
  database: string,
  retention: Retention,
  options: { alter: boolean },
): Promise<string[]> {
  const run = (statement: string) => query(connection, database, statement);
  const on = identifier(database);
  const lines: string[] = [];
  let policies = await policiesOf(connection, database);
  if (!policies) {
    await run(
      `CREATE DATABASE ${on} WITH ${durations(retention.raw)} REPLICATION 1 ${shards(retention.raw)} NAME autogen`,
    );
    lines.push(`database ${database}: created, windows kept ${kept(retention.raw)}`);
    policies = (await policiesOf(connection, database)) ?? [];
  }
  const raw = policies.find(policy => policy.isDefault)?.name ?? 'autogen';
  const wanted = [
    { name: raw, what: `windows (${raw})`, ms: retention.raw },
    ...TIERS.map(({ name }) => ({ name, what: `${name} tier`, ms: retention[name] })),
  ];
  for (const { name, what, ms } of wanted) {
    const known = policies.find(policy => policy.name === name);
    const policy = `RETENTION POLICY ${identifier(name)} ON ${on} ${durations(ms)}`;
    if (!known) {
      await run(`CREATE ${policy} REPLICATION 1 ${shards(ms)}`);
      lines.push(`${what}: created, kept ${kept(ms)}`);
    } else if (known.ms === ms) lines.push(`${what}: kept ${kept(ms)}, as configured`);
    else if (options.alter) {
      await run(`ALTER ${policy} ${shards(ms)}`);
      lines.push(`${what}: kept ${kept(ms)} from now on, was ${kept(known.ms)}`);
    }
  }
  return lines;
}

/** `DURATION 168h`, in whole seconds. */
const durations = (ms: number): string =>
  `DURATION ${Number.isFinite(ms) ? `${Math.ceil(ms / 1000)}s` : 'INF'}`;

/** InfluxDB's own choice, which it does not make anew when a duration is altered. */
function shards(ms: number): string {
  const length = ms < 2 * DAY_MS ? '1h' : ms <= 180 * DAY_MS ? '1d' : '7d';
  return `SHARD DURATION ${length}`;
}

interface Policy {
  readonly name: string;
  readonly isDefault: boolean;
  readonly ms: number;
}

/** Retention policies of a database of 1.x, or null when there is no such database. */
async function policiesOf(connection: Connection, database: string): Promise<Policy[] | null> {
  let rows: Row[];
  try {
    rows = await query(connection, database, `SHOW RETENTION POLICIES ON ${identifier(database)}`);
  } catch (error) {
    if (error instanceof InfluxFailure && /database not found/i.test(error.problem.found)) return null;
    throw error;
  }
  return rows.map(row => ({
    name: text(row, 'name'),
    isDefault: row.default === true,
    ms: goDuration(text(row, 'duration')),
  }));
}

/** Milliseconds of a duration as Go writes it, such as `168h0m0s`; `0s` stands for no end. */
function goDuration(written: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] =
    /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(written) ?? [];
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

const orgs = z.object({ orgs: z.array(z.object({ id: z.string(), name: z.string() })) });
const rules = z.array(z.object({ everySeconds: z.number() })).default([]);
const buckets = z.object({
  buckets: z.array(z.object({ id: z.string(), name: z.string(), retentionRules: rules })),
});

/** The same with buckets of 2.x. The token must be allowed to make and change buckets. */
export async function setUpBuckets(
  connection: Connection,
  target: { readonly database: string; readonly org: string },
  retention: Retention,
): Promise<string[]> {
  const orgID = await orgId(connection, target.org);
  const wanted = [
    { name: target.database, ms: retention.raw },
    ...TIERS.map(({ name }) => ({ name: bucketName(target.database, name), ms: retention[name] })),
  ];
  const lines: string[] = [];
  for (const { name, ms } of wanted) {
    const retentionRules = Number.isFinite(ms)
      ? [{ type: 'expire', everySeconds: Math.ceil(ms / 1000) }]
      : [];
    const known = await findBucket(connection, orgID, name);
    if (!known) {
      await call(connection, '/api/v2/buckets', { method: 'POST', json: { orgID, name, retentionRules } });
      lines.push(`bucket ${name}: created, kept ${kept(ms)}`);
      continue;
    }
    const seconds = known.retentionRules[0]?.everySeconds ?? 0;
    const was = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
    if (was === ms) lines.push(`bucket ${name}: kept ${kept(ms)}, as configured`);
    else {
      // An absent rule would be left as it is.
      const changed = retentionRules.length > 0 ? retentionRules : [{ type: 'expire', everySeconds: 0 }];
      await call(connection, `/api/v2/buckets/${known.id}`, {
        method: 'PATCH',
        json: { retentionRules: changed },
      });
      lines.push(`bucket ${name}: kept ${kept(ms)} from now on, was ${kept(was)}`);
    }
  }
  return lines;
}

async function orgId(connection: Connection, name: string): Promise<string> {
  const path = `/api/v2/orgs?${new URLSearchParams(name === '' ? {} : { org: name })}`;
  const [only, ...others] = understood(connection, orgs, await call(connection, path)).orgs;
  if (only && others.length === 0) return only.id;
  throw strangeAnswer(
    connection.url,
    new Error(`${only ? 'several organizations' : 'no organization'}: set store.influx.org`),
  );
}

async function findBucket(connection: Connection, orgID: string, name: string) {
  const path = `/api/v2/buckets?${new URLSearchParams({ orgID, name })}`;
  const answer = await request(connection, path);
  // 2.x answers 404 for a name that is not there.
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusal(connection, '/api/v2/buckets', answer);
  return understood(connection, buckets, answer.body).buckets.find(bucket => bucket.name === name);
}

/** An answer of any 2xx status, as text. */
async function call(
  connection: Connection,
  path: string,
  body?: { readonly method: 'POST' | 'PATCH'; readonly json: unknown },
): Promise<string> {
  const answer = await request(connection, path, body);
  if (answer.status < 200 || answer.status > 299)
    throw refusal(connection, path.split('?')[0] ?? path, answer);
  return answer.body;
}

function understood<T>(connection: Connection, schema: z.ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body));
  } catch (error) {
    throw strangeAnswer(connection.url, error);
  }
}
