import Fastify from 'fastify';
import type { Registry } from 'prom-client';
import { describeError, errorCode, TidegaugeError } from '../core/errors.ts';
import { PARAMETER } from './api/operation.ts';
import { type ApiOptions, addApi, answerBadUrl } from './api/routes.ts';
import type { Check } from './contract.ts';
import { addPage } from './page.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly registry: Registry;
  /** What `/readyz` asks. */
  readonly checks: readonly Check[];
  /** Null: there is none. */
  readonly api: ApiOptions | null;
}

/** The one HTTP listener of a process. */
export interface Listener {
  /** `http://127.0.0.1:8433` */
  readonly url: string;
  /** Whether there is an API, and with it the page at `/`. */
  readonly hasPage: boolean;
  close(): Promise<void>;
}

/**
 * Serve `/metrics` (Prometheus text), `/healthz` (200 while this process turns) and `/readyz` (503, with the reasons,
 * while something it needs is away), and the API, if there is one. Rejects with a TidegaugeError when the address cannot be listened on.
 */
export async function startListener({
  host,
  port,
  registry,
  checks,
  api,
}: ListenerOptions): Promise<Listener> {
  const app = Fastify({
    ...{ forceCloseConnections: true, bodyLimit: 1024, requestTimeout: 10_000 },
    routerOptions: { maxParamLength: PARAMETER },
    frameworkErrors: answerBadUrl,
  });
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  app.get('/healthz', async (_, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_, reply) => {
    const failing = checks.flatMap(({ name, failing: why }) => {
      const reason = why();
      return reason === null ? [] : [`${name}: ${reason}\n`];
    });
    const text = failing.length === 0 ? 'ready\n' : failing.join('');
    return reply
      .code(failing.length === 0 ? 200 : 503)
      .type('text/plain')
      .send(text);
  });
  if (api) {
    addPage(app, () => api.reader.prepare());
    await addApi(app, api);
  }
  try {
    return { url: await app.listen({ host, port }), hasPage: api !== null, close: () => app.close() };
  } catch (cause) {
    await app.close();
    throw cannotListen(`${host}:${port}`, cause);
  }
}

function cannotListen(address: string, cause: unknown): TidegaugeError {
  return new TidegaugeError(
    {
      place: `http.listen ${address}`,
      found: errorCode(cause) === 'EADDRINUSE' ? 'the port is in use' : describeError(cause),
      remedy: 'Set http.listen to another address:port, or to off.',
    },
    { cause, exitCode: 2 },
  );
}
