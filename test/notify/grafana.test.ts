import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { grafana } from '../../notify/grafana.ts';
import { incidentOf, notificationOf, resolved } from '../data/incidents.ts';
import { clock, incident, message, never } from './fixture.ts';
import { grafanaPatchSchema, grafanaPostSchema } from './schemas.ts';

type Stored = z.output<typeof grafanaPostSchema> & { id: number };

/** The annotations API as it is published, over a list in memory. */
class AnnotationsApi {
  readonly stored: Stored[] = [];
  /** `POST`, `PATCH 3`, `GET a,b` */
  readonly asked: string[] = [];
  /** Called before a request is answered; a number is answered instead. */
  before: (request: IncomingMessage) => number | null = () => null;
  url = '';
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/grafana/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const say = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    const status = this.before(request);
    if (status !== null) return void say(status, { message: 'as the test wants it' });
    if (request.headers.authorization !== 'Bearer glsa_secret')
      return void say(401, { message: 'Unauthorized' });
    const url = new URL(request.url ?? '', this.url);
    const [, id] = /^\/grafana\/api\/annotations(?:\/(\d+))?$/.exec(url.pathname) ?? [];
    const body = () => JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (request.method === 'GET') return void say(200, this.#find(url.searchParams));
    if (request.method === 'POST') {
      const parsed = grafanaPostSchema.safeParse(body());
      if (!parsed.success) return void say(400, { message: parsed.error.message });
      this.asked.push('POST');
      this.stored.push({ ...parsed.data, id: this.stored.length + 1 });
      return void say(200, { message: 'Annotation added', id: this.stored.length });
    }
    const parsed = grafanaPatchSchema.safeParse(body());
    const known = this.stored.find(each => String(each.id) === id);
    if (!parsed.success) return void say(400, { message: parsed.error.message });
    if (!known) return void say(404, { message: 'Annotation not found' });
    this.asked.push(`PATCH ${id}`);
    Object.assign(known, parsed.data);
    say(200, { message: 'Annotation patched' });
  }

  #find(query: URLSearchParams): Stored[] {
    const tags = query.getAll('tags');
    this.asked.push(`GET ${tags}`);
    const all = this.stored.filter(each => tags.every(tag => each.tags.includes(tag)));
    return all.slice(0, Number(query.get('limit')));
  }
}

let api: AnnotationsApi;
beforeEach(() => {
  api = new AnnotationsApi();
  return api.start();
});
afterEach(() => api.stop());

const receiver = (more: object = {}) =>
  grafana.create(
    'wall',
    grafana.options.parse({ url: api.url, token: 'glsa_secret', timeout: '20s', ...more }),
    clock,
  );
const writes = () => api.asked.filter(each => !each.startsWith('GET'));
const accepted = { kind: 'accepted' };

describe('annotations of Grafana', () => {
  it('are one region for each incident, which grows, and says in the end that it is over', async () => {
    const one = receiver({ dashboard: 'traffic', panel: 4 });
    expect(await one.deliver(message, never)).toEqual(accepted);
    expect(api.stored).toEqual([
      {
        id: 1,
        dashboardUID: 'traffic',
        panelId: 4,
        time: incident.start,
        timeEnd: incident.end,
        tags: [
          ...['tidegauge', `incident:${incident.id}`, 'state:firing', 'severity:warning'],
          ...['host:web-1', 'service:shop/web', 'container:shop'],
        ],
        text: expect.stringMatching(/^WARNING: shop<br>shop: bytes sent 12 MiB\/s, .*<br>Where: /),
      },
    ]);
    const grown = notificationOf({ ...incident, end: incident.end + 60_000 }, 'wall');
    expect(await one.repetition?.send([grown], never)).toEqual(accepted);
    expect(api.stored[0]?.timeEnd).toBe(incident.end + 60_000);
    expect(await one.deliver(notificationOf(resolved(incident), 'wall'), never)).toEqual(accepted);
    expect(api.stored).toHaveLength(1);
    expect(api.stored[0]?.tags).toContain('state:resolved');
    expect(api.stored[0]?.text).toMatch(/^RESOLVED: shop<br>lasted 5s, 2023-11-14 22:13:20 to 22:13:25 UTC/);
  });

  it('are not drawn twice by a process that does not know that its predecessor has drawn them', async () => {
    for (let i = 0; i < 3; i++) expect(await receiver().deliver(message, never)).toEqual(accepted);
    expect(writes()).toEqual(['POST', 'PATCH 1', 'PATCH 1']);
    expect(api.stored).toHaveLength(1);
  });

  it('are written again only when they have grown', async () => {
    const incidents = [1, 2, 3].map(n => incidentOf(incident.start + n));
    const one = receiver();
    for (const each of incidents) await one.deliver(notificationOf(each, 'wall'), never);
    const [first, second, third] = incidents.map(each => notificationOf(each, 'wall'));
    if (!first || !second || !third) throw new Error('three were made');
    const longer = { ...second, incident: { ...second.incident, end: second.incident.end + 5000 } };
    api.asked.length = 0;
    expect(await one.repetition?.send([first, longer, third], never)).toEqual(accepted);
    expect(api.asked).toEqual(['GET tidegauge,state:firing', 'PATCH 2']);
  });

  it('that somebody deleted are left alone while the incident grows', async () => {
    const one = receiver();
    await one.deliver(message, never);
    const longer = notificationOf({ ...incident, end: incident.end + 5000 }, 'wall');
    // Between the question and the answer, too.
    api.before = request => (request.method === 'PATCH' ? 404 : null);
    expect(await one.repetition?.send([longer], never)).toEqual(accepted);
    api.stored.length = 0;
    expect(await one.repetition?.send([longer], never)).toEqual(accepted);
    expect(api.stored).toEqual([]);
  });

  it('show names as names: no markup, and no more tags than Grafana takes', async () => {
    const name = `<img src=x onerror="alert(1)">&\u0000\u202e${'x'.repeat(600)}`;
    const hostile = incidentOf(1, { host: name, service: name, container: name, title: name });
    expect(await receiver().deliver(notificationOf(hostile, 'wall'), never)).toEqual(accepted);
    const [{ text, tags } = { text: '', tags: [] }] = api.stored;
    expect(text.replaceAll('<br>', '')).not.toMatch(/[<>"]/);
    expect(text + tags).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it.each([
    [503, { kind: 'retry', reason: 'HTTP 503: {"message":"as the test wants it"}' }],
    [403, { kind: 'refused', reason: 'HTTP 403: {"message":"as the test wants it"}' }],
  ])('are tried again or not as HTTP %i says', async (status, result) => {
    api.before = () => status;
    expect(await receiver().deliver(message, never)).toEqual(result);
    expect(await receiver().repetition?.send([message], never)).toEqual(result);
    api.before = request => (request.method === 'GET' ? null : status);
    expect(await receiver().deliver(message, never)).toEqual(result);
  });

  it('are tried again when something else answers than the API', async () => {
    const page = createServer((_, response) => response.end('<html>log in</html>'));
    await new Promise<void>(resolve => page.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    expect(await receiver({ url }).deliver(message, never)).toEqual({
      kind: 'retry',
      reason: 'the answer is no list of annotations',
    });
    page.closeAllConnections();
    page.close();
  });
});
