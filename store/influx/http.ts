import { CAPS } from '../../core/caps.ts';
import { lostExchange, refusedAnswer } from './failure.ts';

export interface Connection {
  /** Base address, without credentials and trailing slash. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Longest silence of the server, ms. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What a request brings: a form, or JSON. */
export type Content =
  | { readonly method: 'POST'; readonly form: Readonly<Record<string, string>> }
  | { readonly method: 'POST' | 'PATCH'; readonly json: unknown };

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
      headers: connection.headers,
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
      if (bytes > CAPS.answerBytes.limit)
        throw new Error(`an answer longer than ${CAPS.answerBytes.limit} bytes`);
    }
    return { status: response.status, headers: response.headers, body: Buffer.concat(pieces).toString() };
  } catch (error) {
    throw lostExchange(place, error);
  } finally {
    clearTimeout(timer);
  }
}

const bodyOf = (content: Content): string | URLSearchParams =>
  'form' in content ? new URLSearchParams(content.form) : JSON.stringify(content.json);

/** The failure of an answer that is not the expected one. */
export function refusal(connection: Connection, path: string, answer: Answer) {
  const header = answer.headers.get('retry-after') ?? undefined;
  const body = answer.body || (answer.headers.get('x-influxdb-error') ?? '');
  return refusedAnswer(`${connection.url}${path}`, { status: answer.status, body, retryAfter: header });
}
