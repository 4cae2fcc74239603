import rateLimit from '@fastify/rate-limit';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { describeError, errorCode, type Problem, printable } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Access } from './access.ts';
import type { Input, Operation, Reader, Shared } from './contract.ts';
import { addEvents } from './events.ts';
import { API_PATH, openApi } from './openapi.ts';
import { ApiError, asApiError, problemJson } from './problem.ts';

/** Longest body, bytes. */
const BODY = 16 * 1024;
const PROBLEM_TYPE = 'application/problem+json';
/** When to come again, of what cannot be answered now, s. */
const RETRY_AFTER_S = 5;

export interface ApiOptions {
  readonly operations: readonly Operation[];
  readonly access: Access;
  /** Carries out what only reads. */
  readonly reader: Reader;
  /** What others work on. */
  readonly shared: Omit<Shared, 'now'>;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Log;
  readonly version: string;
  /** Requests of one address in a minute. */
  readonly perMinute: number;
}

/** Adds the operations, and openapi.json, below /api/v1. */
export async function addApi(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const { operations, access, perMinute, version } = options;
  await app.register(
    async api => {
      api.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
      // On request, and tokens are looked at after that (preParsing): whoever guesses them is slowed down as well.
      await api.register(rateLimit, {
        max: perMinute,
        timeWindow: '1 minute',
        errorResponseBuilder: tooMany,
      });
      api.setNotFoundHandler({ preHandler: api.rateLimit() }, (request, reply) =>
        answerError(new ApiError(404, noSuchPath(request)), request, reply, options.log),
      );
      api.addHook('onSend', async (_, reply) => {
        reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
      });
      takeJsonOnly(api);
      addEvents(api, options);
      const document = openApi(operations, version);
      api.get(
        '/openapi.json',
        { preParsing: async request => void access.check(request.headers, 'read') },
        () => document,
      );
      for (const operation of operations) addRoute(api, operation, options);
    },
    { prefix: API_PATH },
  );
}

/** Bodies are JSON, and empty ones are `{}`. A page of another site cannot send JSON without being allowed to. */
function takeJsonOnly(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) =>
    text === '' ? done(null, {}) : parse(request, String(text), done),
  );
}

function addRoute(api: FastifyInstance, operation: Operation, options: ApiOptions): void {
  const { access, reader, shared, clock } = options;
  const isRead = operation.method === 'GET';
  const callers = new WeakMap<FastifyRequest, string | null>();
  api.route({
    method: operation.method,
    url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: BODY,
    // The token is looked at before the body is read.
    preParsing: async request => {
      callers.set(request, access.check(request.headers, isRead ? 'read' : 'write'));
      if (operation.method === 'POST' || operation.method === 'PUT') requireJson(request);
    },
    handler: async (request, reply) => {
      const by = callers.get(request) ?? null;
      const input = inputOf(operation, request, by);
      if (isRead) {
        const { json, next } = await reader.read(operation.id, input);
        if (next !== null) reply.header('link', nextLink(request, next));
        return reply.type('application/json; charset=utf-8').send(json);
      }
      const { value } = await operation.run({ ...shared, now: clock.now() }, input);
      options.log.info({ operation: operation.id, path: printable(request.url), by }, 'done through the API');
      return value;
    },
  });
}

function requireJson({ headers }: FastifyRequest): void {
  const type = headers['content-type'] ?? 'none';
  if (/^application\/json\s*(;|$)/i.test(type)) return;
  throw new ApiError(415, {
    place: 'Content-Type',
    expected: 'application/json',
    found: printable(type, 60),
    remedy: 'Send JSON.',
  });
}

/** What the request brought; throws an ApiError about the first thing that is wrong. */
function inputOf({ params, query, body }: Operation, request: FastifyRequest, by: string | null): Input {
  return {
    path: checked(params, request.params, 'path'),
    query: checked(query, request.query, 'query'),
    body: body ? checked(body, request.body ?? {}, 'body') : {},
    by,
  };
}

function checked(schema: z.ZodObject, given: unknown, place: string): unknown {
  const { data, error } = schema.safeParse(given);
  if (!error) return data;
  const [issue] = error.issues;
  const path = [place, ...(issue?.path ?? [])].map(String).join('.');
  throw new ApiError(400, {
    place: printable(path, 100),
    found: printable(issue?.message ?? 'it is not as it should be'),
    remedy: `Correct it; ${API_PATH}/openapi.json says what is taken.`,
  });
}

/** RFC 8288: the same request, after the last row of this page. */
function nextLink({ url }: FastifyRequest, after: string): string {
  const address = new URL(url, 'http://localhost');
  address.searchParams.set('after', after);
  return `<${address.pathname}${address.search}>; rel="next"`;
}

const noSuchPath = ({ method, url }: FastifyRequest): Problem => ({
  place: printable(`${method} ${url.replace(/\?.*$/s, '')}`, 100),
  found: 'there is no such operation',
  remedy: `${API_PATH}/openapi.json lists them.`,
});

const tooMany = (_: FastifyRequest, { after }: { after: string }): ApiError =>
  new ApiError(429, {
    place: '',
    found: 'too many requests came from this address',
    remedy: `Wait for ${after}, then ask less often.`,
  });

/** An address that cannot be decoded belongs to no route. */
export function answerBadUrl(error: FastifyError, _: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = { place: 'request', found: describeError(error), remedy: 'Correct the address.' };
  return reply
    .code(400)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemJson(400, problem)));
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const isGone = isCut(error, request);
  if (isGone) log.debug({ path: printable(request.url) }, 'a connection was cut within a request');
  const found = ofFastify(error) ?? (isGone ? CUT : asApiError(error));
  const { status, problem } = found;
  if (status === 500)
    log.error({ path: printable(request.url), error: stackOf(error) }, 'a request of the API failed: a bug');
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  if (status === 503) reply.header('retry-after', String(RETRY_AFTER_S));
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemJson(status, problem)));
}

/** Whoever asked does not read it. */
const CUT = new ApiError(400, {
  place: 'request',
  found: 'the connection was cut before the body was complete',
  remedy: 'Send it again.',
});

/** What fastify itself refuses: a body that is no JSON, too long, of another type. */
function ofFastify(error: unknown): ApiError | null {
  const { statusCode: status, code } = error as Partial<FastifyError>;
  if (error instanceof ApiError || typeof code !== 'string' || !code.startsWith('FST_')) return null;
  if (status === undefined || status < 400 || status >= 500) return null;
  return new ApiError(status, {
    place: 'request',
    found: describeError(error),
    remedy: `Correct it; ${API_PATH}/openapi.json says what is taken.`,
  });
}

/** Whoever asked has gone in the middle of the body. */
const isCut = (error: unknown, { raw }: FastifyRequest): boolean =>
  errorCode(error) === 'ECONNRESET' && raw.destroyed && !raw.complete;

const stackOf = (error: unknown): string => {
  const cause = error instanceof ApiError ? error.cause : error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : describeError(cause);
};
