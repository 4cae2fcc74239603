/** What differs between the versions of InfluxDB: 1.6 and later, 2.x, 3 Core. */
export type Api = '1' | '2' | '3';

/**
 * Where lines are written to and read from. 1.x has databases with retention policies, 2.x buckets of an organization,
 * 3 databases. `policy`: another retention policy than the default one; later versions have a bucket or database
 * `database/policy` for it.
 */
export interface Target {
  readonly api: Api;
  readonly database: string;
  readonly org: string;
  readonly policy?: string;
}

/** Name of the bucket (2.x) or database (3) that stands for a retention policy of 1.x. */
export const bucketName = (database: string, policy?: string): string =>
  policy === undefined ? database : `${database}/${policy}`;

/**
 * Path and query of a write of lines with times in ms. On 3 it is its own API: what the older ones answer there as 400
 * can be a fault of the server as well.
 */
export function writePath({ api, database, org, policy }: Target): string {
  if (api === '1') {
    const rp = policy === undefined ? {} : { rp: policy };
    return `/write?${new URLSearchParams({ db: database, ...rp, precision: 'ms' })}`;
  }
  const name = bucketName(database, policy);
  if (api === '2') return `/api/v2/write?${new URLSearchParams({ org, bucket: name, precision: 'ms' })}`;
  return `/api/v3/write_lp?${new URLSearchParams({ db: name, precision: 'millisecond' })}`;
}

/** Database of an InfluxQL query, as parameters of /query. 3 knows no `rp` and would read the default one. */
export function readParameters({ api, database, policy }: Target): Record<string, string> {
  if (api === '3') return { db: bucketName(database, policy) };
  return policy === undefined ? { db: database } : { db: database, rp: policy };
}
