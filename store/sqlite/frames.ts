import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Interval } from '../../core/interval.ts';
import { compareConnections } from '../../core/traffic/connection.ts';
import { compareFlows } from '../../core/traffic/flow.ts';
import {
  type Container,
  compareText,
  DIRECTIONS,
  type Direction,
  type Frame,
  type Window,
} from '../../core/traffic/frame.ts';
import type { FlowTotal } from '../../core/traffic/service-map.ts';
import { type FrameHead, inTurn, RowLimit } from '../page.ts';
import { frameHeadOf } from '../records.ts';
import { frameInterval, integer, integerIn, text, textIn } from '../row.ts';
import { decodeField, encodeField } from '../text.ts';
import { ConnectionTable } from './connections.ts';
import { Containers } from './containers.ts';
import type { Step } from './database.ts';
import { FlowTable } from './flows.ts';
import type { Names } from './names.ts';
import { SizesReader } from './sizes.ts';

/**
 * What one step reads at most: about a millisecond of a blocked thread. With five times as many rows, the collection of
 * garbage finds a part of them in use each time, and keeps them as if they stayed: a review took a seventh longer.
 */
const STEP_FRAMES = 256;
const STEP_ROWS = 400;

/** A row of `container_traffic`: the columns of TRAFFIC. */
type TrafficRow = readonly unknown[];
const TRAFFIC = [
  ...['time', 'series', 'identity', 'started', 'ended'],
  ...DIRECTIONS.flatMap(direction => [`${direction}_messages`, `${direction}_bytes`, `${direction}_sizes`]),
];
const [TIME, SERIES, IDENTITY, STARTED, ENDED, FIRST_WINDOW] = [0, 1, 2, 3, 4, 5];

/**
 * Whole frames: statements and row formats of `host_frames` and `container_traffic`, with `container_flows` and
 * `container_connections`. Everything here is synchronous.
 */
export class FrameTables {
  readonly #names: Names;
  readonly #flows: FlowTable;
  readonly #connections: ConnectionTable;
  readonly #containers: Containers;
  readonly #sizes = new SizesReader();
  readonly #insertFrame: StatementSync;
  readonly #settleFrame: StatementSync;
  readonly #insertTraffic: StatementSync;
  readonly #heads: StatementSync;
  readonly #newestInTurn: StatementSync;
  readonly #traffic: StatementSync;
  readonly #last: StatementSync;
  readonly #first: StatementSync;
  readonly #hosts: StatementSync;

