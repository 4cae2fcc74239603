import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { InfluxStore } from '../../../store/influx/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { recordingLog } from '../../parts/log.ts';
import { until } from '../../parts/process.ts';
import { influxConfig } from '../stores.ts';

/**
 * InfluxDB 3 Core cannot be installed where these tests run. What a 3.6.0 server answered is recorded here, word for
 * word; the conformance suite runs against a real one by URL (test/store/stores.ts).
 */
const RECORDED = {
  stranger: [401, ''],
  malformed: [
    400,
    `{"error": "Authorization header was malformed, the request was not in the form of 'Authorization: <auth-scheme> ` +
      `<token>', supported auth-schemes are Bearer, Token and Basic"}`,
  ],
  noDatabase: [404, '{"error":"query error: database not found: gauge"}'],
  syntax: [
    500,
    'error in InfluxQL statement: parsing error: invalid FROM clause, expected identifier, regular expression or ' +
      'subquery at pos 13',
  ],
  planning: [
    500,
    "query error: error while planning query: Error during planning: table 'public.x.y' not found",
  ],
  tooWide: [
    500,
    'query error: error while planning query: External error: Query would exceed file limit of 432 parquet files. ' +
      'Please specify a smaller time range for your query. You can increase the file limit with the ' +
      '`--query-file-limit` option in the serve command, however, query performance will be slower and the server ' +
      'may get OOM killed or become unstable as a result',
  ],
  conflict: [
    400,
    `{"error":"partial write of line protocol occurred","data":[{"error_message":"invalid column type for column ` +
      `'v', expected iox::column_type::field::integer, got iox::column_type::field::string","line_number":1,` +
      `"original_line":"m,host=a v=s 1700000"}]}`,
  ],
  badName: [
    400,
    '{"error":"invalid character in database or rp name: must be ASCII, containing only letters, numbers, ' +
      'underscores, or hyphens"}',
  ],
  tooLarge: [500, 'max request size (10485760 bytes) exceeded'],
  tooMany: [422, '{"error":"Adding a new database would exceed limit of 5 databases"}'],
  exists: [409, 'attempted to create a resource that already exists'],
  nothing: [200, '{"results":[{"statement_id":0}]}\r\n'],
} as const satisfies Record<string, readonly [number, string]>;
type Recorded = readonly [status: number, body: string];

const DAY = 86_400_000;
const RETENTION = { raw: 7 * DAY, minute: 90 * DAY, hour: 730 * DAY };

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}
/** What is answered to a request, or nothing for what a fresh server with the databases would say. */
type Answer = (asked: Asked) => Recorded | undefined | Promise<Recorded | undefined>;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function recorded(
  answer: Answer,
): Promise<{ store: InfluxStore; asked: Asked[]; warnings: unknown[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const piece of request) body += piece;
    const one = { method: request.method ?? '', url: new URL(request.url ?? '', 'http://db'), body };
    asked.push(one);
    const [status, text] = (await answer(one)) ?? usual(one);
    response.writeHead(status, status === 401 ? {} : { 'X-Influxdb-Version': '3.6.0' }).end(text);
  });
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { log, lines } = recordingLog();
  const config = influxConfig(url, { database: 'gauge', token: 'apiv3_secret' });
  return { store: new InfluxStore(config, log, RETENTION), asked, warnings: lines };
}

function usual({ url }: Asked): Recorded {
  if (url.pathname === '/query') return RECORDED.nothing;
  return url.pathname === '/api/v3/write_lp' ? [204, ''] : [200, ''];
}

const statementOf = ({ body }: Asked): string => new URLSearchParams(body).get('q') ?? '';
const databaseOf = ({ body }: Asked): string => new URLSearchParams(body).get('db') ?? '';

