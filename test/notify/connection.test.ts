import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { makeCertificates } from '../parts/certificates.ts';
import { freePort, temporaryFolder } from '../parts/process.ts';
import { deliver, receiver, testServers } from './fixture.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const certificates = makeCertificates(folder.path);
const { serve } = testServers();

let servers: Server[] = [];
/** Connections that a server no longer counts as its own. */
const tunnels = new Set<Duplex>();
afterEach(async () => {
  for (const server of servers) server.closeAllConnections();
  for (const socket of tunnels) socket.destroy();
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  servers = [];
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A receiver behind TLS with a certificate of our own authority. */
const secure = () => listen(createHttpsServer(certificates.server, (_, response) => response.end('ok')));

/** A proxy that tells where it was asked to go. */
async function proxy() {
  const asked: string[] = [];
  const server = createHttpServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { method, headers } = incoming;
    const onward = request(incoming.url ?? '', { method: method ?? 'GET', headers }, answer => {
      response.writeHead(answer.statusCode ?? 502);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket, head) => {
    asked.push(`CONNECT ${incoming.url}`);
    const [host, port] = (incoming.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  return { url: `http://${await listen(server)}`, asked };
}

describe('a certificate of an authority of one’s own', () => {
  it('is refused, with what to do', async () => {
    expect(await deliver(`https://${await secure()}/`)).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(/a certificate of an authority that is not known here/),
    });
  });

  it('is trusted when `ca` names a file with that of the authority', async () => {
    expect(await deliver(`https://${await secure()}/`, { ca: certificates.ca })).toEqual({
      kind: 'accepted',
    });
  });

  it('has to be in the file', () => {
    const file = join(folder.path, 'none.pem');
    expect(() => receiver('https://a/', { ca: file })).toThrow(
      /receiver ops, ca: expected a file .*found no such file\./,
    );
    writeFileSync(file, 'no certificate');
    expect(() => receiver('https://a/', { ca: file })).toThrow(/expected a file with certificates in PEM/);
  });
});

describe('a proxy', () => {
  it('passes requests on', async () => {
    const { url, seen } = await serve(response => response.end('ok'));
    const between = await proxy();
    expect(await deliver(`${url}/hook`, { proxy: between.url })).toEqual({ kind: 'accepted' });
    expect(between.asked).toEqual([`POST ${url}/hook`]);
    expect(seen).toHaveLength(1);
  });

  it('passes TLS on without reading it', async () => {
    const [target, between] = [await secure(), await proxy()];
    const options = { proxy: between.url, ca: certificates.ca };
    expect(await deliver(`https://${target}/hook`, options)).toEqual({ kind: 'accepted' });
    expect(between.asked).toEqual([`CONNECT ${target}`]);
  });

  it('that is away is to be tried again, and its password is not told', async () => {
    const away = `http://user:hunter2secret@127.0.0.1:${await freePort()}`;
    for (const url of ['http://127.0.0.1:9/', 'https://127.0.0.1:9/']) {
      const result = await deliver(url, { proxy: away });
      expect(result.kind).toBe('retry');
      expect(JSON.stringify(result)).not.toContain('hunter2secret');
    }
  });

  it('that never answers does not outlast the time-out', async () => {
    const keep = (_: unknown, socket: Duplex) => tunnels.add(socket);
    const silent = await listen(createHttpServer(() => undefined).on('connect', keep));
    for (const url of ['http://127.0.0.1:9/', 'https://127.0.0.1:9/'])
      expect(await deliver(url, { proxy: `http://${silent}`, timeout: '200ms' })).toEqual({
        kind: 'retry',
        reason: 'no answer in time',
      });
  });
});

describe('an answer that repeats what it was asked', () => {
  it('tells nobody the tokens of address and headers', async () => {
    const token = 'T0KEN-in-path';
    const { url } = await serve(response =>
      response
        .writeHead(404)
        .end(`no /services/${token} with key=s3cret%2Fquery (s3cret/query), Bearer h3ader-token-x`),
    );
    const result = await deliver(`${url}/services/${token}?key=s3cret%2Fquery`, {
      headers: { Authorization: 'Bearer h3ader-token-x' },
    });
    expect(result.kind).toBe('refused');
    for (const secret of [token, 's3cret', 'h3ader-token-x'])
      expect(JSON.stringify(result)).not.toContain(secret);
  });

  it('names the target of a redirect without them', async () => {
    const { url } = await serve(response =>
      response.writeHead(308, { location: 'https://chat.example/services/T0KEN-in-path' }).end(),
    );
    expect(await deliver(`${url}/services/T0KEN-in-path`)).toEqual({
      kind: 'refused',
      reason:
        'HTTP 308: redirected to https://chat.example/***/***; redirects are not followed, configure the final address',
    });
  });
});
