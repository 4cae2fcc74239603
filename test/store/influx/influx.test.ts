import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Annotation } from '../../../core/incident/incident.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import {
  annotationLine,
  connectionLines,
  frameLine,
  trafficLines,
} from '../../../store/influx/client/line.ts';
import { InfluxStore } from '../../../store/influx/store.ts';
import { busyParts, frameOf } from '../../data/frames.ts';
import { type InfluxServer, startInflux } from '../../parts/influx.ts';
import { recordingLog } from '../../parts/log.ts';
import { describeWith } from '../../parts/need.ts';
import { influxConfig, silentLog } from '../stores.ts';

const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

const read = async (store: InfluxStore, host: string): Promise<Frame[]> => {
  const frames: Frame[] = [];
  for await (const frame of store.readFrames(host, ALL)) frames.push(frame);
  return frames;
};

/** Lines or statements past the store, as another program would send them. */
async function post(url: string, path: string, body: string | URLSearchParams): Promise<Response> {
  const response = await fetch(url + path, { method: 'POST', body });
  expect(response.ok).toBe(true);
  return response;
}

describeWith(['influx'], 'influx store on a real influxd', () => {
  let server: InfluxServer;
  let store: InfluxStore;
  const { log, lines: logged } = recordingLog();
  const write = (...lines: string[]) =>
    post(server.url, '/write?db=tidegauge&precision=ms', lines.join('\n'));
  const run = (q: string) => post(server.url, '/query?db=tidegauge', new URLSearchParams({ q }));

  beforeAll(async () => {
    server = await startInflux();
    store = new InfluxStore(influxConfig(server.url), log);
    await store.open();
  });
  afterAll(() => server.stop());

  it('finds out the version and creates the database, whatever its name', async () => {
    const database = `odd "name"; DROP DATABASE tidegauge, 'ü'`;
    const odd = new InfluxStore(influxConfig(server.url, { database }), silentLog);
    expect(await odd.open()).toEqual({ product: 'InfluxDB 1.6.7', location: `${server.url} ${database}` });
    await odd.writeFrames([frameOf('h', 0, busyParts(1))]);
    expect(await read(odd, 'h')).toHaveLength(1);
    expect(await store.hosts()).not.toContain('h');
  });

  it('shows a frame only once its mark is stored', async () => {
    const frame = frameOf('marked', 0, busyParts(2));
    await write(...trafficLines(frame));
    expect(await read(store, 'marked')).toEqual([]);
    expect(await store.lastFrame('marked')).toBeNull();
    expect(await store.hosts()).not.toContain('marked');
    await write(frameLine(frame));
    expect(await read(store, 'marked')).toEqual([frame]);
  });

  it('reads connections of earlier versions, which did not tell the port of the client', async () => {
    const row = { container: 'c0000', kind: 'opened', own: '10.0.0.2', peer: '10.0.0.3', port: 80 } as const;
    const frame = frameOf('earlier', 0, {
      ...busyParts(1),
      connections: [{ ...row, clientPort: 0, count: 2 }],
    });
    const [line = ''] = connectionLines(frame);
    expect(line).toMatch(/,client_port=0i/);
    await write(...trafficLines(frame), line.replace(/,client_port=0i/, ''), frameLine(frame));
    expect(await read(store, 'earlier')).toEqual([frame]);
    // Written again by this version, from a spool of the earlier one.
    await store.writeFrames([frame]);
    expect(await read(store, 'earlier')).toEqual([frame]);
  });

  it('reads a frame that lost rows as a gap, and says so', async () => {
    const frames = [frameOf('holed', 0, busyParts(2)), frameOf('holed', 1, busyParts(1))];
    await store.writeFrames(frames);
    await run(`DROP SERIES FROM container_traffic WHERE host = 'holed' AND container = 'c0001'`);
    expect(await read(store, 'holed')).toEqual([frames[1]]);
    expect(logged.map(line => line.fields)).toContainEqual({ host: 'holed', start: frames[0]?.start });
  });

  it('stores silence as zeros, so that pictures show it', async () => {
    const [container] = busyParts(1).containers;
    await store.writeFrames([frameOf('quiet', 0, { containers: container ? [container] : [] })]);
    const answer = await run(
      `SELECT sum(bytes) FROM container_traffic WHERE host = 'quiet' GROUP BY direction`,
    );
    const { results } = (await answer.json()) as { results: { series: { values: unknown[][] }[] }[] };
    expect(results[0]?.series.map(series => series.values[0]?.[1])).toEqual([0, 0]);
  });

  it('says how many lines a partial write lost, and does not show the frame', async () => {
    const database = 'conflict';
    const other = new InfluxStore(influxConfig(server.url, { database }), silentLog);
    await other.open();
    const frame = frameOf('h', 0, busyParts(2));
    const line = `container_traffic,container=x,direction=send,host=x,service=x bytes="text" ${frame.start}`;
    await post(server.url, `/write?db=${database}&precision=ms`, line);
    await expect(other.writeFrames([frame])).rejects.toMatchObject({
      name: 'ExchangeError',
      retry: true,
      message: expect.stringMatching(
        /field type conflict.*bytes.*dropped=4. Another program writes these fields/,
      ),
    });
    expect(await read(other, 'h')).toEqual([]);
  });

  it('lets no late writer undo a resolution or shrink its region', async () => {
    const firing: Annotation = {
      ...{ id: 'late', host: 'h', service: 's', container: 'c', start: 1_700_000_000_000 },
      ...{ end: 1_700_000_005_000, severity: 'warning', state: 'firing', title: 't', text: 'x' },
    };
    const resolved: Annotation = { ...firing, end: 1_700_000_060_000, state: 'resolved' };
    await store.writeAnnotations([resolved]);
    // A worker that read before the resolution and was stopped until now.
    await write(annotationLine(firing));
    expect(await store.readAnnotations(ALL)).toEqual([resolved]);
    expect(await store.readAnnotations({ from: resolved.end - 1, to: resolved.end })).toEqual([resolved]);
  });

  it('keeps all that was acknowledged over a kill, and works on without being opened again', async () => {
    const frames = Array.from({ length: 20 }, (_, n) => frameOf('killed', n, busyParts(10)));
    await store.writeFrames(frames.slice(0, 10));
    await server.child.stop('SIGKILL');
    const away = { name: 'ExchangeError', retry: true, message: expect.stringMatching(/ECONN|closed/) };
    await expect(store.writeFrames(frames.slice(10))).rejects.toMatchObject(away);
    await expect(store.lastFrame('killed')).rejects.toMatchObject(away);
    await expect(store.open()).rejects.toMatchObject(away);
    await server.restart();
    await store.writeFrames(frames.slice(10));
    expect(await read(store, 'killed')).toEqual(frames);
  });
});

