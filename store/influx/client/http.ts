import type { z } from 'zod';
import { InfluxFailure, longAnswer, lostExchange, refusedAnswer, strangeAnswer } from './failure.ts';

export interface Connection {
  /** Base address, without credentials and trailing slash. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest silence of the server, ms. */
  readonly timeoutMs: number;
  /** Most bytes of one answer. */
  readonly answerBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What a request brings: a form, or JSON. */
export type Content =
  | { readonly method: 'POST'; readonly form: Readonly<Record<string, string>> }
  | { readonly method: 'POST' | 'PATCH' | 'PUT'; readonly json: unknown };

/** One request, whatever its status; a GET without content. Rejects with an InfluxFailure when there is no whole answer. */
export async function request(connection: Connection, path: string, content?: Content): Promise<Answer> {
  const place = `${connection.url}${path}`;
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer for ${connection.timeoutMs} ms`)),
    connection.timeoutMs,
  );
  try {
    const response = await fetch(place, {
      method: content?.method ?? 'GET',
      headers: { ...connection.headers, ...(content && 'json' in content && JSON_HEADERS) },
      signal: abort.signal,
      redirect: 'manual',
      ...(content && { body: bodyOf(content) }),
    });
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response.body ?? []) {
      timer.refresh();
      pieces.push(piece);
      bytes += piece.byteLength;
      if (bytes > connection.answerBytes) throw longAnswer(place, connection.answerBytes);
    }
    return { status: response.status, headers: response.headers, body: Buffer.concat(pieces).toString() };
  } catch (error) {
    throw error instanceof InfluxFailure ? error : lostExchange(place, error);
  } finally {
    clearTimeout(timer);
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' };

const bodyOf = (content: Content): string | URLSearchParams =>
  'form' in content ? new URLSearchParams(content.form) : JSON.stringify(content.json);

/** The failure of an answer that is not the expected one. */
export function refusal(connection: Connection, path: string, answer: Answer) {
  const header = answer.headers.get('retry-after') ?? undefined;
  const body = answer.body || (answer.headers.get('x-influxdb-error') ?? '');
  return refusedAnswer(`${connection.url}${path}`, { status: answer.status, body, retryAfter: header });
}

/** The answer, of any 2xx status, as text. Rejects with an InfluxFailure for every other status. */
export async function call(connection: Connection, path: string, content?: Content): Promise<string> {
  const answer = await request(connection, path, content);
  if (answer.status < 200 || answer.status > 299)
    throw refusal(connection, path.split('?')[0] ?? path, answer);
  return answer.body;
}

/** What is in an answer's JSON. Throws an InfluxFailure when it is something else. */
export function understood<T>(connection: Connection, schema: z.ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body));
  } catch (error) {
    throw strangeAnswer(connection.url, error);
  }
}
