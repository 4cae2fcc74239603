import Dockerode from 'dockerode';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { withDeadline } from '../../core/deadline.ts';

/** Longest that Docker may take to answer, ms. One that hangs takes connections and never answers. */
export const ANSWER_MS = 10_000;

/** The client for `capture.docker`; null for `off`. */
export function dockerClient(setting: string): Dockerode | null {
  if (setting === 'off') return null;
  // Without options Dockerode takes DOCKER_HOST, else /var/run/docker.sock.
  if (setting === 'auto') return new Dockerode();
  return new Dockerode({ socketPath: setting.replace(/^unix:\/\//, '') });
}

/** Version of the Engine. Rejects when it cannot be reached, or says nothing for `ANSWER_MS`. */
export async function dockerVersion(client: Dockerode, clock: Clock): Promise<string> {
  const answer: unknown = await withDeadline(
    signal =>
      new Promise((resolve, reject) => {
        // The request's own error only says that it was aborted, not why.
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        versionWithin(client, signal).then(resolve, reject);
      }),
    { parent: new AbortController().signal, ms: ANSWER_MS, clock },
  );
  const version = typeof answer === 'object' && answer !== null && 'Version' in answer && answer.Version;
  return String(version || 'of unknown version');
}

/** Names of a container in a list; one that is being removed has none left, which Docker writes as null. */
export const namesSchema = z
  .array(z.string())
  .nullish()
  .transform(names => names ?? []);

const runningSchema = z.array(z.object({ Id: z.string(), Names: namesSchema }));

/** Containers that run, with their names (untrusted). Rejects like `dockerVersion`, and for an answer of another shape. */
export async function runningContainers(
  client: Dockerode,
  clock: Clock,
): Promise<{ id: string; name: string }[]> {
  const answer: unknown = await withDeadline(abortSignal => client.listContainers({ abortSignal }), {
    parent: new AbortController().signal,
    ms: ANSWER_MS,
    clock,
  });
  return runningSchema
    .parse(answer)
    .map(({ Id, Names }) => ({ id: Id, name: Names[0]?.replace(/^\//, '') ?? Id.slice(0, 12) }));
}

/** Dockerode takes a signal here too; its types do not know. */
function versionWithin(client: Dockerode, abortSignal: AbortSignal): Promise<unknown> {
  const { version }: { version(options: { abortSignal: AbortSignal }): Promise<unknown> } = client;
  return version.call(client, { abortSignal });
}