describeWith(['influx'], 'influx store with authentication', () => {
  let server: InfluxServer;
  const opened = (changes: Parameters<typeof influxConfig>[1]) =>
    new InfluxStore(influxConfig(server.url, changes), silentLog).open();

  beforeAll(async () => {
    server = await startInflux({ auth: true });
    const q = `CREATE USER admin WITH PASSWORD 'pass:wörd' WITH ALL PRIVILEGES`;
    await post(server.url, '/query', new URLSearchParams({ q }));
  });
  afterAll(() => server.stop());

  it('opens with the right credentials', async () => {
    const info = await opened({ username: 'admin', password: 'pass:wörd' });
    expect(info.location).toBe(`${server.url} tidegauge`);
  });

  it.each([
    ['none', {}],
    ['wrong ones', { username: 'admin', password: 'wrong' }],
    ['a token', { token: 'secret-token' }],
  ])('refuses to open with %s, says what to check, and keeps the secret', async (_, credentials) => {
    const error: Error = await opened(credentials).then(
      () => new Error('opened'),
      (cause: Error) => cause,
    );
    expect(error).toMatchObject({ name: 'ExchangeError', retry: false });
    expect(error.message).toMatch(/HTTP 401.*Check store.influx.token, or username and password/);
    expect(error.message).not.toMatch(/wrong|secret-token/);
  });
});
