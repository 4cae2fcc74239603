import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { parse } from 'yaml';
import type { Direction } from '../../core/traffic/frame.ts';
import { BUCKETS, bucketOf } from '../../core/traffic/histogram.ts';
import { TRAFFIC_DASHBOARD } from '../../grafana/dashboard.ts';
import type { Panel } from '../../grafana/panels.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { decodeTag, encodeTag } from '../../store/text.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { describeWith } from '../parts/need.ts';
import { annotations, detections, eventSizes, frames, HOST, NAMES, START, STEP } from './data.ts';
import { interpolate, type Range, type Selection } from './interpolate.ts';

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
      return [decodeTag(tags?.container ?? '') || HOST, new Map(points)] as const;
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

/** What each panel of lines must show of each container. */
const PER_CONTAINER: Readonly<Record<string, (name: string) => Line>> = {
  'Anomaly score': name =>
    lineOf(ns => {
      const starts = ns.map(n => START + n * STEP);
      const rows = detections.filter(d => d.container === name && starts.includes(d.start));
      return Math.max(...rows.map(row => row.score));
    }),
  Sent: rate(bytes, 'send'),
  Received: rate(bytes, 'receive'),
  'Messages sent': rate(messages, 'send'),
  'Messages received': rate(messages, 'receive'),
  'Mean size sent': meanSize('send'),
  'Mean size received': meanSize('receive'),
};

/** What each panel of lines must show of the host. */
const framesAt = (ns: readonly number[]) => frames.filter(f => ns.includes((f.start - START) / STEP));
const PER_HOST: Readonly<Record<string, Line>> = {
  Coverage: lineOf(ns => sum(ns.map(durationOf)) / RANGE.intervalMs),
  'Complete frames': lineOf(ns => framesAt(ns).filter(f => f.faults.length === 0).length / ns.length),
  'Lost events': lineOf(ns => sum(framesAt(ns).map(f => f.lost))),
  'Map occupancy': lineOf(ns => Math.max(...framesAt(ns).map(f => f.occupancy))),
};

const HEATMAPS: Readonly<Record<string, Direction>> = { 'Sizes sent': 'send', 'Sizes received': 'receive' };

const panels: readonly Panel[] = TRAFFIC_DASHBOARD.panels.flatMap(panel => [panel, ...(panel.panels ?? [])]);
const queried = panels.filter(panel => panel.targets !== undefined);
const queryOf = (panel: Panel): string => panel.targets?.[0]?.query ?? '';
const panelsIn = (table: Readonly<Record<string, unknown>>) =>
  queried.filter(panel => Object.hasOwn(table, panel.title)).map(panel => [panel.title, panel] as const);

/** The query of an alert rule. */
function ruleQuery(uid: string, refId: string): string {
  const file = join(import.meta.dirname, '../../grafana/provisioning/alerting/rules.yaml');
  const { groups } = parse(readFileSync(file, 'utf8'));
  const rule = groups[0].rules.find((one: { uid: string }) => one.uid === uid);
  return rule.data.find((entry: { refId: string }) => entry.refId === refId).model.query;
}

const only = (name: string): Selection => ({ container: [encodeTag(name)] });

it('has an expectation for each panel', () => {
  const known = [PER_CONTAINER, PER_HOST, HEATMAPS].flatMap(table => Object.keys(table)).sort();
  expect(queried.map(panel => panel.title).sort()).toEqual(known);
});

