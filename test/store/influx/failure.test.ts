import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { call } from '../../../store/influx/client/http.ts';
import { allRows } from '../../../store/influx/client/pages.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import type { Row } from '../../../store/row.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { influxConfig, silentLog } from '../stores.ts';

/** Servers that fail in every way a server can; the real one does not do it on demand. */
const running: { close(): unknown; closeAllConnections?(): void }[] = [];
const sockets = new Set<Socket>();

afterEach(() => {
  for (const server of running.splice(0)) server.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  running.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
    });
  });
}

/** A store that has opened while all was well; from then on `handler` answers. */
async function storeOn(handler: RequestListener): Promise<InfluxStore> {
  let isOpen = false;
  const url = await listen(
    createHttpServer((request, response) => {
      if (isOpen) return handler(request, response);
      response.setHeader('X-Influxdb-Version', '1.6.7');
      if (request.url === '/ping') return response.writeHead(204).end();
      response.end('{"results":[{"statement_id":0}]}\n');
    }),
  );
  const store = new InfluxStore(influxConfig(url, { timeout: 300 }), silentLog);
  await store.open();
  isOpen = true;
  return store;
}

const frame = frameOf('h', 0, busyParts(1));
const exchanges: [string, (store: InfluxStore) => Promise<unknown>][] = [
  ['write', store => store.writeFrames([frame])],
  ['query', store => store.lastFrame('h')],
];

describe.each(exchanges)('decision on a failed %s', (what, exchange) => {
  it.each([
    [301, true],
    [400, false],
    [401, true],
    [403, true],
    [404, true],
    [408, true],
    [402, true],
    [405, true],
    [413, true],
    [418, true],
    [422, false],
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
  ])('HTTP %i: retry %s', async (status, retry) => {
    const store = await storeOn((_, response) => response.writeHead(status).end('{"error":"the reason"}'));
    await expect(exchange(store)).rejects.toMatchObject({
      name: 'ExchangeError',
      retry,
      message: expect.stringContaining(`HTTP ${status}: the reason`),
    });
  });

  it.each([
    ['7', 7000],
    ['86400', 300_000],
    ['soon', undefined],
    ['-1', undefined],
    ['99999999999', undefined],
  ])('Retry-After: %s is %s ms', async (header, retryAfterMs) => {
    const store = await storeOn((_, response) => response.writeHead(429, { 'Retry-After': header }).end());
    await expect(exchange(store)).rejects.toMatchObject({ retry: true, retryAfterMs });
  });

  it.each<[string, RequestListener]>([
    ['reset', request => request.socket.resetAndDestroy()],
    ['closed before the answer', request => request.socket.destroy()],
    [
      'closed in the middle of the answer',
      (request, response) => {
        response.writeHead(200, { 'Content-Length': '100' });
        response.write('{"results":', () => request.socket.destroy());
      },
    ],
    [
      'closed in the middle of a chunked answer',
      (request, response) => {
        response.write('{"results":[{"statement_id":0}]}\n', () => request.socket.destroy());
      },
    ],
    ['silent', () => undefined],
    ['silent after the headers', (_, response) => response.writeHead(200).flushHeaders()],
    [
      'no HTTP',
      request => {
        request.socket.end('hello\r\n\r\n');
      },
    ],
  ])('%s: retry', async (_, handler) => {
    const store = await storeOn(handler);
    await expect(exchange(store)).rejects.toMatchObject({ name: 'ExchangeError', retry: true });
  });

  it('a page of some other server: retry, and says what to check', async () => {
    const store = await storeOn((_, response) => response.end('<html>Log in</html>'));
    await expect(exchange(store)).rejects.toMatchObject({
      retry: true,
      message: expect.stringContaining('Check that store.influx.url is the address of an InfluxDB'),
    });
  });

  it(`shows nothing of a hostile message's control characters (${what})`, async () => {
    const store = await storeOn((_, response) => response.writeHead(400).end(`\x1b[2J${'x'.repeat(9000)}\n`));
    const error = await exchange(store).catch((cause: Error) => cause);
    expect((error as Error).message).toMatch(/^[^\p{Cc}]{1,900}$/u);
  });
});

describe('a slow answer', () => {
  it('is waited for as long as it goes on, here longer than the time-out', async () => {
    const answer = '{"results":[{"series":[{"columns":["time","duration_ms"],"values":[[1,2]]}]}]}';
    const store = await storeOn((_, response) => {
      const pieces = answer.match(/.{1,10}/g) ?? [];
      const timer = setInterval(() => {
        const piece = pieces.shift();
        if (piece !== undefined) return response.write(piece);
        clearInterval(timer);
        return response.end();
      }, 60);
    });
    expect(await store.lastFrame('h')).toEqual({ from: 1, to: 3 });
  });
});

describe('an answer that is too long', () => {
  it('is not read to its end; the halves of its range are asked for instead', async () => {
    const url = await listen(
      createHttpServer((request, response) => {
        const [from = 0, to = 0] = (request.url ?? '').match(/\d+/g)?.map(Number) ?? [];
        response.end(JSON.stringify(Array.from({ length: to - from }, (_, i) => ({ time: from + i }))));
      }),
    );
    // Ten rows are longer, five are not.
    const connection = { url, headers: {}, timeoutMs: 1000, answerBytes: 100 };
    const asked: string[] = [];
    const query = async (statement: string): Promise<Row[]> => {
      asked.push(statement);
      return JSON.parse(await call(connection, `/${statement}`));
    };
    const source = { query, files: async () => [] };
    const rows = await allRows(source, { from: 0, to: 10 }, ({ from, to }) => `${from}-${to}`);
    expect(rows).toEqual(Array.from({ length: 10 }, (_, time) => ({ time })));
    expect(asked).toEqual(['0-10', '0-5', '5-10']);
    await expect(call({ ...connection, answerBytes: 5 }, '/0-1')).rejects.toThrow(
      'expected an answer of at most 5 bytes',
    );
  });
});

