import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { type DockerAddress, parseDockerAddress } from '../../core/config/docker-address.ts';
import { withDeadline } from '../../core/deadline.ts';
import { describeError, errorCode, UsageError } from '../../core/errors.ts';

/** Loads dockerode when a Docker is asked for the first time: with its gRPC and SSH it is a fifth of all that is loaded. */
const require = createRequire(import.meta.url);

/** Longest that Docker may take to answer, ms. One that hangs takes connections and never answers. */
export const ANSWER_MS = 10_000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The client for `capture.docker`; null for `off`. `auto` takes DOCKER_HOST, as the docker command does: DOCKER_TLS_VERIFY
 * asks for TLS with the certificates of DOCKER_CERT_PATH, also for a `tcp://` of the configuration. Throws a UsageError
 * for a DOCKER_HOST that is no address, and for certificates that cannot be read.
 */
export function dockerClient(setting: string, env: Environment = process.env): Dockerode | null {
  if (setting === 'off') return null;
  const isOurs = setting !== 'auto';
  const text = isOurs ? setting : env.DOCKER_HOST || null;
  // Dockerode knows where the socket is; a rootless Docker has its own.
  if (text === null) return made();
  const place = isOurs ? 'capture.docker' : 'DOCKER_HOST';
  const address = parseDockerAddress(text);
  if (typeof address === 'string')
    throw new UsageError({ place, expected: address, found: 'another text', remedy: `Correct ${place}.` });
  return clientOf(address, env);
}

/** All options are given: Dockerode takes those that are missing from its own reading of DOCKER_HOST. */
function clientOf(address: DockerAddress, env: Environment): Dockerode {
  const none = { host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined };
  if ('socketPath' in address)
    return made({ ...none, protocol: 'http', pathPrefix: '/', socketPath: address.socketPath });
  const tls = env.DOCKER_TLS_VERIFY ? certificates(env) : null;
  const port = address.port ?? (tls === null ? 2375 : 2376);
  const protocol = tls === null ? 'http' : 'https';
  return made({
    ...none,
    pathPrefix: '/',
    socketPath: undefined,
    host: address.host,
    port,
    protocol,
    ...tls,
  });
}

function made(options?: Readonly<Record<string, unknown>>): Dockerode {
  const Client = require('dockerode') as typeof Dockerode;
  try {
    return new Client(options as Dockerode.DockerOptions | undefined);
  } catch (cause) {
    const remedy =
      'Unset DOCKER_HOST and DOCKER_CERT_PATH, which capture.docker stands in for, or correct them.';
    throw new UsageError({ place: 'DOCKER_HOST', found: describeError(cause), remedy }, cause);
  }
}

/** What TLS needs: whom to trust, and who we are. */
function certificates(env: Environment): { ca: string; cert: string; key: string } {
  const folder = env.DOCKER_CERT_PATH || join(homedir(), '.docker');
  const read = (name: string, what: string): string => {
    const file = join(folder, name);
    const refuse = (found: string, cause?: unknown) =>
      new UsageError(
        {
          place: file,
          expected: what,
          found,
          remedy:
            'Set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem, readable for the user of this process; or unset DOCKER_TLS_VERIFY.',
        },
        cause,
      );
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      throw refuse(errorCode(cause) ?? describeError(cause), cause);
    }
    if (/^-----BEGIN [A-Z ]+-----$/m.test(text)) return text;
    throw refuse('no PEM');
  };
  return {
    ca: read('ca.pem', 'the certificate of the authority, as PEM'),
    cert: read('cert.pem', 'the certificate of this client, as PEM'),
    key: read('key.pem', 'the key of this client, as PEM'),
  };
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
