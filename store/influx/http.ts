import { lostExchange, refusedAnswer } from './failure.ts';

/** Answers longer than this are refused instead of filling the memory. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

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

/** One request, whatever its status. Rejects with an InfluxFailure when there is no whole answer. */
export async function request(
  connection: Connection,
  path: string,
  form?: Readonly<Record<string, string>>,
): Promise<Answer> {
  const place = `${connection.url}${path}`;
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer for ${connection.timeoutMs} ms`)),
    connection.timeoutMs,
  );
  try {
    const response = await fetch(place, {
      method: form ? 'POST' : 'GET',
      headers: connection.headers,
      signal: abort.signal,
      redirect: 'manual',
      ...(form && { body: new URLSearchParams(form) }),
    });
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response.body ?? []) {
      timer.refresh();
      pieces.push(piece);
      bytes += piece.byteLength;
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer longer than ${MAX_ANSWER_BYTES} bytes`);
    }
    return { status: response.status, headers: response.headers, body: Buffer.concat(pieces).toString() };
  } catch (error) {
    throw lostExchange(place, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The failure of an answer that is not the expected one. */
export function refusal(connection: Connection, path: string, answer: Answer) {
  const header = answer.headers.get('retry-after') ?? undefined;
  const body = answer.body || (answer.headers.get('x-influxdb-error') ?? '');
  return refusedAnswer(`${connection.url}${path}`, { status: answer.status, body, retryAfter: header });
}
