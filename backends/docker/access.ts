import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { Clock } from '../../core/clock.ts';
import { withDeadline } from '../../core/deadline.ts';
import { ANSWER_MS, dockerVersion, runningContainers } from './client.ts';

/** What is asked of an Engine. A filtering proxy may let some of it through and refuse the rest. */
export const CALLS = {
  version: 'GET /version',
  list: 'GET /containers/json',
  inspect: 'GET /containers/ID/json',
  events: 'GET /events',
} as const;
export type Call = keyof typeof CALLS;

/** Answers of proxies to what they do not let through; to an inspection 404 says that there is no such container. */
const REFUSALS = [401, 403, 404, 405, 501];

/** The status with which a call was refused by whoever answers for Docker; null: it failed in another way. */
export function refusalOf(call: Call, error: unknown): number | null {
  const status =
    error !== null && typeof error === 'object' && 'statusCode' in error ? error.statusCode : null;
  if (typeof status !== 'number' || !REFUSALS.includes(status)) return null;
  return call === 'inspect' && status === 404 ? null : status;
}

/** What an Engine, or the proxy before it, lets us do. */
export interface DockerAccess {
  /** Null where it is not told. */
  readonly version: string | null;
  /** Containers that run; null where the list is refused. */
  readonly running: readonly { readonly id: string; readonly name: string }[] | null;
  /** Calls that are refused, such as `GET /events (403)`. */
  readonly refused: ReadonlyMap<Call, string>;
}

/** Tries every call once. Rejects when Docker cannot be reached or says nothing for `ANSWER_MS`. */
export async function dockerAccess(client: Dockerode, clock: Clock): Promise<DockerAccess> {
  const refused = new Map<Call, string>();
  const attempt = async <T>(call: Call, ask: () => Promise<T>): Promise<T | null> => {
    try {
      return await ask();
    } catch (error) {
      const status = refusalOf(call, error);
      if (status !== null) refused.set(call, `${CALLS[call]} (${status})`);
      else if (!isUnknownContainer(call, error)) throw error;
      return null;
    }
  };
  const soon = <T>(ask: (signal: AbortSignal) => Promise<T>) =>
    withDeadline(ask, { parent: new AbortController().signal, ms: ANSWER_MS, clock });
  const version = await attempt('version', () => dockerVersion(client, clock));
  const running = await attempt('list', () => runningContainers(client, clock));
  // Nobody has the second id: that it is not known is an answer.
  const id = running?.[0]?.id ?? '0'.repeat(64);
  await attempt('inspect', () => soon(abortSignal => client.getContainer(id).inspect({ abortSignal })));
  const opened = await attempt('events', () =>
    soon(abortSignal => {
      const events: Dockerode.GetEventsOptions & { abortSignal: AbortSignal } = { abortSignal };
      return client.getEvents(events);
    }),
  );
  (opened as Readable | null)?.on('error', () => undefined).destroy();
  return { version, running, refused };
}

const isUnknownContainer = (call: Call, error: unknown): boolean =>
  call === 'inspect' &&
  error !== null &&
  typeof error === 'object' &&
  'statusCode' in error &&
  error.statusCode === 404;
