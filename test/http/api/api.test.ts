import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import { incidentJson } from '../../../core/incident/incident-json.ts';
import { isLoopback } from '../../../http/api/access.ts';
import { OPERATIONS } from '../../../http/api/resources/index.ts';
import { type temporaryFolder, until } from '../../parts/process.ts';
import { DEAD, FIRING, filledFolder, HOSTILE, OVER, RANGE, type Served, serve } from './fixture.ts';

const TOKENS = [
  { name: 'wall', scope: 'read' as const, token: 'r'.repeat(20) },
  { name: 'ci', scope: 'write' as const, token: 'w'.repeat(20) },
];
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let folder: ReturnType<typeof temporaryFolder>;
let served: Served;
beforeAll(async () => {
  folder = await filledFolder();
  served = await serve(folder.path);
}, 60_000);
afterAll(async () => {
  await served.close();
  folder.remove();
});

describe('the API', () => {
  it('lists incidents as the commands print them, newest first, a page at a time', async () => {
    const { json, headers, status } = await served.ask('GET', `/incidents?${RANGE}&limit=1`);
    expect([status, json]).toEqual([200, [incidentJson(FIRING)]]);
    const [, next] = /^<\/api\/v1(.*)>; rel="next"$/.exec(headers.get('link') ?? '') ?? [];
    const last = await served.ask('GET', String(next));
    expect([last.json, last.headers.get('link')]).toEqual([[incidentJson(OVER)], null]);
    const names = async (query: string) =>
      (await served.ask('GET', `/incidents?${RANGE}&${query}`)).json.map(({ id }: { id: string }) => id);
    expect(await names('state=firing')).toEqual([FIRING.id]);
    expect(await names(`container=${encodeURIComponent(HOSTILE)}`)).toEqual([FIRING.id]);
    expect(await names('host=nobody')).toEqual([]);
  });

  it('tells of one incident what became of its notifications', async () => {
    const { json } = await served.ask('GET', `/incidents/${FIRING.id}`);
    const told = { key: DEAD.key, receiver: 'ops', about: 'firing', status: 'dead', attempts: 3 };
    expect(json).toEqual({ ...incidentJson(FIRING), notifications: [{ ...told, last_error: '503' }] });
  });

  it('explains an incident: who was told, who was not, and why', async () => {
    const { json } = await served.ask('GET', `/incidents/${FIRING.id}/explain`);
    expect(json).toMatchObject({
      incident: incidentJson(FIRING),
      severity_reason: 'score 1.5 is warning',
      deliveries: [
        { key: DEAD.key, receiver: 'ops', incident_state: 'firing', status: 'dead', reason: '503' },
      ],
      not_told: [],
    });
    expect((await served.ask('GET', '/incidents/nobody/explain')).status).toBe(404);
  });

  it('pages through traffic and connections without leaving out or repeating a row', async () => {
    for (const path of [`/traffic?${RANGE}&step=1m`, `/connections?${RANGE}`, `/containers?${RANGE}`]) {
      const all = (await served.ask('GET', `${path}&limit=1000`)).json;
      const paged: unknown[] = [];
      for (let next: string | undefined = `${path}&limit=2`; next !== undefined; ) {
        const { json, headers } = await served.ask('GET', next);
        paged.push(...json);
        next = /^<\/api\/v1(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      }
      expect(all.length).toBeGreaterThan(2);
      expect(paged).toEqual(all);
    }
  });

  it('gives rates of containers, and null where nobody watched', async () => {
    const { json } = await served.ask('GET', `/containers?${RANGE}&step=10m&container=c0000`);
    expect(json).toHaveLength(1);
    const { watched_ms, sent_bytes, sent_rates } = json[0];
    expect([watched_ms, sent_bytes]).toEqual([150_000, 3_000_000]);
    expect(sent_rates).toEqual([null, 20_000, ...Array.from({ length: 10 }, () => null)]);
  });

  it('puts failing edges of the map first, and hands names on as they are', async () => {
    const { json } = await served.ask('GET', `/map?${RANGE}`);
    expect(json.edges.map(({ to }: { to: string }) => to)).toEqual([
      `container:${HOSTILE}`,
      'container:c0001',
    ]);
  });

  it('adds, lists and ends silences, and keeps who wanted them', async () => {
    const body = { container: 'web-*', for: '2h', reason: 'deploy', owner: 'anna' };
    const { status, json } = await served.ask('POST', '/silences', body);
    expect([status, json]).toMatchObject([
      200,
      { container: 'web-*', host: '*', owner: 'anna', in_force: true },
    ]);
    expect((await served.ask('GET', '/silences')).json).toEqual([json]);
    expect((await served.ask('DELETE', `/silences/${json.id}`)).json).toMatchObject({ in_force: false });
    expect((await served.ask('GET', '/silences')).json).toEqual([]);
    expect((await served.ask('DELETE', `/silences/${json.id}`)).status).toBe(404);
  });

  it('tells what a silence would keep back, and keeps none', async () => {
    const body = { host: FIRING.host, for: '2h', reason: 'deploy', dry_run: true };
    const { status, json } = await served.ask('POST', '/silences', body);
    expect([status, json.holds]).toEqual([200, [FIRING.id]]);
    expect((await served.ask('POST', '/silences', { ...body, host: 'web-2' })).json.holds).toEqual([]);
    expect((await served.ask('GET', '/silences')).json).toEqual([]);
  });

  it('tells who listens of frames with what is known of hosts, and of silences that something has changed', async () => {
    const { body } = await fetch(`${served.listener.url}/api/v1/events`);
    if (!body) throw new Error('no events');
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (isIt: (text: string) => boolean): Promise<string> => {
      for (let text = ''; ; ) {
        const part = await reader.read();
        text += part.value ?? '';
        if (isIt(text)) return text;
        if (part.done) throw new Error(`the events ended: ${text}`);
      }
    };
    const first = await next(text => /event: health\n.*\n\n/.test(text) && text.includes('event: change'));
    const [, health = ''] = /^event: health\ndata: (.*)$/m.exec(first) ?? [];
    const { time: _, ...known } = (await served.ask('GET', '/health')).json;
    expect(JSON.parse(health)).toMatchObject({ host: known.host, open_incidents: known.open_incidents });
    const { json } = await served.ask('POST', '/silences', { host: '*', for: '1h', reason: 'test' });
    const second = await next(text => text.includes('event:'));
    expect(second.replace(/^(: no change\n\n)+/, '')).toBe('event: change\ndata: {}\n\n');
    await reader.cancel();
    await served.ask('DELETE', `/silences/${json.id}`);
  }, 60_000);

  it('ends a silence that has not begun: it never will', async () => {
    const now = systemClock.now();
    const match = { host: 'x', service: '*', container: '*' };
    const range = { from: now + 3_600_000, until: now + 7_200_000 };
    await served.state.saveSilence({ id: '0a0a0a0a', match, ...range, owner: 'anna', reason: 'move' }, now);
    const { json } = await served.ask('DELETE', '/silences/0a0a0a0a');
    expect(json.from).toBe(json.until);
    expect((await served.ask('GET', '/silences')).json).toEqual([]);
  });

  it('begins a deploy in place of the one before, and ends it', async () => {
    const body = { service: 'shop/web', for: '10m', reason: 'release 1', owner: 'ci' };
    const { json } = await served.ask('POST', '/deploys', body);
    expect(json).toMatchObject({
      kind: 'deploy',
      service: 'shop/web',
      host: '*',
      owner: 'ci',
      in_force: true,
    });
    const again = (await served.ask('POST', '/deploys', { ...body, reason: 'release 2' })).json;
    expect((await served.ask('GET', '/silences')).json).toEqual([again]);
    const end = { service: 'shop/web' };
    expect((await served.ask('POST', '/deploys/end', { ...end, host: 'other' })).json).toEqual([]);
    const ended = (await served.ask('POST', '/deploys/end', end)).json;
    expect(ended).toMatchObject([{ id: again.id, in_force: false }]);
    expect((await served.ask('POST', '/deploys/end', end)).json).toEqual([]);
    expect((await served.ask('POST', '/deploys', { ...body, for: '25h' })).status).toBe(400);
  });

  it('begins a silence later, within a year, and not in the past', async () => {
    const body = { container: 'x', for: '1h', reason: 'move' };
    const from = new Date(systemClock.now() + 3_600_000).toISOString();
    const { json } = await served.ask('POST', '/silences', { ...body, from });
    expect(json).toMatchObject({ from, in_force: false });
    await served.ask('DELETE', `/silences/${json.id}`);
    for (const wrong of ['2001-01-01T00:00:00Z', '2999-01-01T00:00:00Z', '12h'])
      expect((await served.ask('POST', '/silences', { ...body, from: wrong })).status).toBe(400);
  });

  it('takes matchers of silences as the command does, and says what is wrong with one', async () => {
    const body = { matchers: ['container=~"web-.*"', 'severity!=critical'], for: '1h', reason: 'load test' };
    const { status, json } = await served.ask('POST', '/silences', body);
    expect([status, json]).toMatchObject([
      200,
      { matchers: ['container=~"web-.*"', 'severity!="critical"'], host: '*', container: '*' },
    ]);
    await served.ask('DELETE', `/silences/${json.id}`);
    for (const matcher of ['container', 'nobody=x', 'container=~"("', 'severity=loud'])
      expect(await served.ask('POST', '/silences', { ...body, matchers: [matcher] })).toMatchObject({
        status: 400,
        json: { place: 'body.matchers.0', found: expect.stringContaining(matcher.split(/[=]/)[0] ?? '') },
      });
    expect((await served.ask('POST', '/silences', { ...body, matchers: [] })).status).toBe(400);
  });

  it('marks an incident and takes it back', async () => {
    const mark = await served.ask('PUT', `/incidents/${OVER.id}/mark`, {
      kind: 'expected',
      note: 'load test',
    });
    expect(mark.json).toMatchObject({ incident: OVER.id, kind: 'expected', note: 'load test', by: 'api' });
    expect((await served.ask('GET', `/incidents/${OVER.id}`)).json.mark).toMatchObject({ kind: 'expected' });
    await served.ask('DELETE', `/incidents/${OVER.id}/mark`);
    expect((await served.ask('GET', `/incidents/${OVER.id}`)).json).not.toHaveProperty('mark');
    expect((await served.ask('GET', '/marks')).json).toHaveLength(2);
  });

  it('replays what was given up, once', async () => {
    const path = `/deliveries/${encodeURIComponent(DEAD.key)}`;
    expect((await served.ask('GET', path)).json).toMatchObject({
      status: 'dead',
      incident: { id: FIRING.id },
    });
    expect((await served.ask('POST', `${path}/replay`, {})).json).toEqual({ replayed: 1 });
    expect((await served.ask('GET', path)).json).toMatchObject({ status: 'pending', attempts: 0 });
    expect(await served.ask('POST', `${path}/replay`, {})).toMatchObject({
      status: 400,
      json: { expected: 'a delivery that was given up', found: 'one that is pending' },
    });
  });

  it('answers as its own document says', async () => {
    for (const { id, method, path, answer } of OPERATIONS) {
      if (method !== 'GET') continue;
      const asked = path.replace('{id}', FIRING.id).replace('{key}', encodeURIComponent(DEAD.key));
      const { json, status } = await served.ask('GET', asked);
      expect([id, status, answer.safeParse(json).error?.issues]).toEqual([id, 200, undefined]);
    }
  });

  it('says of an error what is wrong and what to do', async () => {
    const { status, json, headers } = await served.ask('GET', '/incidents?from=yesterday');
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect([status, json]).toMatchObject([
      400,
      { place: 'from', found: 'yesterday', remedy: 'Correct the parameter.', type: 'about:blank' },
    ]);
    expect((await served.ask('GET', '/incidents/nobody')).status).toBe(404);
    expect((await served.ask('GET', '/incidents?form=1h')).status).toBe(400);
    expect((await served.ask('GET', '/nothing')).json).toMatchObject({
      status: 404,
      place: 'GET /api/v1/nothing',
    });
    expect((await served.ask('POST', '/silences', '{"for":')).status).toBe(400);
    expect((await served.ask('POST', '/silences', { reason: 'x'.repeat(20_000) })).status).toBe(413);
  });
});

describe('a connection that is cut within the body of a request', () => {
  it('is no bug: nothing is logged as an error, and the next request is answered', async () => {
    const before = served.lines.length;
    const { port } = new URL(served.listener.url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const head = ['POST /api/v1/silences HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json'];
    socket.write(`${[...head, 'content-length: 100', 'expect: 100-continue'].join('\r\n')}\r\n\r\n`);
    // The server has read the head and waits for the body.
    await once(socket, 'data');
    socket.write('{"for":');
    socket.resetAndDestroy();
    await until('it to be noticed', () => served.lines.length > before);
    expect(served.lines.slice(before)).toMatchObject([
      { level: 'debug', message: 'a connection was cut within a request' },
    ]);
    expect((await served.ask('GET', '/silences')).status).toBe(200);
  });
});

describe('who may use the API', () => {
  it('beside a browser that shows another site: nobody', async () => {
    const silence = { host: '*', for: '1h', reason: 'x' };
    const asked = async (headers: Record<string, string>) =>
      (await served.ask('POST', '/silences', silence, headers)).status;
    expect(await asked({ origin: 'http://evil.example' })).toBe(403);
    expect(await asked({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await asked({ 'content-type': 'text/plain' })).toBe(415);
    expect(await asked({ 'content-type': 'application/x-www-form-urlencoded' })).toBe(415);
    expect((await served.ask('GET', '/silences')).headers.get('access-control-allow-origin')).toBe(null);
    // A name of an attacker that resolves to 127.0.0.1.
    const { port } = new URL(served.listener.url);
    const status = await new Promise(resolve => {
      const headers = { host: `evil.example:${port}` };
      request({ port, host: '127.0.0.1', path: '/api/v1/silences', headers }, answer => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(403);
    expect((await served.ask('GET', '/silences')).json).toEqual([]);
    expect(await asked({ origin: served.listener.url })).toBe(200);
  });

  it('with tokens: those who have one, for what its scope allows', async () => {
    const other = await serve(folder.path, { tokens: TOKENS });
    const body = { host: 'x', for: '1h', reason: 'x', owner: 'somebody else' };
    expect(await other.ask('GET', '/silences')).toMatchObject({ status: 401 });
    expect((await other.ask('GET', '/openapi.json')).headers.get('www-authenticate')).toBe('Bearer');
    expect((await other.ask('GET', '/silences', undefined, bearer('x'.repeat(20)))).status).toBe(401);
    expect((await other.ask('GET', '/silences', undefined, bearer('r'.repeat(20)))).status).toBe(200);
    expect((await other.ask('POST', '/silences', body, bearer('r'.repeat(20)))).status).toBe(403);
    const { json } = await other.ask('POST', '/silences', body, bearer('w'.repeat(20)));
    expect(json).toMatchObject({ owner: 'ci' });
    await other.close();
  });

  it('is asked less often than a loop would: the rest is refused', async () => {
    const other = await serve(folder.path, { perMinute: 3 });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await other.ask('GET', '/nothing')).status);
    expect(statuses).toEqual([404, 404, 404, 429, 429]);
    await other.close();
  });

  it('guesses tokens no faster than that', async () => {
    const other = await serve(folder.path, { tokens: TOKENS, perMinute: 4 });
    const statuses: number[] = [];
    for (const path of [
      '/silences',
      '/openapi.json',
      '/events',
      '/map',
      '/silences',
      '/openapi.json',
      '/events',
    ])
      statuses.push((await other.ask('GET', path, undefined, bearer('x'.repeat(20)))).status);
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 429]);
    await other.close();
  });

  it.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.0.0.1.evil.example', false],
    ['localhost.evil.example', false],
  ])('knows whether %s is this machine alone: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
