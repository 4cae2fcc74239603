import type { Interval } from '../../core/interval.ts';
import { flowId, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import type { Tier } from '../../core/traffic/rollup.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { addTotals, EXCHANGE_SUMS } from '../flow.ts';
import type { FlowBucket, FlowTables } from '../flow-tiers.ts';
import { integer } from '../row.ts';
import type { Access } from './client/access.ts';
import { interpreted } from './client/failure.ts';
import { inRange } from './client/influxql.ts';
import { flowCountLine, flowTotalLines } from './client/line.ts';
import { allRows } from './client/pages.ts';
import { rolledFrames, storedFrames } from './frame-counts.ts';
import { totalOf } from './frames.ts';

/** The tags of `container_flows`, but for the host. */
const TAGS = 'container, service, protocol, role, peer_kind, peer, port';

/**
 * Flows in the tiers: `container_flows` with the tags and numbers of frames, as sums, and `host_flows` with how many frames
 * they are the sum of.
 */
export class InfluxFlowTiers implements FlowTables {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  frameCounts(tier: Tier | null, host: string, range: Interval, stepMs: number) {
    return tier
      ? rolledFrames(this.#access, { measurement: 'host_flows', tier }, host, range, stepMs)
      : storedFrames(this.#access, host, range, stepMs);
  }

  async totals(tier: Tier | null, host: string, range: Interval): Promise<FlowTotal[]> {
    const rows = await allRows(
      this.#access.from('container_flows', tier?.name),
      range,
      part => `SELECT ${EXCHANGE_SUMS} FROM container_flows WHERE ${inRange(host, part)} GROUP BY ${TAGS}`,
    );
    return interpreted(this.#access.place, () => addTotals(rows.map(totalOf)));
  }

  /** One query for all buckets: what it costs is to find the rows more than to add them up. */
  async totalsByBucket(tier: Tier | null, host: string, range: Interval, stepMs: number) {
    const rows = await allRows(
      this.#access.from('container_flows', tier?.name),
      range,
      part =>
        `SELECT ${EXCHANGE_SUMS} FROM container_flows WHERE ${inRange(host, part)} ` +
        `GROUP BY time(${stepMs}ms), ${TAGS} fill(none)`,
    );
    return interpreted(this.#access.place, () => {
      const byStart = Map.groupBy(rows, row => integer(row, 'time'));
      return new Map([...byStart].map(([start, list]) => [start, addTotals(list.map(totalOf))]));
    });
  }

  /** A row that an older version of a bucket had and this one has not cannot be deleted: it becomes zero. */
  async write(tier: Tier, buckets: readonly FlowBucket[]): Promise<void> {
    const written = await this.#written(tier, buckets);
    const lines = buckets.flatMap(({ host, start, flows }) => {
      const kept = new Set(flows.map(rowId));
      const gone = (written.get(start) ?? []).filter(total => !kept.has(rowId(total)));
      return flowTotalLines(host, start, [...flows, ...gone.map(total => ({ ...total, ...NO_EXCHANGE }))]);
    });
    await this.#access.write(lines, tier.name);
    const counts = buckets.map(({ host, start, frames }) => flowCountLine(host, start, frames));
    await this.#access.write(counts, tier.name);
  }

  /** The rows that are stored of these buckets, by their start; also of one that was not written to its end. */
  async #written(tier: Tier, buckets: readonly FlowBucket[]): Promise<Map<number, FlowTotal[]>> {
    const [first, last] = [buckets[0], buckets.at(-1)];
    if (!first || !last) return new Map();
    const rows = await allRows(
      this.#access.from('container_flows', tier.name),
      { from: first.start, to: last.start + 1 },
      part => `SELECT * FROM container_flows WHERE ${inRange(first.host, part)}`,
    );
    return interpreted(this.#access.place, () => {
      const byTime = Map.groupBy(rows, row => integer(row, 'time'));
      return new Map([...byTime].map(([start, list]) => [start, list.map(totalOf)]));
    });
  }
}

const rowId = (total: FlowTotal): string => JSON.stringify([total.service, flowId(total)]);
