import { HttpError, InfluxDB, type WriteApi } from '@influxdata/influxdb-client';
import { lostExchange, refusedAnswer } from './failure.ts';
import type { Connection } from './http.ts';
import { type Api, type Target, writePath } from './target.ts';

/** One request: small enough for proxies that stop at 1 MB, and for a time-out to be rare. */
const BATCH_LINES = 5000;
const BATCH_BYTES = 768 * 1024;

/** Requests under way at once. InfluxDB 3 answers when it has synced what came in the last second, the others at once. */
const IN_FLIGHT: Readonly<Record<Api, number>> = { '1': 1, '2': 1, '3': 8 };

/** Writes lines of line protocol, with times in milliseconds. */
export interface LineWriter {
  /** Resolves when InfluxDB has acknowledged every line; rejects with an InfluxFailure otherwise. */
  write(lines: readonly string[]): Promise<void>;
}

/**
 * The official client, used so that nothing can be lost in it: it buffers one batch at a time, sends when told to,
 * never retries by itself, and each batch is awaited. The order of lines within one `write` is not kept.
 */
export function lineWriter(connection: Connection, target: Target): LineWriter {
  const client = new InfluxDB({
    url: connection.url,
    headers: { ...connection.headers },
    timeout: connection.timeoutMs,
  });
  const path = writePath(target);
  const place = `${connection.url}${path}`;
  /** Batches one after the other; of several such, each takes the next batch. A failure ends them all. */
  const send = async (batches: Generator<string[]>) => {
    for (const batch of batches) await sendBatch(batch);
  };
  const sendBatch = async (batch: readonly string[]): Promise<void> => {
    const api = writeApi(client, path);
    api.writeRecords([...batch]);
    try {
      await api.flush();
    } catch (error) {
      // A proxy may take less at once than InfluxDB does.
      if (!isTooLarge(error) || batch.length === 1) throw failureOf(place, error);
      const half = Math.ceil(batch.length / 2);
      await sendBatch(batch.slice(0, half));
      await sendBatch(batch.slice(half));
    }
  };
  return {
    async write(lines) {
      const batches = batchesOf(lines);
      const sent = await Promise.allSettled(
        Array.from({ length: IN_FLIGHT[target.api] }, () => send(batches)),
      );
      for (const outcome of sent) if (outcome.status === 'rejected') throw outcome.reason;
    },
  };
}

/** A client's buffer for one batch. It has no timers and nothing to close once it was flushed. */
function writeApi(client: InfluxDB, path: string): WriteApi {
  const api = client.getWriteApi('', '', 'ms', {
    batchSize: BATCH_LINES + 1,
    maxBatchBytes: 2 * BATCH_BYTES,
    flushInterval: 0,
    maxRetries: 0,
    // A promise from here replaces the client's own handling, which would write to the console.
    writeFailed: error => Promise.reject(error),
  });
  // Public in the implementation, absent from its interface: the only way to /write of 1.x.
  return Object.assign(api, { path });
}

/** Lines in order, cut into batches of bounded count and size; a longer line is a batch of its own. */
export function* batchesOf(lines: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = Buffer.byteLength(line) + 1;
    if (batch.length > 0 && (batch.length === BATCH_LINES || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** 3 Core says it with another status. */
const isTooLarge = (error: unknown): boolean =>
  error instanceof HttpError &&
  (error.statusCode === 413 || (error.body ?? '').startsWith('max request size '));

function failureOf(place: string, error: unknown) {
  if (!(error instanceof HttpError)) return lostExchange(place, error);
  const retryAfter = error.headers?.['retry-after'];
  const answer = {
    status: error.statusCode,
    body: error.body ?? error.message,
    retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
  };
  return refusedAnswer(place, answer, error);
}
