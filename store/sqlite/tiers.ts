import type { DatabaseSync } from 'node:sqlite';
import type { Interval } from '../../core/interval.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Rollup, Tier } from '../../core/traffic/rollup.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { FlowTotals } from '../flow.ts';
import type { FlowBucket, FlowTables } from '../flow-tiers.ts';
import type { TierTables } from '../tiers.ts';
import { breathe, snapshot, stepwise, transaction } from './database.ts';
import { FlowRollupTable } from './flows.ts';
import { FrameTables, sqlTime } from './frames.ts';
import { Names } from './names.ts';
import { RollupTables } from './rollups.ts';

/** The tiers of an open database. Reading breathes between its steps. */
export class SqliteTiers implements TierTables {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #names: Names;
  readonly #frames: FrameTables;
  readonly #rollups: RollupTables;
  readonly #withSizes: boolean;
  readonly flows: SqliteFlowTiers;

  constructor(db: DatabaseSync, file: string, { sizes = true }: { readonly sizes?: boolean } = {}) {
    this.#db = db;
    this.#file = file;
    this.#names = new Names(db);
    this.#frames = new FrameTables(db, this.#names);
    this.#rollups = new RollupTables(db, this.#names);
    this.#withSizes = sizes;
    this.flows = new SqliteFlowTiers(db, file, this.#names, this.#frames, this.#rollups);
  }

  /** The same, to be read only, with histograms that are empty. */
  withoutSizes(): SqliteTiers {
    return new SqliteTiers(this.#db, this.#file, { sizes: false });
  }

  frames(host: string, range: Interval): AsyncIterable<Frame> {
    const options = { withAhead: true, withSizes: this.#withSizes };
    return stepwise(range, part => this.#read(() => this.#frames.step(host, part, options)));
  }

  rollups(tier: Tier, host: string, range: Interval): AsyncIterable<Rollup> {
    return stepwise(range, part => {
      const items = this.#read(() => this.#rollups.step(tier, host, part, this.#withSizes));
      const last = items.at(-1);
      return { items, next: last ? last.start + 1 : null };
    });
  }

  async frameCounts(tier: Tier | null, host: string, range: Interval, stepMs: number) {
    return this.#read(() => this.#rollups.counts(tier, host, range, stepMs));
  }

  async write(tier: Tier, rollups: readonly Rollup[]): Promise<void> {
    for (const rollup of rollups) {
      try {
        transaction(this.#db, this.#file, () => this.#rollups.put(tier, rollup));
      } catch (error) {
        this.#names.forget();
        throw error;
      }
      await breathe();
    }
  }

  #read<T>(body: () => T): T {
    return snapshot(this.#db, this.#file, body);
  }
}

/** Rows of flows that are added up in one step: those of so many frames or buckets. */
const STEP_FLOWS = 120;
/** Between frames, about. */
const FRAME_MS = 5000;

/** The tiers of flows of an open database. Reading breathes between its steps. */
export class SqliteFlowTiers implements FlowTables {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #names: Names;
  readonly #frames: FrameTables;
  readonly #rollups: RollupTables;
  readonly #flows: FlowRollupTable;

  constructor(db: DatabaseSync, file: string, names: Names, frames: FrameTables, rollups: RollupTables) {
    this.#db = db;
    this.#file = file;
    this.#names = names;
    this.#frames = frames;
    this.#rollups = rollups;
    this.#flows = new FlowRollupTable(db, names);
  }

  async frameCounts(tier: Tier | null, host: string, { from, to }: Interval, stepMs: number) {
    return this.#read(() =>
      tier
        ? this.#flows.counts(tier, this.#names.findHost(host), sqlTime(from), sqlTime(to), stepMs)
        : this.#rollups.counts(null, host, { from, to }, stepMs),
    );
  }

  async totals(tier: Tier | null, host: string, range: Interval): Promise<FlowTotal[]> {
    const { from, to } = tier ? range : this.#stored(host, range);
    const stepMs = STEP_FLOWS * (tier?.stepMs ?? FRAME_MS);
    const totals = new FlowTotals();
    for (let start = from; start < to; start += stepMs) {
      const [first, end] = [sqlTime(start), sqlTime(Math.min(to, start + stepMs))];
      const step = this.#read(() =>
        tier
          ? this.#flows.totals(tier, this.#names.findHost(host), first, end)
          : this.#frames.flowTotals(host, first, end),
      );
      for (const total of step) totals.add(total);
      await breathe();
    }
    return totals.list();
  }

  async totalsByBucket(tier: Tier | null, host: string, { from, to }: Interval, stepMs: number) {
    const found = new Map<number, FlowTotal[]>();
    for (let start = from; start < to; start += stepMs)
      found.set(start, await this.totals(tier, host, { from: start, to: start + stepMs }));
    return found;
  }

  async write(tier: Tier, buckets: readonly FlowBucket[]): Promise<void> {
    for (const bucket of buckets) {
      try {
        transaction(this.#db, this.#file, () => this.#flows.put(tier, bucket));
      } catch (error) {
        this.#names.forget();
        throw error;
      }
      await breathe();
    }
  }

  /** The part of a range in which there are frames: it may have no end, or begin in 1970. */
  #stored(host: string, { from, to }: Interval): Interval {
    const first = this.#read(() => this.#frames.first(host));
    const last = this.#read(() => this.#frames.last(host, Number.POSITIVE_INFINITY));
    return { from: Math.max(from, first ?? to), to: Math.min(to, (last?.from ?? 0) + 1) };
  }

  #read<T>(body: () => T): T {
    return snapshot(this.#db, this.#file, body);
  }
}
