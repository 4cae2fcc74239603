import { isAbsolute } from 'node:path';
import { type HostPort, parseHostPort } from './address.ts';

/** Where a Docker Engine is asked. */
export type DockerAddress = { readonly socketPath: string } | HostPort;

const EXAMPLES = 'unix:///var/run/docker.sock, /var/run/docker.sock or tcp://docker.internal:2376';

/**
 * The address of a Docker Engine, as in `capture.docker` and DOCKER_HOST; or what is wrong with it, to follow `expected`.
 * Without secrets, as an address may hold some.
 */
export function parseDockerAddress(text: string): DockerAddress | string {
  const path = /^unix:\/\/(.*)$/s.exec(text)?.[1] ?? (text.includes('://') ? null : text);
  if (path !== null) {
    if (isAbsolute(path) && !path.includes('\0')) return { socketPath: path };
    return `the full path of a socket, or an address: ${EXAMPLES}`;
  }
  if (text.startsWith('ssh://'))
    return 'a socket or tcp://: ssh is not spoken, so forward the socket with `ssh -L /run/docker-remote.sock:/var/run/docker.sock`';
  if (!text.startsWith('tcp://')) return `an address that starts with unix:// or tcp://: ${EXAMPLES}`;
  const rest = text.slice('tcp://'.length).replace(/\/$/, '');
  if (rest.includes('@'))
    return 'an address without user and password: Docker asks for certificates (DOCKER_CERT_PATH)';
  const parsed = parseHostPort(rest);
  if (parsed === null || parsed.port === 0)
    return 'tcp:// with a host and a port, such as tcp://docker.internal:2376';
  return parsed;
}
