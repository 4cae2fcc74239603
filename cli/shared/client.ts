import { z } from 'zod';
import type { Config } from '../../core/config/config.ts';
import { describeError, ExchangeError, type Problem, printable, TidegaugeError } from '../../core/errors.ts';
import { API_PATH } from '../../http/api/openapi.ts';
import { parseKnown } from './unknown-keys.ts';

/** Longest answer, bytes. */
const ANSWER = 256 * 1024 * 1024;
/** Rows of one page. */
export const PAGE_ROWS = 1000;

const problemSchema = z.object({
  place: z.string(),
  expected: z.string().nullable(),
  found: z.string(),
  remedy: z.string(),
});

export type Query = Readonly<Record<string, string>>;

interface Answered {
  readonly value: unknown;
  /** Query of the next page; null: there is none. */
  readonly next: Query | null;
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly mayMiss?: boolean;
}

/** Asks the API of another process. */
export class ApiClient {
  readonly #config: Config['server'];

  constructor(config: Config['server']) {
    this.#config = config;
  }

  /** Null: there is no such thing. Rejects with a TidegaugeError. */
  async find(path: string): Promise<unknown> {
    const answer = await this.#ask({ method: 'GET', path, mayMiss: true });
    return answer?.value ?? null;
  }

  /** Rejects also when there is no such thing. */
  async get(path: string): Promise<unknown> {
    return (await this.#ask({ method: 'GET', path }))?.value;
  }

  /** All pages, one after the other. */
  async *pages(path: string, query: Query): AsyncIterable<unknown> {
    for (let asked: Query | null = query; asked !== null; ) {
      const answer: Answered | null = await this.#ask({ method: 'GET', path, query: asked });
      yield answer?.value;
      asked = answer?.next ?? null;
    }
  }

  /** Changes something; returns the answer. */
  async change(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return (await this.#ask({ method, path, body }))?.value;
  }

  /** What `parse` makes of an answer, which may have more keys; what it refuses was not written by a tidegauge of this version. */
  decode<T>(parse: (json: unknown) => T, json: unknown): T {
    try {
      return parseKnown(parse, json);
    } catch (cause) {
      throw this.#refusal({ found: 'an answer of another shape', remedy: UPDATE }, cause);
    }
  }

  /** Null: there is no such thing, which only `mayMiss` allows. */
  async #ask({ method, path, query = {}, body, mayMiss = false }: Request): Promise<Answered | null> {
    const { url, token, timeout } = this.#config;
    const address = new URL(`${API_PATH}${path}?${new URLSearchParams(query)}`, url);
    try {
      const response = await fetch(address, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await boundedText(response);
      if (response.ok)
        return { value: JSON.parse(text), next: nextOf(response.headers.get('link'), address) };
      if (mayMiss && response.status === 404) return null;
      throw this.#refused(response.status, text);
    } catch (cause) {
      if (cause instanceof TidegaugeError) throw cause;
      // What undici throws says only that it failed; why is in its cause.
      const reason = (cause as { cause?: unknown } | null)?.cause ?? cause;
      throw new ExchangeError(this.#problem({ found: describeError(reason), remedy: START }), {
        retry: true,
        cause,
      });
    }
  }

  /** The problem that the other side has told, as if it were here. */
  #refused(status: number, text: string): TidegaugeError {
    const told = problemSchema.safeParse(jsonOf(text));
    if (!told.success) return this.#refusal({ found: `status ${status}`, remedy: START });
    const { place, expected, found, remedy } = told.data;
    const [first, second, third] = [place, found, remedy].map(part => printable(part, 500));
    const problem = { place: first ?? '', found: second ?? '', remedy: third ?? '' };
    return new TidegaugeError(
      expected === null ? problem : { ...problem, expected: printable(expected, 500) },
      {
        exitCode: status < 500 && status !== 409 ? 2 : 1,
      },
    );
  }

  #problem(problem: Pick<Problem, 'found' | 'remedy'>): Problem {
    return { place: `server.url ${this.#config.url}`, ...problem };
  }

  #refusal(problem: Pick<Problem, 'found' | 'remedy'>, cause?: unknown): TidegaugeError {
    return new TidegaugeError(this.#problem(problem), { cause });
  }
}

const START = 'Start `tidegauge serve` or `run` there, or correct `server.url` (`--server`).';
const UPDATE = 'Is it a tidegauge, and of the same version as this one?';

async function boundedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > ANSWER) throw new Error('the answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Of the address only its query is taken: the next page is asked of the same server. */
function nextOf(link: string | null, base: URL): Query | null {
  const [, target] = /^<([^>]*)>; rel="next"$/.exec(link ?? '') ?? [];
  return target === undefined ? null : Object.fromEntries(new URL(target, base).searchParams);
}
