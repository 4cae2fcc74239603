import type { DatabaseSync } from 'node:sqlite';
import type { Interval } from '../../core/interval.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { Rollup, Tier } from '../../core/traffic/rollup.ts';
import type { TierTables } from '../tiers.ts';
import { breathe, snapshot, stepwise, transaction } from './database.ts';
import { FrameTables } from './frames.ts';
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

  constructor(db: DatabaseSync, file: string, { sizes = true }: { readonly sizes?: boolean } = {}) {
    this.#db = db;
    this.#file = file;
    this.#names = new Names(db);
    this.#frames = new FrameTables(db, this.#names);
    this.#rollups = new RollupTables(db, this.#names);
    this.#withSizes = sizes;
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
