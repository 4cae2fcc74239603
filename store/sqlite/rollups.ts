import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Interval } from '../../core/interval.ts';
import { compareText, DIRECTIONS, type Direction } from '../../core/traffic/frame.ts';
import type { Amount, Rollup, Tier, TrafficSum } from '../../core/traffic/rollup.ts';
import { withinRows } from '../page.ts';
import { rollupHeadOf } from '../records.ts';
import { integer, integerIn, textIn } from '../row.ts';
import { decodeField } from '../text.ts';
import { sqlTime } from './frames.ts';
import type { Names } from './names.ts';
import { SizesReader } from './sizes.ts';

/** Buckets and containers of them that one step reads. */
const STEP_BUCKETS = 256;
const STEP_ROWS = 2000;

/** Columns of a row of a bucket, its histograms last; by their places, an array of values is made in half the time of an object. */
const COUNTS = [
  ...['s.container', 's.service', 't.time', 't.duration_ms', 't.frames', 't.incomplete'],
  ...DIRECTIONS.flatMap(direction => [`t.${direction}_messages`, `t.${direction}_bytes`]),
];
const SIZES = DIRECTIONS.map(direction => `t.${direction}_sizes`);
const [CONTAINER, SERVICE, TIME, DURATION, FRAMES, INCOMPLETE, FIRST_AMOUNT] = [0, 1, 2, 3, 4, 5, 6];
type SumRow = readonly unknown[];

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
    const rows = (columns: readonly string[]) => {
      const statement = db.prepare(`
        SELECT ${columns.join(', ')} FROM traffic_rollups t CROSS JOIN series s ON s.id = t.series
        WHERE t.step_ms = ? AND t.time >= ? AND t.time <= ? AND s.host = ?`);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#traffic = rows([...COUNTS, ...SIZES]);
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
    const all: readonly unknown[] = rows.all(stepMs, first.rollup.start, last.rollup.start, id);
    const traffic = Map.groupBy(all as readonly SumRow[], row => integerIn(row[TIME], 'time'));
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
function sumsOf(rows: readonly SumRow[], sizes: SizesReader | null): TrafficSum[] {
  const sums = rows.map(row => ({
    container: decodeField(textIn(row[CONTAINER], 'container')),
    service: decodeField(textIn(row[SERVICE], 'service')),
    durationMs: integerIn(row[DURATION], 'duration_ms'),
    frames: integerIn(row[FRAMES], 'frames'),
    incomplete: integerIn(row[INCOMPLETE], 'incomplete'),
    send: amountOf(row, 'send', sizes),
    receive: amountOf(row, 'receive', sizes),
  }));
  return sums.sort((a, b) => compareText(a.container, b.container) || compareText(a.service, b.service));
}

function amountOf(row: SumRow, direction: Direction, reader: SizesReader | null): Amount {
  const place = DIRECTIONS.indexOf(direction);
  const [messages, bytes] = [row[FIRST_AMOUNT + 2 * place], row[FIRST_AMOUNT + 2 * place + 1]];
  return {
    messages: integerIn(messages, `${direction}_messages`),
    bytes: integerIn(bytes, `${direction}_bytes`),
    sizes: reader?.read(textIn(row[COUNTS.length + place], `${direction}_sizes`)) ?? [],
  };
}
