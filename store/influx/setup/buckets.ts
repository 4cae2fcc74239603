import { z } from 'zod';
import { type Retention, TIERS } from '../../../core/traffic/rollup.ts';
import { kept } from '../../tiers.ts';
import { strangeAnswer } from '../client/failure.ts';
import { type Connection, call, refusal, request, understood } from '../client/http.ts';
import { bucketName, type Target } from '../client/target.ts';

const orgs = z.object({ orgs: z.array(z.object({ id: z.string(), name: z.string() })) });
const rules = z.array(z.object({ everySeconds: z.number() })).default([]);
const buckets = z.object({
  buckets: z.array(z.object({ id: z.string(), name: z.string(), retentionRules: rules })),
});

/**
 * Buckets of 2.x and how long they are kept; one line for each. The token must be allowed to make and change buckets.
 * What is there already is only changed when `alter`: a shorter duration deletes data.
 */
export async function setUpBuckets(
  connection: Connection,
  target: Target,
  retention: Retention,
  { alter }: { alter: boolean },
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
    else if (alter) {
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