  constructor(db: DatabaseSync, names: Names) {
    this.#names = names;
    this.#flows = new FlowTable(db, names);
    this.#connections = new ConnectionTable(db, names);
    this.#containers = new Containers(db);
    this.#insertFrame = db.prepare(
      'INSERT INTO host_frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#settleFrame = db.prepare(
      'UPDATE host_frames SET ahead = 0, dropped = ? WHERE host = ? AND time = ? AND ahead = 1',
    );
    this.#insertTraffic = db.prepare(
      'INSERT INTO container_traffic VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#heads = db.prepare(
      'SELECT * FROM host_frames WHERE host = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?',
    );
    this.#newestInTurn = db.prepare(
      'SELECT time FROM host_frames WHERE host = ? AND ahead = 0 ORDER BY time DESC LIMIT 1',
    );
    // CROSS JOIN keeps this order: one walk along (time, series).
    this.#traffic = db.prepare(`
      SELECT ${TRAFFIC.map(column => `t.${column}`).join(', ')} FROM container_traffic t CROSS JOIN series s ON s.id = t.series
      WHERE t.time >= ? AND t.time <= ? AND s.host = ?
      ORDER BY t.time`);
    // By far the most rows there are: an array of values is made in half the time of an object.
    this.#traffic.setReturnArrays(true);
    this.#last = db.prepare(
      'SELECT time, duration_ms FROM host_frames WHERE host = ? AND time < ? ORDER BY time DESC LIMIT 1',
    );
    this.#first = db.prepare('SELECT time FROM host_frames WHERE host = ? ORDER BY time LIMIT 1');
    this.#hosts = db.prepare(
      'SELECT name FROM hosts h WHERE EXISTS (SELECT 1 FROM host_frames f WHERE f.host = h.id)',
    );
  }

  /**
   * Insert a frame, inside a transaction. One that is stored already is left as it is, for frames never change; one that
   * was `ahead` of earlier ones is not any more when it is inserted in its turn.
   */
  insert(frame: Frame, ahead = false): void {
    const host = this.#names.ensureHost(frame.host);
    const dropped = frame.dropped ?? 0;
    const added = this.#insertFrame.run(
      host,
      frame.start,
      frame.durationMs,
      frame.previous,
      frame.lost,
      frame.occupancy,
      frame.faults.join(','),
      frame.containers.length,
      frame.flows.length,
      frame.connections.length,
      dropped,
      ahead ? 1 : 0,
      frame.exits === undefined ? '' : encodeField(JSON.stringify(frame.exits)),
    );
    if (added.changes === 0) {
      if (!ahead) this.#settleFrame.run(dropped, host, frame.start);
      return;
    }
    this.#flows.insert(frame);
    this.#connections.insert(frame);
    const windows = new Map(frame.windows.map(w => [windowKey(w.container, w.direction), w]));
    const started = new Set(frame.started);
    const ended = new Set(frame.ended);
    for (const container of frame.containers) {
      const { series, identity } = this.#names.ensureContainer(frame.start, frame.host, container);
      this.#insertTraffic.run(
        frame.start,
        series,
        identity,
        started.has(container.name) ? 1 : 0,
        ended.has(container.name) ? 1 : 0,
        ...windowColumns(windows.get(windowKey(container.name, 'send'))),
        ...windowColumns(windows.get(windowKey(container.name, 'receive'))),
      );
    }
  }

  /** The first frames of a host in the range, without their containers: as many as are read in one step. */
  #headsOf(host: string, range: Interval): FrameHead[] {
    const id = this.#names.findHost(host);
    if (id === null) return [];
    const heads: FrameHead[] = [];
    const limit = new RowLimit(STEP_ROWS);
    for (const row of this.#heads.iterate(id, sqlTime(range.from), sqlTime(range.to), STEP_FRAMES)) {
      const head = frameHeadOf(host, row);
      if (!limit.takes(head)) break;
      heads.push(head);
    }
    return heads;
  }

  /** Those of the heads that come before any whose turn is yet to come. */
  #inTurn(host: string, heads: readonly FrameHead[]): readonly FrameHead[] {
    if (!heads.some(({ ahead }) => ahead)) return heads;
    return inTurn(heads, this.lastInTurn(host) ?? Number.NEGATIVE_INFINITY);
  }

  /** Sums of a host's flows over the frames that start in [from, to). */
  flowTotals(host: string, from: number, to: number): FlowTotal[] {
    return this.#flows.totals(this.#names.findHost(host), from, to);
  }

  /**
   * Frames from the beginning of a range, as many as are read in a few milliseconds, and where the next step begins;
   * null at its end. A frame that lacks rows is being deleted: it is left out, as a gap; those whose turn is yet to come
   * end the reading, unless `withAhead`. Needs a transaction, so that heads and rows are of one moment. Unless `withSizes`,
   * histograms are empty.
   */
  step(
    host: string,
    range: Interval,
    { withAhead, withSizes = true }: { readonly withAhead: boolean; readonly withSizes?: boolean },
  ): Step<Frame> {
    const found = this.#headsOf(host, range);
    const heads = withAhead ? found : this.#inTurn(host, found);
    const first = heads[0];
    const last = heads.at(-1);
    if (!first || !last) return { items: [], next: null };
    const id = this.#names.findHost(host);
    const rows: readonly unknown[] = this.#traffic.all(first.frame.start, last.frame.start, id);
    const byTime = Map.groupBy(rows as readonly TrafficRow[], row => integerIn(row[TIME], 'time'));
    this.#containers.begin();
    const flowsByTime = this.#flows.read(id, first.frame.start, last.frame.start);
    const connectionsByTime = this.#connections.read(id, first.frame.start, last.frame.start);
    const items = heads.flatMap(({ frame, ...counts }) => {
      const own = (byTime.get(frame.start) ?? []).flatMap(row => {
        const [series, identity] = [integerIn(row[SERIES], 'series'), integerIn(row[IDENTITY], 'identity')];
        const container = this.#containers.of(series, identity);
        return container === null ? [] : { row, container };
      });
      const flows = flowsByTime.get(frame.start) ?? [];
      const connections = connectionsByTime.get(frame.start) ?? [];
      if (own.length !== counts.containers || flows.length !== counts.flows) return [];
      if (connections.length !== counts.connections) return [];
      flows.sort(compareFlows);
      connections.sort(compareConnections);
      return { ...frame, ...parts(own, withSizes ? this.#sizes : null), flows, connections };
    });
    return { items, next: last.frame.start + 1 };
  }

  last(host: string, before: number): Interval | null {
    const row = this.#last.get(this.#names.findHost(host), sqlTime(before));
    return row ? frameInterval(row) : null;
  }

  lastInTurn(host: string): number | null {
    const row = this.#newestInTurn.get(this.#names.findHost(host));
    return row ? integer(row, 'time') : null;
  }

  first(host: string): number | null {
    const row = this.#first.get(this.#names.findHost(host));
    return row ? integer(row, 'time') : null;
  }

  hosts(): string[] {
    return this.#hosts
      .all()
      .map(row => decodeField(text(row, 'name')))
      .sort(compareText);
  }
}

/** Bounds of a range may lie beyond what the column holds, such as Infinity. */
export function sqlTime(ms: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(ms)));
}

const windowKey = (container: string, direction: Direction): string => `${direction} ${container}`;

function windowColumns(window: Window | undefined): [number | null, number | null, string | null] {
  return window ? [window.messages, window.bytes, JSON.stringify(window.sizes)] : [null, null, null];
}

/** What the rows of one frame say, in canonical order; without a reader histograms are empty. */
function parts(
  entries: { readonly row: TrafficRow; readonly container: Container }[],
  sizes: SizesReader | null,
): Pick<Frame, 'containers' | 'started' | 'ended' | 'windows'> {
  entries.sort((a, b) => compareText(a.container.name, b.container.name));
  const named = (column: number) =>
    entries.filter(({ row }) => row[column] === 1).map(({ container }) => container.name);
  const windows: Window[] = [];
  for (const { row, container } of entries) addWindows(windows, row, container.name, sizes);
  return {
    containers: entries.map(({ container }) => container),
    started: named(STARTED),
    ended: named(ENDED),
    windows,
  };
}

function addWindows(windows: Window[], row: TrafficRow, container: string, reader: SizesReader | null): void {
  let column = FIRST_WINDOW;
  for (const direction of DIRECTIONS) {
    const [messages, bytes, sizes] = [row[column], row[column + 1], row[column + 2]];
    column += 3;
    if (messages === null) continue;
    windows.push({
      container,
      direction,
      messages: integerIn(messages, `${direction}_messages`),
      bytes: integerIn(bytes, `${direction}_bytes`),
      sizes: reader?.read(textIn(sizes, `${direction}_sizes`)) ?? [],
    });
  }
}