describe('a failed write', () => {
  it('is told to the caller, not to the console', async () => {
    const spies = (['log', 'warn', 'error'] as const).map(name =>
      jest.spyOn(console, name).mockImplementation(() => undefined),
    );
    const store = await storeOn((_, response) => response.writeHead(503).end());
    await expect(store.writeFrames([frame])).rejects.toMatchObject({ retry: true });
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });
});

describe('decision on answers to queries', () => {
  it.each([
    ['database not found: x', true],
    ['retention policy not found: x', true],
    ['not authorized to read', true],
    ['timeout', true],
    ['query interrupted', true],
    ['error parsing query: found x, expected SELECT', false],
    ['max-select-point limit exceeded', false],
  ])('error inside status 200, "%s": retry %s', async (error, retry) => {
    const store = await storeOn((_, response) => response.end(JSON.stringify({ results: [{ error }] })));
    await expect(store.lastFrame('h')).rejects.toMatchObject({
      retry,
      message: expect.stringContaining(error),
    });
  });

  it.each([
    ['an answer that says that more follows', '{"results":[{"series":[],"partial":true}]}\n'],
    ['half a line', '{"results":[{"series":[{"columns":["time"],"val'],
    ['rows that are none', '{"results":[{"series":[{"columns":["time"],"values":[5]}]}]}'],
    ['an array', '[]'],
    [
      'a time that is none',
      '{"results":[{"series":[{"columns":["time","duration_ms"],"values":[["x",1]]}]}]}',
    ],
  ])('%s is not taken for an answer', async (_, body) => {
    const store = await storeOn((__, response) => response.end(body));
    await expect(store.lastFrame('h')).rejects.toMatchObject({ name: 'ExchangeError', retry: true });
  });
});

describe('opening', () => {
  const openAt = (url: string, version: 'auto' | '1' | '2' = 'auto') =>
    new InfluxStore(influxConfig(url, { version, timeout: 300 }), silentLog).open();
  const answering = (handler: RequestListener) => listen(createHttpServer(handler));

  it('waits for a server that is not there yet', async () => {
    await expect(openAt('http://127.0.0.1:1')).rejects.toMatchObject({ retry: true });
    await expect(openAt(await listen(createTcpServer()))).rejects.toMatchObject({ retry: true });
  });

  it.each([
    ['everything', () => true],
    ['/health', (url?: string) => url === '/health'],
  ])('waits for the server behind a proxy that answers %s with 503', async (_, isDown) => {
    const url = await answering(({ url: path }, response) =>
      response.writeHead(isDown(path) ? 503 : 404).end('<h1>503 Service Unavailable</h1>'),
    );
    await expect(openAt(url)).rejects.toMatchObject({
      retry: true,
      message: expect.stringContaining('HTTP 503'),
    });
  });

  it.each([
    ['no InfluxDB', {}, ''],
    ['an InfluxDB that is too old', { 'X-Influxdb-Version': '1.5.2' }, 'version 1.5.2'],
    ['a version that is none', { 'X-Influxdb-Version': 'yes' }, 'no version'],
  ])('gives up on %s', async (_, headers, text) => {
    for (const status of [200, 405]) {
      const url = await answering((__, response) => response.writeHead(status, headers).end('hello'));
      const message = expect.stringMatching(new RegExp(`${text}.*address of an InfluxDB`));
      await expect(openAt(url)).rejects.toMatchObject({ retry: false, message });
    }
  });

  it.each([
    ['v2.9.1', '/api/v2/write?org=&bucket=tidegauge&precision=ms'],
    ['3.6.0', '/api/v3/write_lp?db=tidegauge&precision=millisecond'],
    ['1.8.10', '/write?db=tidegauge&precision=ms'],
  ])('writes to the API that version %s has', async (version, path) => {
    const seen: string[] = [];
    const url = await answering((request, response) => {
      seen.push(request.url ?? '');
      response.setHeader('X-Influxdb-Version', version);
      if (request.url === '/query') return response.end('{"results":[{}]}');
      return response.writeHead(204).end();
    });
    const store = new InfluxStore(influxConfig(url), silentLog);
    expect((await store.open()).product).toBe(`InfluxDB ${version.replace('v', '')}`);
    await store.writeFrames([frame]);
    expect(seen.at(-1)).toBe(path);
  });

  it('asks /health where /ping names no version', async () => {
    const url = await answering((request, response) => {
      if (request.url === '/health') return response.end('{"name":"influxdb","version":"v2.7.1"}');
      if (request.url === '/query') return response.end('{"results":[{}]}');
      return response.writeHead(204).end();
    });
    expect((await openAt(url)).product).toBe('InfluxDB 2.7.1');
  });

  it('does not create a bucket of 2.x, and says that it is missing', async () => {
    const url = await answering((request, response) => {
      response.setHeader('X-Influxdb-Version', 'v2.9.1');
      if (request.url === '/ping') return response.writeHead(204).end();
      return response.end('{"results":[{"error":"database not found: tidegauge"}]}');
    });
    await expect(openAt(url)).rejects.toMatchObject({
      retry: false,
      message: expect.stringMatching(/database not found.*Check store.influx.database/),
    });
  });
});
