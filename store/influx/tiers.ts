import type { Interval } from '../../core/interval.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Rollup, Tier } from '../../core/traffic/rollup.ts';
import { type RollupHead, withinRows } from '../page.ts';
import { rollupHeadOf } from '../records.ts';
import { integer } from '../row.ts';
import type { TierTables } from '../tiers.ts';
import type { Access } from './client/access.ts';
import { interpreted } from './client/failure.ts';
import { inRange } from './client/influxql.ts';
import { allRows, pages } from './client/pages.ts';
import { rolledFrames, storedFrames } from './frame-counts.ts';
import { rollupLine, rollupOf, trafficSumLines } from './rollups.ts';

/** Buckets asked for at once, and containers of them. */
const STEP_BUCKETS = 256;
const STEP_CONTAINERS = 2000;

/** Frames of a host, those that are ahead as well. */
export type FrameReader = (host: string, range: Interval) => AsyncIterable<Frame>;

/** The tiers of an InfluxDB: retention policies, or buckets on 2.x, named as the tiers are. */
export class InfluxTiers implements TierTables {
  readonly #access: Access;
  readonly frames: FrameReader;

  constructor(access: Access, frames: FrameReader) {
    this.#access = access;
    this.frames = frames;
  }

  async *rollups(tier: Tier, host: string, range: Interval): AsyncIterable<Rollup> {
    const marks = pages(
      this.#access.from('host_frames', tier.name),
      range,
      part => `SELECT * FROM host_frames WHERE ${inRange(host, part)} ORDER BY time LIMIT ${STEP_BUCKETS}`,
      { limit: STEP_BUCKETS },
    );
    for await (const page of marks) {
      let rest: readonly RollupHead[] = interpreted(this.#access.place, () =>
        page.map(row => rollupHeadOf(host, row)),
      );
      while (rest.length > 0) {
        const step = withinRows(rest, STEP_CONTAINERS);
        yield* await this.#completed(tier, host, step);
        rest = rest.slice(step.length);
      }
    }
  }

  frameCounts(tier: Tier | null, host: string, range: Interval, stepMs: number) {
    return tier
      ? rolledFrames(this.#access, { measurement: 'host_frames', tier }, host, range, stepMs)
      : storedFrames(this.#access, host, range, stepMs);
  }

  /** The rows of `host_frames` are written once all else is stored: readers look for them first. */
  async write(tier: Tier, rollups: readonly Rollup[]): Promise<void> {
    await this.#access.write(rollups.flatMap(trafficSumLines), tier.name);
    await this.#access.write(rollups.map(rollupLine), tier.name);
  }

  async #completed(tier: Tier, host: string, heads: readonly RollupHead[]): Promise<Rollup[]> {
    const first = heads[0]?.rollup.start ?? 0;
    const last = heads.at(-1)?.rollup.start ?? 0;
    const rows = await allRows(
      this.#access.from('container_traffic', tier.name),
      { from: first, to: last + 1 },
      part => `SELECT * FROM container_traffic WHERE ${inRange(host, part)}`,
    );
    return interpreted(this.#access.place, () => {
      const byTime = Map.groupBy(rows, row => integer(row, 'time'));
      return heads.flatMap(head => rollupOf(head, byTime.get(head.rollup.start) ?? []) ?? []);
    });
  }
}