describe('InfluxDB 3 Core: opening and setting up', () => {
  const listed = (...names: [string, number?][]): Recorded => [
    200,
    JSON.stringify(
      names.map(([name, days]) => ({
        database_name: name,
        ...(days && { retention_period_ns: days * DAY * 1e6 }),
      })),
    ),
  ];

  it('makes databases for windows and tiers, and changes only what differs', async () => {
    const { store, asked } = await recorded(({ url }) =>
      url.pathname === '/api/v3/query_sql'
        ? listed(['_internal'], ['gauge', 3], ['gauge/hour', 730])
        : undefined,
    );
    expect(await store.init()).toEqual([
      'database gauge: kept 7d from now on, was 3d',
      'database gauge/minute: created, kept 90d',
      'database gauge/hour: kept 730d, as configured',
      expect.stringMatching(/gauge: ready \(InfluxDB 3\.6\.0\)$/),
    ]);
    const configured = asked.filter(({ url }) => url.pathname === '/api/v3/configure/database');
    expect(configured.map(({ method, body }) => [method, JSON.parse(body)])).toEqual([
      ['PUT', { db: 'gauge', retention_period: '604800s' }],
      ['POST', { db: 'gauge/minute', retention_period: '7776000s' }],
    ]);
  });

  it('opening makes what is missing, also when another process is faster, and shortens nothing', async () => {
    let isThere = false;
    const { store, asked } = await recorded(({ method, url }) => {
      if (url.pathname === '/query' && !isThere) return RECORDED.noDatabase;
      if (url.pathname === '/api/v3/query_sql') return listed(['_internal'], ['gauge/hour', 900]);
      if (method === 'POST' && url.pathname === '/api/v3/configure/database') {
        isThere = true;
        return RECORDED.exists;
      }
      return undefined;
    });
    expect((await store.open()).product).toBe('InfluxDB 3.6.0');
    const made = asked.filter(({ url }) => url.pathname === '/api/v3/configure/database');
    expect(made.map(({ method, body }) => [method, JSON.parse(body).db])).toEqual([
      ['POST', 'gauge'],
      ['POST', 'gauge/minute'],
    ]);
  });

  it('goes on without tiers where the server has no room for them, and says so', async () => {
    const { store, warnings } = await recorded(asked => {
      if (asked.url.pathname === '/query' && databaseOf(asked) !== 'gauge') return RECORDED.noDatabase;
      if (asked.url.pathname === '/api/v3/query_sql') return listed(['gauge', 7]);
      return asked.url.pathname === '/api/v3/configure/database' ? RECORDED.tooMany : undefined;
    });
    await store.open();
    expect(JSON.stringify(warnings)).toMatch(/tidegauge store init/);
    await expect(store.init()).rejects.toThrow(/exceed limit of 5 databases/);
  });

  it.each([
    ['a wrong token', RECORDED.stranger, /\/ping.*HTTP 401.*Check store.influx.token/],
    ['a malformed token', RECORDED.malformed, /HTTP 400: Authorization header.*Check store.influx.token/],
  ])('gives up on %s, says what to check and keeps the secret', async (_, answer, message) => {
    const { store } = await recorded(() => answer);
    const error = await store.open().catch((cause: Error) => cause);
    expect(error).toMatchObject({ name: 'ExchangeError', retry: false });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('secret');
  });
});

describe('InfluxDB 3 Core: decision on answers', () => {
  it.each<[keyof typeof RECORDED, boolean, RegExp]>([
    ['stranger', true, /HTTP 401.*Check store.influx.token/],
    ['malformed', true, /Check store.influx.token/],
    ['noDatabase', true, /Check store.influx.url, database/],
    ['syntax', false, /invalid FROM clause/],
    ['planning', false, /Error during planning/],
    ['conflict', true, /partial write.*invalid column type for column 'v'.*"line_number":1/],
    ['badName', true, /invalid character.*Check store.influx.database/],
    ['tooLarge', true, /Raise the body limit/],
    ['tooMany', true, /exceed limit/],
  ])('%s: retry %s', async (name, retry, message) => {
    let answer: Recorded | undefined;
    const { store } = await recorded(() => answer);
    await store.open();
    answer = RECORDED[name];
    const refusal = { retry, message: expect.stringMatching(message) };
    await expect(store.writeFrames([frameOf('h', 0, busyParts(1))])).rejects.toMatchObject(refusal);
    await expect(store.lastFrame('h')).rejects.toMatchObject(refusal);
  });

  it('a line that quotes one of these sentences does not pass for it', async () => {
    const quoted = `partial write: m,host=a s="cannot write to soft-deleted database"`;
    let answer: Recorded | undefined;
    const { store } = await recorded(() => answer);
    await store.open();
    answer = [400, JSON.stringify({ error: quoted })];
    await expect(store.writeFrames([frameOf('h', 0, busyParts(1))])).rejects.toMatchObject({ retry: false });
  });
});

