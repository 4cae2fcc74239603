/**
 * What Grafana asks InfluxDB for each panel, as the browser sends it, and how long the answers take: of the last
 * three hours, and of a day, of two hosts with 47 containers each. All queries of a panel are sent at once, as Grafana does; nobody else asks.
 * The goals are held against influxd's processor time: what else the machine does is not in it.
 */
import { systemClock } from '../../../core/clock.ts';
import { dashboards } from '../../../grafana/build.ts';
import { interpolate, type Range, type Selection } from '../../../test/grafana/interpolate.ts';
import { type Panel, panelsOf } from '../../../test/grafana/panels.ts';
import { startInflux } from '../../../test/parts/influx.ts';
import { type BenchTable, median, spread } from '../measure.ts';
import { costOf } from '../process-cost.ts';
import { writeHistory } from './history.ts';
import { simulatedHours } from './hours.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** Ranges that are looked at, hours. Windows are read for those up to the first, sums per minute for the others. */
const LOOKED_AT = [3, HOURS] as const;
const HOSTS = ['shop-1', 'shop-2'] as const;
const ROUNDS = 3;
const DATABASE = 'tidegauge';
/** The shortest interval of the data source. */
const SHORTEST_MS = 5000;
/** What a panel may take that shows one container, and any other, ms. */
const GOALS = { one: 300, all: 1000 } as const;
/** Who is selected on the dashboard of one container. */
const ONE: Selection = { host: [HOSTS[0]], container: ['web-1-1'] };

interface Influx {
  readonly url: string;
  readonly pid: number | undefined;
}

interface Asked {
  readonly name: string;
  readonly queries: readonly string[];
  readonly points: number;
  readonly shortestMs: number;
  readonly selection: Selection;
  readonly goalMs: number;
}

export async function dashboardsBench(): Promise<BenchTable[]> {
  const server = await startInflux();
  try {
    const end = Math.floor(systemClock.now() / SHORTEST_MS) * SHORTEST_MS;
    await writeHistory(
      server.url,
      { database: DATABASE, rowsFrom: end - LOOKED_AT[0] * HOUR_MS, hosts: HOSTS },
      simulatedHours(HOSTS[0], 1, end, HOURS),
    );
    return await measured({ url: server.url, pid: server.child.process.pid }, end);
  } finally {
    await server.stop();
  }
}

/** A table for each range, of a history in `DATABASE` that ends at `end`, epoch ms. */
export async function measured(influx: Influx, end: number): Promise<BenchTable[]> {
  const tables: BenchTable[] = [];
  for (const hours of LOOKED_AT) {
    const rows: BenchTable['rows'][number][] = [];
    for (const asked of allPanels()) rows.push(await measure(influx, asked, end, hours));
    tables.push({
      title: `Panels over ${hours} hours of 94 containers; ratio: processor time to the goal, ${GOALS.one} ms for a panel of one container, ${GOALS.all} ms for others`,
      rows,
    });
  }
  return tables;
}

async function measure(
  { url, pid }: Influx,
  asked: Asked,
  end: number,
  hours: number,
): Promise<BenchTable['rows'][number]> {
  const range = {
    from: end - hours * HOUR_MS,
    to: end,
    intervalMs: Math.max(asked.shortestMs, Math.round((hours * HOUR_MS) / asked.points)),
  };
  const cpuMs = (): number => costOf(pid)?.cpuMs ?? Number.NaN;
  const times: number[] = [];
  const costs: number[] = [];
  let rows = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [begin, before] = [systemClock.monotonic(), cpuMs()];
    rows = await ask(url, asked, range);
    times.push(systemClock.monotonic() - begin);
    costs.push(cpuMs() - before);
  }
  const ratios = costs.map(cost => cost / asked.goalMs);
  return {
    name: `${asked.name} (${asked.queries.length} queries, ${rows} rows)`,
    value: `${Math.round(median(times))} ms, ${Math.round(median(costs))} ms of processor time`,
    ratio: median(ratios).toFixed(2),
    spread: spread(ratios),
  };
}

/** Every panel that asks InfluxDB something. */
const allPanels = (): Asked[] =>
  [...dashboards().keys()].flatMap(name => panelsOf(name).flatMap(panel => askedBy(name, panel)));

function askedBy(dashboard: string, { title, targets, maxDataPoints, interval }: Panel): Asked[] {
  const queries = (targets ?? []).flatMap(({ query }) => query ?? []);
  if (queries.length === 0) return [];
  const isOfOne = dashboard === 'container';
  return [
    {
      ...{ name: `${dashboard}: ${title}`, queries },
      points: maxDataPoints ?? 1000,
      shortestMs: interval === '5m' ? 300_000 : SHORTEST_MS,
      selection: isOfOne ? ONE : {},
      goalMs: isOfOne ? GOALS.one : GOALS.all,
    },
  ];
}

interface Answer {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly { readonly values: readonly unknown[] }[];
  }[];
}

/** Rows of all queries of a panel together. Throws with what the database has against one of them. */
async function ask(url: string, { queries, selection }: Asked, range: Range): Promise<number> {
  const answers = await Promise.all(
    queries.map(async query => {
      const body = new URLSearchParams({ q: interpolate(query, range, selection) });
      const response = await fetch(`${url}/query?db=${DATABASE}&epoch=ms`, { method: 'POST', body });
      return (await response.json()) as Answer;
    }),
  );
  let rows = 0;
  for (const { error, results = [] } of answers) {
    for (const { error: refusal, series = [] } of results) {
      if (refusal !== undefined) throw new Error(refusal);
      for (const { values } of series) rows += values.length;
    }
    if (error !== undefined) throw new Error(error);
  }
  return rows;
}
