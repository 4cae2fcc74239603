import type { Interval } from '../../core/interval.ts';
import type { Log } from '../../core/log.ts';
import { compareText, type Frame } from '../../core/traffic/frame.ts';
import { checkFrame } from '../check.ts';
import { type FrameHead, inTurn, withinRows } from '../page.ts';
import { frameHeadOf } from '../records.ts';
import { frameInterval, integer, text } from '../row.ts';
import { decodeTag } from '../text.ts';
import type { Access } from './client/access.ts';
import { interpreted } from './client/failure.ts';
import { ALL_TIME, inRange, within } from './client/influxql.ts';
import { connectionLines, flowLines, frameLine, trafficLines } from './client/line.ts';
import { allRows, firstRow, pages } from './client/pages.ts';
import { Containers, frameOf } from './frames.ts';

/** Frames asked for at once, and containers of them: a few megabytes of answer. */
const STEP_FRAMES = 256;
const STEP_CONTAINERS = 2000;

/** Frames as they were captured: `host_frames`, `container_traffic`, `container_flows`, `container_connections`. */
export class FrameTables {
  readonly #access: Access;
  readonly #log: Log;
  readonly #containers = new Containers();
  /** The queries for hosts that are under way, by the time since when. */
  readonly #hosts = new Map<number, Promise<string[]>>();

  constructor(access: Access, log: Log) {
    this.#access = access;
    this.#log = log;
  }