describe('InfluxDB 3 Core: writing and reading', () => {
  it('has several requests under way, but the mark only once all of a frame is acknowledged', async () => {
    const waiting: (() => void)[] = [];
    const { store, asked } = await recorded(async ({ url, body }) => {
      if (url.pathname !== '/api/v3/write_lp' || body.startsWith('host_frames')) return undefined;
      await new Promise<void>(resolve => waiting.push(resolve));
      return undefined;
    });
    await store.open();
    const writing = store.writeFrames([frameOf('h', 0, busyParts(8000))]);
    const writes = () => asked.filter(({ url }) => url.pathname === '/api/v3/write_lp');
    await until('several requests', () => waiting.length >= 3);
    expect(writes().some(({ body }) => body.startsWith('host_frames'))).toBe(false);
    const releasing = until('the mark', () => {
      for (const release of waiting.splice(0)) release();
      return writes().some(({ body }) => body.startsWith('host_frames'));
    });
    await Promise.all([writing, releasing]);
    expect(writes().every(({ url }) => url.search === '?db=gauge&precision=millisecond')).toBe(true);
  });

  it('reads and writes tiers as databases of their own: rp means nothing there', async () => {
    const { store, asked } = await recorded(() => undefined);
    await store.open();
    asked.length = 0;
    for await (const _ of store.readSeries('h', { from: 0, to: DAY }, 3_600_000)) expect(_).toBeUndefined();
    await store.rollUp('h', { from: 0, to: DAY });
    expect(new Set(asked.map(databaseOf))).toEqual(new Set(['gauge', 'gauge/minute', 'gauge/hour']));
    expect(asked.some(({ body }) => new URLSearchParams(body).has('rp'))).toBe(false);
  });

  it('asks for the hosts once, however many lanes want them at a time', async () => {
    const { store, asked } = await recorded(() => undefined);
    await store.open();
    const count = () => asked.filter(one => statementOf(one).startsWith('SHOW TAG VALUES')).length;
    await Promise.all([store.hosts(), store.hosts(), store.hosts()]);
    expect(count()).toBe(1);
    await store.hosts();
    expect(count()).toBe(2);
  });

  it('looks for recent hosts in recent files only', async () => {
    const { store, asked } = await recorded(() => undefined);
    await store.open();
    await Promise.all([store.hosts(DAY), store.hosts(DAY), store.hosts()]);
    const statements = asked.map(statementOf).filter(one => one.startsWith('SHOW TAG VALUES'));
    expect(statements).toEqual([
      expect.stringContaining(`WHERE time >= ${DAY}ms AND`),
      expect.stringContaining('WHERE time >= -'),
    ]);
  });

  it.each([
    ['all at once where it tells of its files', true],
    ['half by half where it does not', false],
  ])('asks for less time where a query would touch too many files: %s', async (_, tells) => {
    const starts = [0, 1, 2, 3].map(day => 1_700_000_000_000 + day * DAY);
    const spans: number[] = [];
    let refused = 0;
    const files: Recorded = tells
      ? [200, JSON.stringify(starts.map(at => ({ first: at, last: at })))]
      : RECORDED.planning;
    const { store, asked: requests } = await recorded(asked => {
      if (asked.body.includes('parquet_files')) return files;
      const q = statementOf(asked);
      const [, from, to] = /time >= (-?\d+)ms AND time < (-?\d+)ms/.exec(q) ?? [];
      if (asked.url.pathname !== '/query' || from === undefined) return undefined;
      const found = starts.filter(start => Number(from) <= start && start < Number(to));
      if (found.length > 1) {
        refused++;
        return [500, RECORDED.tooWide[1].replace('432', '1')];
      }
      spans.push(Number(to) - Number(from));
      const columns = q.startsWith('SHOW') ? ['key', 'value'] : ['time', 'duration_ms'];
      const values = found.map(start => (q.startsWith('SHOW') ? ['host', 'h'] : [start, 5000]));
      const series = values.length > 0 ? [{ name: 'host_frames', columns, values }] : [];
      return [200, `${JSON.stringify({ results: [{ statement_id: 0, series }] })}\r\n`];
    });
    await store.open();
    expect(await store.firstFrame('h')).toBe(starts[0]);
    expect(await store.lastFrame('h')).toEqual({ from: starts[3], to: (starts[3] ?? 0) + 5000 });
    expect(await store.lastFrame('h', starts[2])).toMatchObject({ from: starts[1] });
    expect(await store.hosts()).toEqual(['h']);
    expect(spans.length).toBeGreaterThan(4);
    if (!tells) return;
    expect(refused).toBe(4);
    const { db, q } = JSON.parse(requests.find(({ body }) => body.includes('parquet_files'))?.body ?? '');
    expect(db).toBe('gauge');
    expect(q).toBe(
      'SELECT min_time / 1000000 AS first, max_time / 1000000 AS last FROM system.parquet_files ' +
        "WHERE table_name = 'host_frames' AND max_time >= -9223372036000000000 " +
        'AND min_time < 9223372036000000000 ORDER BY first',
    );
  });
});
