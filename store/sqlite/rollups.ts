import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Interval } from '../../core/interval.ts';
import { compareText } from '../../core/traffic/frame.ts';
import type { Amount, Rollup, Tier, TrafficSum } from '../../core/traffic/rollup.ts';
import { withinRows } from '../page.ts';
import { rollupHeadOf } from '../records.ts';
import { integer, type Row, text } from '../row.ts';
import { decodeField } from '../text.ts';
import { sqlTime } from './frames.ts';
import type { Names } from './names.ts';
import { SizesReader } from './sizes.ts';

/** Buckets and containers of them that one step reads. */
const STEP_BUCKETS = 256;
const STEP_ROWS = 2000;

/** What a bucket holds but its histograms. */
const COUNTS =
  't.time, t.duration_ms, t.frames, t.incomplete, t.send_messages, t.send_bytes, t.receive_messages, t.receive_bytes';

/** Statements and row formats of `host_rollups` and `traffic_rollups`. Everything here is synchronous. */
export class RollupTables {
  readonly #names: Names;
  readonly #sizes = new SizesReader();
  readonly #putHead: StatementSync;
  readonly #putTraffic: StatementSync;
  readonly #heads: StatementSync;
  readonly #traffic: StatementSync;
  readonly #counts: StatementSync;
  readonly #countFrames: StatementSync;
  readonly #countRolled: StatementSync;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#putHead = db.prepare('INSERT OR REPLACE INTO host_rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#putTraffic = db.prepare(
      'INSERT OR REPLACE INTO traffic_rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#heads = db.prepare(`
      SELECT * FROM host_rollups WHERE step_ms = ? AND host = ? AND time >= ? AND time < ?
      ORDER BY time LIMIT ?`);
    const rows = (columns: string) =>
      db.prepare(`
        SELECT ${columns}, s.container, s.service
        FROM traffic_rollups t CROSS JOIN series s ON s.id = t.series
        WHERE t.step_ms = ? AND t.time >= ? AND t.time <= ? AND s.host = ?`);
    this.#traffic = rows('t.*');
    this.#counts = rows(COUNTS);
    // Times are after 1970 wherever tiers are made: % never sees a negative one.
    this.#countFrames = db.prepare(`
      SELECT time - time % ?1 AS bucket, COUNT(*) AS frames FROM host_frames
      WHERE host = ?2 AND time >= ?3 AND time < ?4 GROUP BY bucket`);
    this.#countRolled = db.prepare(`
      SELECT time - time % ?1 AS bucket, SUM(frames) AS frames FROM host_rollups
      WHERE step_ms = ?5 AND host = ?2 AND time >= ?3 AND time < ?4 GROUP BY bucket`);
  }

  /** Write a bucket in place of an older version of it, inside a transaction. */
  put({ stepMs }: Tier, rollup: Rollup): void {
    const { host, start, durationMs, frames, incomplete, lost, occupancy, traffic } = rollup;
    const id = this.#names.ensureHost(host);
    this.#putHead.run(stepMs, id, start, durationMs, frames, incomplete, lost, occupancy, traffic.length);
    for (const sum of traffic) {
      this.#putTraffic.run(
        stepMs,
        start,
        this.#names.ensureSeries(start, host, sum.service, sum.container),
        sum.durationMs,
        sum.frames,
        sum.incomplete,
        ...amountValues(sum.send),
        ...amountValues(sum.receive),
      );
    }
  }

  /** The first buckets of the range, as many as one step reads; without sizes their histograms are empty. */
  step({ stepMs }: Tier, host: string, range: Interval, withSizes: boolean): Rollup[] {
    const id = this.#names.findHost(host);
    if (id === null) return [];
    const found = this.#heads.all(stepMs, id, sqlTime(range.from), sqlTime(range.to), STEP_BUCKETS);
    const heads = withinRows(
      found.map(row => rollupHeadOf(host, row)),
      STEP_ROWS,
    );
    const first = heads[0];
    const last = heads.at(-1);
    if (!first || !last) return [];
    const rows = withSizes ? this.#traffic : this.#counts;
    const all = rows.all(stepMs, first.rollup.start, last.rollup.start, id);
    const traffic = Map.groupBy(all, row => integer(row, 'time'));
    return heads.map(({ rollup }) => ({
      ...rollup,
      traffic: sumsOf(traffic.get(rollup.start) ?? [], withSizes ? this.#sizes : null),
    }));
  }

  /** Frames stored (tier null) or rolled up, by bucket of `stepMs`. */
  counts(tier: Tier | null, host: string, { from, to }: Interval, stepMs: number): Map<number, number> {
    const id = this.#names.findHost(host);
    if (id === null) return new Map();
    const rows = tier
      ? this.#countRolled.all(stepMs, id, sqlTime(from), sqlTime(to), tier.stepMs)
      : this.#countFrames.all(stepMs, id, sqlTime(from), sqlTime(to));
    return new Map(rows.map(row => [integer(row, 'bucket'), integer(row, 'frames')]));
  }
}

const amountValues = ({ messages, bytes, sizes }: Amount): [number, number, string] => [
  messages,
  bytes,
  JSON.stringify(sizes),
];

/** Without a reader histograms are empty. */
function sumsOf(rows: readonly Row[], sizes: SizesReader | null): TrafficSum[] {
  const sums = rows.map(row => ({
    container: decodeField(text(row, 'container')),
    service: decodeField(text(row, 'service')),
    durationMs: integer(row, 'duration_ms'),
    frames: integer(row, 'frames'),
    incomplete: integer(row, 'incomplete'),
    send: amountOf(row, 'send', sizes),
    receive: amountOf(row, 'receive', sizes),
  }));
  return sums.sort((a, b) => compareText(a.container, b.container) || compareText(a.service, b.service));
}

function amountOf(row: Row, direction: 'send' | 'receive', reader: SizesReader | null): Amount {
  return {
    messages: integer(row, `${direction}_messages`),
    bytes: integer(row, `${direction}_bytes`),
    sizes: reader?.read(text(row, `${direction}_sizes`)) ?? [],
  };
}
