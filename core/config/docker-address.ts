import { isAbsolute } from 'node:path';

/** Where a Docker Engine is asked. */
export type DockerAddress =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number | null };

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
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? null : Number(digits);
  if (host === undefined || (port !== null && (port < 1 || port > 65_535)))
    return 'tcp:// with a host and a port, such as tcp://docker.internal:2376';
  return { host, port };
}