describeWith(['influx'], 'queries of dashboards and alert rules on a real InfluxDB', () => {
  let server: InfluxServer;

  beforeAll(async () => {
    server = await startInflux();
    const store = new InfluxStore(
      {
        url: server.url,
        version: 'auto',
        database: DATABASE,
        org: '',
        token: '',
        username: '',
        password: '',
        timeout: 10_000,
      },
      pino({ level: 'silent' }),
    );
    // Others may have made the database, under whatever name for its default policy.
    await fetch(`${server.url}/query`, {
      method: 'POST',
      body: new URLSearchParams({ q: `CREATE DATABASE ${DATABASE} WITH DURATION INF NAME "for ever"` }),
    });
    await store.open();
    await store.writeFrames(frames);
    await store.writeDetections(detections);
    await store.writeAnnotations(annotations);
    await store.rollUp(HOST, { from: START - HOUR, to: START + 2 * HOUR });
    await store.close();
  });
  afterAll(() => server.stop());

  const picture = (query: string, selection: Selection = {}) =>
    ask(server, interpolate(query, RANGE, selection));

  it.each(panelsIn(PER_CONTAINER))('panel %s shows each container', async (title, panel) => {
    const lines = linesOf(await picture(queryOf(panel)));
    expect([...lines.keys()].sort()).toEqual([...NAMES].sort());
    for (const name of NAMES) expectLine(lines.get(name), PER_CONTAINER[title]?.(name) ?? new Map());
  });

  it.each(panelsIn(PER_CONTAINER))('panel %s shows the selected containers alone', async (_, panel) => {
    for (const name of NAMES) {
      expect([...linesOf(await picture(queryOf(panel), only(name))).keys()]).toEqual([name]);
    }
    const two = NAMES.slice(1, 3);
    const lines = linesOf(await picture(queryOf(panel), { container: two.map(encodeTag) }));
    expect([...lines.keys()].sort()).toEqual([...two].sort());
  });

  it.each(panelsIn(PER_HOST))('panel %s shows the host', async (title, panel) => {
    const [line, ...others] = linesOf(await picture(queryOf(panel), { host: [encodeTag(HOST)] })).values();
    expect(others).toEqual([]);
    expectLine(line, PER_HOST[title] ?? new Map());
  });

  it('panel Coverage shows zero, not nothing, where there is no frame', async () => {
    const coverage = queried.find(panel => panel.title === 'Coverage');
    const narrow = { from: START + 7 * STEP, to: START + 8 * STEP - 1, intervalMs: STEP };
    const wide = { ...narrow, from: START + 6 * STEP };
    const [series] = await ask(server, interpolate(queryOf(coverage as Panel), wide));
    expect(series?.values).toEqual([
      [START + 6 * STEP, 4996 / STEP],
      [START + 7 * STEP, 0],
    ]);
  });

  it.each(panelsIn(HEATMAPS))('panel %s counts each size in its bucket', async (title, panel) => {
    const direction = HEATMAPS[title] ?? 'send';
    for (const name of NAMES) {
      const [series] = await picture(queryOf(panel), only(name));
      expect(series?.columns).toEqual(['time', ...BUCKETS.map(String)]);
      const seen = (series?.values ?? []).map(([time, ...counts]) => [time, counts.map(count => count ?? 0)]);
      const expected = [...intervals()].map(([time, ns]) => {
        const sizes = ns.flatMap(n => eventSizes(name, direction, n));
        return [time, BUCKETS.map(bound => sizes.filter(size => bucketOf(size) === bound).length)];
      });
      expect(seen).toEqual(expected);
    }
  });

  it.each(panelsIn({ ...PER_CONTAINER, ...HEATMAPS, 'Anomaly score': null }))(
    'panel %s shows the same over long intervals from every tier',
    async (_, panel) => {
      const start = START - (START % HOUR);
      const range = { from: start, to: start + 2 * HOUR - 1, intervalMs: HOUR };
      const tier = TRAFFIC_DASHBOARD.templating.list.find(variable => variable.name === 'tier');
      const tables = tier && 'options' in tier ? tier.options.map(option => option.value) : [];
      expect(tables).toHaveLength(3);
      const [windows, ...sums] = await Promise.all(
        tables.map(table => ask(server, interpolate(queryOf(panel), range, {}, table))),
      );
      expect(windows?.length).toBeGreaterThan(0);
      for (const series of sums) expect(series).toEqual(windows);
    },
  );

  it('variables offer the hosts, services and containers', async () => {
    const values = async (variable: number, selection: Selection = {}) => {
      const entry = TRAFFIC_DASHBOARD.templating.list[variable];
      const definition = entry && 'definition' in entry ? entry.definition : '';
      const [series] = await picture(definition, selection);
      return (series?.values ?? []).map(([, value]) => decodeTag(String(value))).sort();
    };
    expect(await values(0)).toEqual([HOST]);
    expect(await values(1, { host: [encodeTag(HOST)] })).toEqual(NAMES.map(name => `shop/${name}`).sort());
    expect(await values(2)).toEqual([...NAMES].sort());
    for (const name of NAMES) {
      expect(await values(2, { service: [encodeTag(`shop/${name}`)] })).toEqual([name]);
    }
  });

  it('variables do not offer who was not there in the range', async () => {
    const before: Range = { from: START - 10 * HOUR, to: START - 9 * HOUR, intervalMs: STEP };
    for (const entry of TRAFFIC_DASHBOARD.templating.list.slice(0, 3)) {
      const definition = 'definition' in entry ? entry.definition : '';
      expect(await ask(server, interpolate(definition, before))).toEqual([]);
    }
  });

  it('the rule on frames tells a host that has some from one that has none for minutes', async () => {
    const query = ruleQuery('tidegauge-no-frames', 'A');
    const lastOf = async (to: number) => {
      const [series] = await ask(server, interpolate(query, { from: to - 24 * HOUR, to, intervalMs: STEP }));
      return Number(series?.values.at(-1)?.[1]);
    };
    expect(await lastOf(START + 12 * STEP)).toBeGreaterThan(1);
    expect(await lastOf(START + 150_000)).toBeGreaterThan(0.1);
    expect(await lastOf(START + 4 * 60_000)).toBe(0);
  });

  it('the rule on losses sums what each host has lost', async () => {
    const [series] = await picture(ruleQuery('tidegauge-lost-events', 'A'));
    expect(series?.values).toEqual([[expect.any(Number), 17]]);
  });

  it('annotations are the incidents that touch the range', async () => {
    const [incidents] = TRAFFIC_DASHBOARD.annotations.list;
    const [series] = await picture(incidents?.target.query ?? '');
    expect(series?.columns).toEqual(['time', 'title', 'text', 'severity', 'timeEnd', 'container']);
    const shown = annotations.filter(annotation => annotation.id !== 'over');
    expect(series?.values).toEqual(
      shown.map(a => [a.start, a.title, a.text, a.severity, a.end, encodeTag(a.container)]),
    );
    const [one] = await picture(incidents?.target.query ?? '', only(NAMES[3]));
    expect(one?.values.map(([, title]) => title)).toEqual(['traffic of inside']);
  });

  it('the alert rule sees the one container with an open incident, and its score', async () => {
    const query = (refId: string) => ruleQuery('tidegauge-incident', refId);
    const last = await picture(query('A'));
    expect(last).toHaveLength(NAMES.length);
    const open = last.filter(({ values }) => Number(values.at(-1)?.[1]) > 0);
    const container = detections.find(detection => detection.open)?.container ?? '';
    expect(open.map(({ tags }) => decodeTag(tags?.container ?? ''))).toEqual([container]);
    const scores = linesOf(await picture(query('R')));
    const highest = Math.max(...detections.filter(d => d.container === container).map(d => d.score));
    expect([...(scores.get(container)?.values() ?? [])]).toEqual([highest]);
  });
});
