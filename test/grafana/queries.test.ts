import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { parse } from 'yaml';
import type { ExpectedRange } from '../../core/incident/normal.ts';
import type { Direction } from '../../core/traffic/frame.ts';
import { BUCKETS, bucketOf, upperBound } from '../../core/traffic/histogram.ts';
import { dashboards } from '../../grafana/build.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { decodeTag, encodeTag } from '../../store/text.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { describeWith } from '../parts/need.ts';
import {
  annotations,
  detections,
  eventSizes,
  expected,
  flows,
  frames,
  HOST,
  NAMES,
  START,
  STEP,
} from './data.ts';
import { interpolate, type Range, type Selection } from './interpolate.ts';
import { influxPanels, queriesOf } from './panels.ts';

const DATABASE = 'grafana';
const HOUR = 3_600_000;

/** Two frames per interval of the pictures, so that averages of averages would be noticed. */
const RANGE: Range = { from: START, to: START + 12 * STEP - 1, intervalMs: 2 * STEP };

interface Series {
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/** Queries the way Grafana's backend does, and fails on errors that come with status 200. */
async function ask(server: InfluxServer, query: string): Promise<Series[]> {
  const response = await fetch(`${server.url}/query?db=${DATABASE}&epoch=ms`, {
    method: 'POST',
    body: new URLSearchParams({ q: query }),
  });
  const answer = (await response.json()) as {
    error?: string;
    results?: { error?: string; series?: Series[] }[];
  };
  const [result] = answer.results ?? [];
  if (answer.error || !result || result.error) throw new Error(`${answer.error ?? result?.error}: ${query}`);
  return result.series ?? [];
}

/** Frames of each interval of a picture, by the interval's start. */
const intervals = (): Map<number, number[]> =>
  Map.groupBy(
    frames.map(frame => (frame.start - START) / STEP),
    n => Math.floor((START + n * STEP) / RANGE.intervalMs) * RANGE.intervalMs,
  );

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const durationOf = (n: number): number => frames.find(f => f.start === START + n * STEP)?.durationMs ?? 0;

/** A line of a picture: time -> value, without the intervals that have none. */
type Line = ReadonlyMap<number, number>;

function lineOf(values: (ns: readonly number[]) => number | null): Line {
  const points = [...intervals()].map(([time, ns]) => [time, values(ns)] as const);
  return new Map(points.filter((point): point is readonly [number, number] => point[1] !== null));
}

/** Lines of an answer by the container's real name; each must have come from our host. */
function linesOf(series: readonly Series[]): Map<string, Line> {
  return new Map(
    series.map(({ tags, values }) => {
      expect(decodeTag(tags?.host ?? '')).toBe(HOST);
      const points = values.filter(([, value]) => value !== null) as [number, number][];
      return [tags?.container === undefined ? HOST : decodeTag(tags.container), new Map(points)] as const;
    }),
  );
}

function expectLine(actual: Line | undefined, expected: Line): void {
  expect([...(actual ?? [])].map(([time]) => time)).toEqual([...expected.keys()]);
  for (const [time, value] of expected) expect(actual?.get(time)).toBeCloseTo(value, 6);
}

const rate = (of: (sizes: readonly number[]) => number, direction: Direction) => (name: string) =>
  lineOf(ns => (1000 * sum(ns.map(n => of(eventSizes(name, direction, n))))) / sum(ns.map(durationOf)));
const bytes = sum;
const messages = (sizes: readonly number[]): number => sizes.length;

const meanSize = (direction: Direction) => (name: string) =>
  lineOf(ns => {
    const sizes = ns.flatMap(n => eventSizes(name, direction, n));
    return sizes.length === 0 ? null : sum(sizes) / sizes.length;
  });

/** What each panel of lines on the overview must show of each container. */
const PER_CONTAINER: Readonly<Record<string, (name: string) => Line>> = {
  'Anomaly score': name =>
    lineOf(ns => {
      const starts = ns.map(n => START + n * STEP);
      const rows = detections.filter(d => d.container === name && starts.includes(d.start));
      return Math.max(...rows.map(row => row.score));
    }),
  Sent: rate(bytes, 'send'),
  Received: rate(bytes, 'receive'),
};

/** What each panel on a container's dashboard must show, by the name of the line. */
const OF_ONE: Readonly<Record<string, Readonly<Record<string, (name: string) => Line>>>> = {
  'Bytes sent against received': { send: rate(bytes, 'send'), receive: rate(bytes, 'receive') },
  'Messages sent against received': { send: rate(messages, 'send'), receive: rate(messages, 'receive') },
  'Messages both ways': {
    both: name =>
      lineOf(ns => {
        const sizes = ns.flatMap(n => [...eventSizes(name, 'send', n), ...eventSizes(name, 'receive', n)]);
        return (1000 * sizes.length) / sum(ns.map(durationOf));
      }),
  },
  'Mean size': { send: meanSize('send'), receive: meanSize('receive') },
};

/** Which ways the band of each panel on a container's dashboard is of, and of which metric. */
const BANDS: Readonly<Record<string, Pick<ExpectedRange, 'metric'> & { readonly ways: readonly string[] }>> =
  {
    'Bytes sent against received': { metric: 'bytes', ways: ['send', 'receive'] },
    'Messages sent against received': { metric: 'messages', ways: ['send', 'receive'] },
    'Messages both ways': { metric: 'messages', ways: ['both'] },
  };

const framesAt = (ns: readonly number[]) => frames.filter(f => ns.includes((f.start - START) / STEP));
/** What each panel of lines must show of the host. */
const PER_HOST: readonly (readonly [dashboard: string, title: string, line: Line])[] = [
  [
    'overview',
    'Complete frames',
    lineOf(ns => framesAt(ns).filter(f => f.faults.length === 0).length / ns.length),
  ],
  ['pipeline', 'Lost events', lineOf(ns => sum(framesAt(ns).map(f => f.lost)))],
  ['pipeline', 'Map occupancy', lineOf(ns => Math.max(...framesAt(ns).map(f => f.occupancy)))],
  ['pipeline', 'Containers', lineOf(() => NAMES.length)],
];

/** What that many of a hundred sizes are smaller than, by the buckets they fall into. */
function percentile(percent: number, sizes: readonly number[]): number {
  const bounds = sizes.map(bucketOf).sort((a, b) => a - b);
  const bound = bounds[Math.ceil((percent / 100) * bounds.length) - 1] ?? Number.NaN;
  return Math.min(upperBound(bound), 65_536);
}

/** The query of an alert rule. */
function ruleQuery(uid: string, refId: string): string {
  const file = join(import.meta.dirname, '../../grafana/provisioning/alerting/rules.yaml');
  const { groups } = parse(readFileSync(file, 'utf8'));
  const rule = groups[0].rules.find((one: { uid: string }) => one.uid === uid);
  return rule.data.find((entry: { refId: string }) => entry.refId === refId).model.query;
}

/** The query of a dashboard's variable, and of its incident regions. */
const variableOf = (dashboard: string, name: string): string =>
  dashboards()
    .get(dashboard)
    ?.templating.list?.find(one => one.name === name)?.definition ?? '';
function regionsOf(dashboard: string): string {
  const [regions] = dashboards().get(dashboard)?.annotations.list ?? [];
  return (regions?.target as unknown as { query: string } | undefined)?.query ?? '';
}

const storeAt = ({ url }: InfluxServer): InfluxStore =>
  new InfluxStore(
    {
      ...{ url, version: 'auto', database: DATABASE, timeout: 10_000 },
      ...{ org: '', token: '', username: '', password: '' },
    },
    pino({ level: 'silent' }),
  );

const only = (name: string): Selection => ({ host: [encodeTag(HOST)], container: [encodeTag(name)] });

/** The queries of a panel on a container's dashboard that are of what was seen, and of what was expected. */
const isOfBand = (query: string): boolean => query.includes('"container_expected"');
const isTop = (query: string): boolean => query.includes('AS "top"');
const ratesOf = (title: string) =>
  queriesOf('container', title).filter(query => !isOfBand(query) && !isTop(query));
const bandOf = (title: string) => queriesOf('container', title).filter(isOfBand);
const hasValue = ([, ...values]: readonly unknown[]): boolean => values.some(value => value !== null);

describeWith(['influx'], 'queries of dashboards and alert rules on a real InfluxDB', () => {
  let server: InfluxServer;

  beforeAll(async () => {
    server = await startInflux();
    const store = storeAt(server);
    // Others may have made the database, under whatever name for its default policy.
    await fetch(`${server.url}/query`, {
      method: 'POST',
      body: new URLSearchParams({ q: `CREATE DATABASE ${DATABASE} WITH DURATION INF NAME "for ever"` }),
    });
    await store.open();
    await store.writeFrames(frames);
    await store.writeDetections(detections);
    await store.writeExpected(expected);
    await store.writeAnnotations(annotations);
    await store.rollUp(HOST, { from: START - HOUR, to: START + 2 * HOUR });
    await store.close();
  });
  afterAll(() => server.stop());

  /** Everything that the queries of a panel answer: those that are not meant for the range answer nothing. */
  const answers = async (queries: readonly string[], range: Range, selection: Selection = {}) =>
    (await Promise.all(queries.map(query => ask(server, interpolate(query, range, selection))))).flat();
  const picture = (queries: readonly string[], selection: Selection = {}) =>
    answers(queries, RANGE, selection);

  it.each(influxPanels())('%s: the panel %s has an answer to each range', async (_, title, queries) => {
    for (const days of [1 / 24, 1, 10, 100]) {
      const to = START + 12 * STEP - 1;
      const range = {
        from: to - days * 24 * HOUR,
        to,
        intervalMs: Math.max(STEP, (days * 24 * HOUR) / 1000),
      };
      const selection = { host: [encodeTag(HOST)], container: NAMES.map(encodeTag) };
      const found = await answers(queries, { ...range, intervalMs: Math.round(range.intervalMs) }, selection);
      // Nothing was given up in this history.
      if (title !== 'Frames given up') expect([title, days, found.length > 0]).toEqual([title, days, true]);
    }
  });

  it.each(Object.keys(PER_CONTAINER))(
    'the panel %s shows each container, or those selected alone',
    async title => {
      const queries = queriesOf('overview', title);
      const lines = linesOf(await picture(queries));
      expect([...lines.keys()].sort()).toEqual([...NAMES].sort());
      for (const name of NAMES) {
        expectLine(lines.get(name), PER_CONTAINER[title]?.(name) ?? new Map());
        expect([...linesOf(await picture(queries, only(name))).keys()]).toEqual([name]);
      }
      const two = NAMES.slice(1, 3);
      const some = linesOf(await picture(queries, { container: two.map(encodeTag) }));
      expect([...some.keys()].sort()).toEqual([...two].sort());
    },
  );

  it.each(Object.keys(OF_ONE))('the panel %s shows both directions of one container', async title => {
    for (const name of NAMES) {
      const found = await picture(ratesOf(title), only(name));
      expect(found.map(({ columns }) => columns[1])).toEqual(Object.keys(OF_ONE[title] ?? {}));
      for (const series of found) {
        const line = OF_ONE[title]?.[series.columns[1] ?? '']?.(name) ?? new Map();
        expectLine(linesOf([series]).get(name), line);
      }
    }
  });

  it.each(Object.keys(BANDS))(
    'the panel %s has the band that no rule objects to behind each line',
    async title => {
      const { metric, ways } = BANDS[title] ?? { metric: 'bytes', ways: [] };
      for (const name of NAMES) {
        const found = await answers(bandOf(title), { ...RANGE, intervalMs: STEP }, only(name));
        const rows = expected.filter(row => row.container === name && row.metric === metric);
        const drawn = new Map(found.map(({ tags, values }) => [tags?.direction, values.filter(hasValue)]));
        const wanted = Map.groupBy(
          rows.filter(({ direction }) => ways.includes(direction ?? 'both')),
          ({ direction }) => direction ?? 'both',
        );
        expect([...drawn.keys()].sort()).toEqual([...wanted.keys()].sort());
        for (const [way, of] of wanted) {
          const byMinute = Map.groupBy(of, ({ start }) => Math.floor(start / 60_000) * 60_000);
          expect(drawn.get(way)).toEqual(
            [...byMinute].map(([time, both]) => [
              time,
              Math.max(...both.map(({ low }) => low)),
              way === 'both' ? null : Math.min(...both.map(({ high }) => high ?? Number.NaN)),
            ]),
          );
        }
      }
    },
  );

  it.each(['Bytes sent against received', 'Messages sent against received'])(
    'the panel %s ends at three times the greatest rate, from frames and from sums',
    async title => {
      const start = START - (START % HOUR);
      for (const [hours, intervalMs] of [
        [2, STEP],
        [24, 60_000],
        [24 * 8, HOUR],
      ] as const) {
        const range = { from: start - (hours - 2) * HOUR, to: start + 2 * HOUR - 1, intervalMs };
        const of = async (queries: readonly string[]) => answers(queries, range, only(NAMES[2]));
        const seen = (await of(ratesOf(title))).flatMap(({ values }) =>
          values.map(([, rate]) => Number(rate)),
        );
        const [top, ...others] = await of(queriesOf('container', title).filter(isTop));
        expect([top?.columns, others]).toEqual([['time', 'top'], []]);
        expect(top?.values.map(([, value]) => value)).toEqual([expect.closeTo(3 * Math.max(...seen), 6)]);
      }
    },
  );

  it('the band of a container over long ranges is that of intervals, and not drawn where there was none', async () => {
    const start = START - (START % HOUR);
    const range = { from: start - 20 * HOUR, to: start + 4 * HOUR - 1, intervalMs: 10 * 60_000 };
    const [band, ...others] = await answers(bandOf('Bytes sent against received'), range, only(NAMES[3]));
    expect([band?.tags, others]).toEqual([{ direction: 'send' }, []]);
    expect(band?.columns).toEqual(['time', 'expected at least', 'expected up to']);
    expect(band?.values).toHaveLength(24 * 6);
    const own = expected.filter(row => row.container === NAMES[3] && row.metric === 'bytes');
    const known = band?.values.filter(hasValue);
    const first = Math.floor(START / range.intervalMs) * range.intervalMs;
    expect(known).toEqual([[first, 0, Math.min(...own.map(({ high }) => high ?? Number.NaN))]]);
  });

  it.each(PER_HOST)('%s: the panel %s shows the host', async (dashboard, title, line) => {
    const found = await picture(queriesOf(dashboard, title), { host: [encodeTag(HOST)] });
    const [seen, ...others] = linesOf(found).values();
    expect(others).toEqual([]);
    expectLine(seen, line);
  });

  it('the panel Coverage shows zero, not nothing, where there is no frame', async () => {
    const range = { from: START + 6 * STEP, to: START + 8 * STEP, intervalMs: STEP };
    const [series] = await answers(queriesOf('overview', 'Coverage'), range);
    expect(series?.values).toEqual([
      [START + 6 * STEP, 4996 / STEP],
      [START + 7 * STEP, 0],
    ]);
  });

  it('the last step of the panel Coverage is whole, wherever the range ends', async () => {
    const to = START + 6 * STEP + 1234;
    const range = { from: to - 4 * STEP, to, intervalMs: 2 * STEP };
    const [series] = await answers(queriesOf('overview', 'Coverage'), range);
    expect(series?.values).toEqual([
      [to - 4 * STEP, (durationOf(3) + durationOf(4)) / (2 * STEP)],
      [to - 2 * STEP, (durationOf(5) + durationOf(6)) / (2 * STEP)],
    ]);
  });

  it.each([
    ['Sizes sent', 'send'],
    ['Sizes received', 'receive'],
  ] as const)('the panel %s counts each size in its bucket', async (title, direction) => {
    for (const name of NAMES) {
      const [series] = await picture(queriesOf('container', title), only(name));
      expect(series?.columns).toEqual(['time', ...BUCKETS.map(String)]);
      const seen = (series?.values ?? []).map(([time, ...counts]) => [time, counts.map(count => count ?? 0)]);
      const expected = [...intervals()].map(([time, ns]) => {
        const sizes = ns.flatMap(n => eventSizes(name, direction, n));
        return [time, BUCKETS.map(bound => sizes.filter(size => bucketOf(size) === bound).length)];
      });
      expect(seen).toEqual(expected);
    }
  });

  it.each([
    ['Percentiles of sizes sent', 'send'],
    ['Percentiles of sizes received', 'receive'],
  ] as const)(
    'the panel %s shows those of frames, and of minutes over long ranges',
    async (title, direction) => {
      const name = NAMES[2];
      const sizesOf = (ns: readonly number[]) => ns.flatMap(n => eventSizes(name, direction, n));
      const all = frames.map(frame => (frame.start - START) / STEP);
      const drawn = async (range: Range) => {
        const found = await answers(queriesOf('container', title), range, only(name));
        expect(found.map(({ columns }) => columns)).toEqual([['time', '50 %', '90 %', '99 %']]);
        return (found[0]?.values ?? []).filter(([, half]) => half !== null);
      };
      const minutes = Map.groupBy(all, n => Math.floor((START + n * STEP) / 60_000) * 60_000);
      expect(await drawn({ from: START - 4 * HOUR, to: START + HOUR, intervalMs: 20 * STEP })).toEqual(
        [...minutes].map(([time, ns]) => [time, ...[50, 90, 99].map(p => percentile(p, sizesOf(ns)))]),
      );
      expect(await drawn({ ...RANGE, intervalMs: STEP })).toEqual(
        all.map(n => [START + n * STEP, ...[50, 90, 99].map(p => percentile(p, sizesOf([n])))]),
      );
    },
  );

  it('frames that were stored ahead of their turn are counted until it comes', async () => {
    const store = storeAt(server);
    await store.open();
    const from = START + 20 * HOUR;
    const frame = (n: number) => frames.slice(0, 1).map(one => ({ ...one, start: from + n * STEP }));
    const range = { from, to: from + 60_000, intervalMs: 60_000 };
    const counts = async () => [
      (await answers([ruleQuery('tidegauge-frames-wait', 'A')], range)).map(({ values }) => values[0]?.[1]),
      (await answers(queriesOf('pipeline', 'Frames stored ahead of their turn'), range)).map(({ values }) =>
        sum(values.map(([, ahead]) => Number(ahead))),
      ),
    ];
    await store.writeFrames(frame(2), { ahead: true });
    expect(await counts()).toEqual([[1], [1]]);
    await store.writeFrames(frame(1));
    expect(await counts()).toEqual([[1], [1]]);
    await store.writeFrames(frame(2));
    expect(await counts()).toEqual([[0], [0]]);
    await store.close();
  });

  it.each([
    ['overview', 'Sent'],
    ['container', 'Mean size'],
    ['container', 'Sizes received'],
    ['map', 'Connections that failed'],
  ])(
    '%s: the panel %s shows the same over long ranges, from the sums per minute and hour',
    async (dashboard, title) => {
      const start = START - (START % HOUR);
      const values = async (hours: number) => {
        const range = { from: start - (hours - 2) * HOUR, to: start + 2 * HOUR - 1, intervalMs: HOUR };
        const found = await answers(queriesOf(dashboard, title), range);
        return found.map(({ tags, columns, values }) => ({
          tags,
          columns,
          values: values.filter(([time]) => Number(time) >= start),
        }));
      };
      const windows = await values(2);
      expect(windows.length).toBeGreaterThan(0);
      expect(await values(4)).toEqual(windows);
      expect(await values(24 * 8)).toEqual(windows);
    },
  );

  it.each([
    ['map', 'Who talks to whom'],
    ['map', 'Peers, failing ones first'],
    ['container', 'Peers, failing ones first'],
  ])(
    '%s: the panel %s has the same sums over long ranges, from those per minute and hour',
    async (dashboard, title) => {
      const start = START - (START % HOUR);
      // The time of a sum is the beginning of the range.
      const sums = async (hours: number) => {
        const range = { from: start - (hours - 2) * HOUR, to: start + 2 * HOUR - 1, intervalMs: HOUR };
        const found = await answers(queriesOf(dashboard, title), range);
        return found.map(({ tags, columns, values }) => [tags, columns, values.map(([, ...sum]) => sum)]);
      };
      const frames = await sums(2);
      expect(frames.length).toBeGreaterThan(0);
      expect(await sums(4)).toEqual(frames);
      expect(await sums(24 * 8)).toEqual(frames);
    },
  );

  it('variables offer the hosts, services and containers of the range', async () => {
    const values = async (name: string, selection: Selection = {}, range = RANGE) => {
      const [series] = await answers([variableOf('overview', name)], range, selection);
      return (series?.values ?? []).map(([, value]) => decodeTag(String(value))).sort();
    };
    expect(await values('host')).toEqual([HOST]);
    expect(await values('service', { host: [encodeTag(HOST)] })).toEqual(
      NAMES.map(name => `shop/${name}`).sort(),
    );
    expect(await values('container')).toEqual([...NAMES].sort());
    for (const name of NAMES) {
      expect(await values('container', { service: [encodeTag(`shop/${name}`)] })).toEqual([name]);
    }
    const before: Range = { from: START - 10 * HOUR, to: START - 9 * HOUR, intervalMs: STEP };
    for (const name of ['host', 'service', 'container']) expect(await values(name, {}, before)).toEqual([]);
  });

  it('the panels on incidents know which are open, and show what was seen of each', async () => {
    const [count] = await picture(queriesOf('overview', 'Open incidents'));
    expect(count?.values.map(([, open]) => open)).toEqual([2]);
    const [table] = await picture(queriesOf('overview', 'What is wrong now'));
    const column = (name: string) => table?.values.map(row => row[table.columns.indexOf(name)]);
    expect(column('title')?.toSorted()).toEqual(annotations.map(({ title }) => title).sort());
    const isOpen = column('resolved')?.map(resolved => resolved === null);
    expect(isOpen?.filter(Boolean)).toHaveLength(2);
    expect(new Set(column('seen_text'))).toEqual(new Set(['12 B/s']));
    expect(new Set(column('expected_text'))).toEqual(new Set(['3 B/s']));
  });

  it('incident regions are those that touch the range', async () => {
    const [series] = await picture([regionsOf('overview')]);
    expect(series?.columns).toEqual(['time', 'title', 'text', 'severity', 'timeEnd', 'container']);
    const shown = annotations.filter(annotation => annotation.id !== 'over');
    expect(series?.values).toEqual(
      shown.map(a => [a.start, a.title, a.text, a.severity, a.end, encodeTag(a.container)]),
    );
    const [one] = await picture([regionsOf('container')], only(NAMES[3]));
    expect(one?.values.map(([, title]) => title)).toEqual(['traffic of inside']);
  });

  it('the tables of most and most changed traffic have the rates of each container', async () => {
    const total = (name: string, ns: readonly number[]) =>
      (1000 * sum(ns.flatMap(n => [...eventSizes(name, 'send', n), ...eventSizes(name, 'receive', n)]))) /
      sum(ns.map(durationOf));
    const all = frames.map(frame => (frame.start - START) / STEP);
    const [top] = await picture(queriesOf('overview', 'Most traffic'));
    const seen = new Map(
      top?.values.map(([, rate, container]) => [decodeTag(String(container)), Number(rate)]),
    );
    expect([...seen.keys()].sort()).toEqual([...NAMES].sort());
    for (const name of NAMES) expect(seen.get(name)).toBeCloseTo(total(name, all), 6);
    const changes = await picture(queriesOf('overview', 'Changed most'));
    for (const { tags, values } of changes) {
      const name = decodeTag(tags?.container ?? '');
      expect(values[0]?.[1]).toBeCloseTo(
        total(
          name,
          all.filter(n => n < 6),
        ),
        6,
      );
      expect(values[0]?.[2]).toBeCloseTo(
        total(
          name,
          all.filter(n => n >= 6),
        ),
        6,
      );
    }
  });

  it('the map has an edge per pair but for who calls itself, from the client to the server, with what failed', async () => {
    const found = await picture(queriesOf('map', 'Who talks to whom'));
    const edges = found.flatMap(({ values }) =>
      values.map(([, source, target, failed]) => [source, target, failed]),
    );
    expect(edges).toEqual([
      [encodeTag(NAMES[1]), NAMES[0], 3 * (frames.length - 1)],
      [encodeTag(NAMES[3]), 'outside', 0],
      ['private', NAMES[0], 0],
    ]);
    const peers = await picture(queriesOf('map', 'Peers, failing ones first'));
    expect(peers).toHaveLength(flows.length);
  });

  it('the rule on frames tells a host that has some from one that has none for minutes', async () => {
    const query = ruleQuery('tidegauge-no-frames', 'A');
    const lastOf = async (to: number) => {
      const [series] = await answers([query], { from: to - 24 * HOUR, to, intervalMs: STEP });
      return Number(series?.values.at(-1)?.[1]);
    };
    expect(await lastOf(START + 12 * STEP)).toBeGreaterThan(1);
    expect(await lastOf(START + 150_000)).toBeGreaterThan(0.1);
    expect(await lastOf(START + 4 * 60_000)).toBe(0);
  });

  it('the rule on losses sums what each host has lost', async () => {
    const [series] = await picture([ruleQuery('tidegauge-lost-events', 'A')]);
    expect(series?.values).toEqual([[expect.any(Number), 17]]);
  });

  it('the rule on frames that were given up has an answer of none after it, by which its alert ends', async () => {
    const query = ruleQuery('tidegauge-frames-given-up', 'A');
    const givenUp = async (from: number, to: number) => {
      const [series] = await answers([query], { from, to, intervalMs: STEP });
      return series?.values.map(([, value]) => value);
    };
    expect(await givenUp(START, START + 6 * STEP)).toEqual([2]);
    expect(await givenUp(START + 6 * STEP, START + 12 * STEP)).toEqual([0]);
  });

  it('the rule on incidents sees the one container with an open one, and its numbers', async () => {
    const last = await picture([ruleQuery('tidegauge-incident', 'A')]);
    expect(last).toHaveLength(NAMES.length);
    const open = last.filter(({ values }) => Number(values.at(-1)?.[1]) > 0);
    const container = detections.find(detection => detection.open)?.container ?? '';
    expect(open.map(({ tags }) => decodeTag(tags?.container ?? ''))).toEqual([container]);
    const numbers = { Q: 1, R: 2, T: 1, U: 12, V: 3 };
    const month = { from: START - 30 * 24 * HOUR, to: START + HOUR, intervalMs: STEP };
    for (const [refId, number] of Object.entries(numbers)) {
      const found = await answers([ruleQuery('tidegauge-incident', refId)], month);
      expect(found).toHaveLength(annotations.length);
      expect(new Set(found.map(({ values }) => values[0]?.[1]))).toEqual(new Set([number]));
    }
  });
});
