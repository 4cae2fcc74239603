import type { Interval } from '../../core/interval.ts';
import type { Tier } from '../../core/traffic/rollup.ts';
import { integer } from '../row.ts';
import type { Access } from './client/access.ts';
import { interpreted } from './client/failure.ts';
import { inRange } from './client/influxql.ts';
import { allRows } from './client/pages.ts';

/** Frames of a host that are stored, by the start of their bucket of `stepMs`; buckets without any are left out. */
export const storedFrames = (access: Access, host: string, range: Interval, stepMs: number) =>
  counts(access, { value: 'count("duration_ms")', measurement: 'host_frames' }, host, range, stepMs);

/** Frames that are part of a tier, by the same: `measurement` has a row for each of its buckets with their number. */
export const rolledFrames = (
  access: Access,
  { measurement, tier }: { readonly measurement: string; readonly tier: Tier },
  host: string,
  range: Interval,
  stepMs: number,
) => counts(access, { value: 'sum("frames")', measurement, policy: tier.name }, host, range, stepMs);

interface Counted {
  readonly value: string;
  readonly measurement: string;
  readonly policy?: string;
}

async function counts(
  access: Access,
  { value, measurement, policy }: Counted,
  host: string,
  range: Interval,
  stepMs: number,
): Promise<Map<number, number>> {
  const rows = await allRows(
    access.from(measurement, policy),
    range,
    part =>
      `SELECT ${value} AS frames FROM ${measurement} WHERE ${inRange(host, part)} ` +
      `GROUP BY time(${stepMs}ms) fill(none)`,
  );
  return interpreted(access.place, () => {
    const found = new Map<number, number>();
    // A bucket can come in two parts.
    for (const row of rows) {
      const start = integer(row, 'time');
      found.set(start, (found.get(start) ?? 0) + integer(row, 'frames'));
    }
    return found;
  });
}