  /** The row of `host_frames` is written once all else is stored: readers look for it first. */
  async write(frames: readonly Frame[], options: { readonly ahead?: boolean } = {}): Promise<void> {
    for (const frame of frames) checkFrame(frame);
    await this.#access.write(
      frames.flatMap(frame => [...trafficLines(frame), ...flowLines(frame), ...connectionLines(frame)]),
    );
    await this.#access.write(frames.map(frame => frameLine(frame, options)));
  }

  /** Frames of a host, ascending; without `withAhead` up to the first that earlier frames are missing before. */
  async *read(
    host: string,
    range: Interval,
    { withAhead }: { readonly withAhead: boolean },
  ): AsyncIterable<Frame> {
    const marks = pages(
      this.#access.from('host_frames'),
      range,
      part => `SELECT * FROM host_frames WHERE ${inRange(host, part)} ORDER BY time LIMIT ${STEP_FRAMES}`,
      { limit: STEP_FRAMES },
    );
    for await (const page of marks) {
      const heads = interpreted(this.#access.place, () => page.map(row => frameHeadOf(host, row)));
      const { wanted, ends } = withAhead ? { wanted: heads, ends: false } : await this.#inTurn(host, heads);
      for await (const frames of oneAhead(stepsOf(wanted), step => this.#completed(host, step)))
        yield* frames;
      if (ends) return;
    }
  }

  /** Those of the heads that come before any whose turn is yet to come, and whether such a one ends the reading. */
  async #inTurn(
    host: string,
    heads: readonly FrameHead[],
  ): Promise<{ wanted: readonly FrameHead[]; ends: boolean }> {
    const ahead = heads.find(head => head.ahead);
    const [first, last] = [heads[0], heads.at(-1)];
    if (!ahead || !first || !last) return { wanted: heads, ends: false };
    const newest = await this.lastInTurn(host, ahead.frame.start);
    // Read the heads again after that answer: a missing frame may have come in between, and would be skipped.
    const rows = await allRows(
      this.#access.from('host_frames'),
      { from: first.frame.start, to: last.frame.start + 1 },
      part => `SELECT * FROM host_frames WHERE ${inRange(host, part)} ORDER BY time`,
    );
    const now = interpreted(this.#access.place, () => rows.map(row => frameHeadOf(host, row)));
    const wanted = inTurn(now, newest ?? Number.NEGATIVE_INFINITY);
    return { wanted, ends: wanted.length < now.length };
  }

  async last(host: string, before = Number.POSITIVE_INFINITY) {
    const row = await firstRow(
      this.#access.from('host_frames'),
      { ...ALL_TIME, to: before },
      part => `SELECT duration_ms FROM host_frames WHERE ${inRange(host, part)} ORDER BY time DESC LIMIT 1`,
      { newestFirst: true },
    );
    if (!row) return null;
    return interpreted(this.#access.place, () => frameInterval(row));
  }

  /** Start of the newest frame from `from` on that was written in its turn. */
  async lastInTurn(host: string, from = Number.NEGATIVE_INFINITY): Promise<number | null> {
    const row = await firstRow(
      this.#access.from('host_frames'),
      { ...ALL_TIME, from },
      part =>
        `SELECT settled FROM host_frames WHERE ${inRange(host, part)} AND settled = 1 ORDER BY time DESC LIMIT 1`,
      { newestFirst: true },
    );
    return row ? interpreted(this.#access.place, () => integer(row, 'time')) : null;
  }

  async first(host: string): Promise<number | null> {
    const row = await firstRow(
      this.#access.from('host_frames'),
      ALL_TIME,
      part => `SELECT duration_ms FROM host_frames WHERE ${inRange(host, part)} ORDER BY time LIMIT 1`,
    );
    return row ? interpreted(this.#access.place, () => integer(row, 'time')) : null;
  }

  /** All lanes of a worker ask at the same moment, and 3 may have to open hundreds of files: they share one query. */
  hosts(since = Number.NEGATIVE_INFINITY): Promise<string[]> {
    const underWay = this.#hosts.get(since);
    if (underWay) return underWay;
    const found = this.#findHosts(since).finally(() => this.#hosts.delete(since));
    this.#hosts.set(since, found);
    return found;
  }

  async #findHosts(since: number): Promise<string[]> {
    // Without times, 3 names the hosts of the last day.
    const rows = await allRows(
      this.#access.from('host_frames'),
      { ...ALL_TIME, from: since },
      part => `SHOW TAG VALUES FROM host_frames WITH KEY = host WHERE ${within(part)}`,
    );
    const names = interpreted(this.#access.place, () => rows.map(row => decodeTag(text(row, 'value'))));
    return [...new Set(names)].sort(compareText);
  }

  /** The whole frames of neighbouring heads; one that lacks rows is left out and logged. */
  async #completed(host: string, heads: readonly FrameHead[]): Promise<Frame[]> {
    const first = heads[0]?.frame.start ?? 0;
    const last = heads.at(-1)?.frame.start ?? 0;
    const rowsOf = (measurement: string) =>
      allRows(
        this.#access.from(measurement),
        { from: first, to: last + 1 },
        part => `SELECT * FROM ${measurement} WHERE ${inRange(host, part)}`,
      );
    const rows = await rowsOf('container_traffic');
    const flowRows = heads.some(head => head.flows > 0) ? await rowsOf('container_flows') : [];
    const connectionRows = heads.some(head => head.connections > 0)
      ? await rowsOf('container_connections')
      : [];
    return interpreted(this.#access.place, () => {
      const byTime = Map.groupBy(rows, row => integer(row, 'time'));
      const flowsByTime = Map.groupBy(flowRows, row => integer(row, 'time'));
      const connectionsByTime = Map.groupBy(connectionRows, row => integer(row, 'time'));
      return heads.flatMap(head => {
        const frame = frameOf(
          head,
          byTime.get(head.frame.start) ?? [],
          flowsByTime.get(head.frame.start) ?? [],
          connectionsByTime.get(head.frame.start) ?? [],
          this.#containers,
        );
        if (!frame)
          this.#log.warn({ host, start: head.frame.start }, 'stored frame is not whole: read as a gap');
        return frame ?? [];
      });
    });
  }
}

function stepsOf(heads: readonly FrameHead[]): (readonly FrameHead[])[] {
  const steps: (readonly FrameHead[])[] = [];
  for (let rest = heads; rest.length > 0; ) {
    const step = withinRows(rest, STEP_CONTAINERS);
    steps.push(step);
    rest = rest.slice(step.length);
  }
  return steps;
}

/** What is read of each, in their order. The next one is asked for while its reader goes through the one before. */
async function* oneAhead<T, R>(items: readonly T[], read: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begin = (item: T): Promise<R> => {
    const reading = read(item);
    // It is waited for later: until then a failure is nobody's.
    reading.catch(() => undefined);
    return reading;
  };
  let coming: Promise<R> | null = null;
  for (const item of items) {
    const next = begin(item);
    if (coming) yield await coming;
    coming = next;
  }
  if (coming) yield await coming;
}
