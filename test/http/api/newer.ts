import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Keys that this version does not know, as a newer one may add them. */
const MORE = { newer: { since: 'a later version', of: [1, { two: 2 }] } };

/** A server that answers as the one at `url` does, with more keys in every object of its JSON. */
export async function newerServer(url: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const { authorization = '', 'content-type': type = '' } = request.headers;
    const answer = await fetch(new URL(request.url ?? '/', url), {
      ...{ method: request.method ?? 'GET', body: body === '' ? null : body },
      headers: { authorization, ...(type === '' ? {} : { 'content-type': type }) },
    });
    const link = answer.headers.get('link');
    response.writeHead(answer.status, link === null ? {} : { link });
    response.end(JSON.stringify(more(await answer.json())));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** The keys of labels are what users chose. */
function more(json: unknown, key = ''): unknown {
  if (Array.isArray(json)) return json.map(one => more(one));
  if (json === null || typeof json !== 'object') return json;
  const all = Object.entries(json).map(([name, value]) => [name, more(value, name)]);
  return { ...Object.fromEntries(all), ...(key === 'labels' ? {} : MORE) };
}
