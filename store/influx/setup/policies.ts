import { type Retention, TIERS } from '../../../core/traffic/rollup.ts';
import { type Row, text } from '../../row.ts';
import { kept } from '../../tiers.ts';
import { InfluxFailure } from '../client/failure.ts';
import type { Connection } from '../client/http.ts';
import { identifier } from '../client/influxql.ts';
import { query } from '../client/query.ts';
import type { Target } from '../client/target.ts';

const DAY_MS = 86_400_000;

/**
 * Database, retention policies and their durations on 1.x; one line for each. What is there already is only changed
 * when `alter`: a shorter duration deletes data.
 */
export async function setUpPolicies(
  connection: Connection,
  target: Target,
  retention: Retention,
  options: { alter: boolean },
): Promise<string[]> {
  const { database } = target;
  const run = (statement: string) => query(connection, target, statement);
  const on = identifier(database);
  const lines: string[] = [];
  let policies = await policiesOf(connection, target);
  if (!policies) {
    await run(
      `CREATE DATABASE ${on} WITH ${durations(retention.raw)} REPLICATION 1 ${shards(retention.raw)} NAME autogen`,
    );
    lines.push(`database ${database}: created, windows kept ${kept(retention.raw)}`);
    policies = (await policiesOf(connection, target)) ?? [];
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
async function policiesOf(connection: Connection, target: Target): Promise<Policy[] | null> {
  let rows: Row[];
  try {
    rows = await query(connection, target, `SHOW RETENTION POLICIES ON ${identifier(target.database)}`);
  } catch (error) {
    if (error instanceof InfluxFailure && error.isMissingDatabase) return null;
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
