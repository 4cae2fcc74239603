/** What of a configured value may be shown, in messages and by `tidegauge check`. */

/** Keys whose values, and whatever is below them, are never shown. */
const SECRET = /(^|_)(token|password|secret|headers)$/i;
/** Scheme and host of an address, and the rest. */
const ADDRESS = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)(.*)$/is;
/** Keys whose values are addresses, or lists of them. */
const ADDRESSES = new Set(['url', 'sentinels', 'cluster']);

export type Path = readonly PropertyKey[];

/** True when nothing at this path may be shown. */
export const isSecret = (path: Path): boolean => path.some(key => SECRET.test(String(key)));

/**
 * A text at a path without what could be a secret: user and password of an address, values of its query, and the path
 * of an address of a receiver or heartbeat, which often is a token. Null when nothing of it may be shown.
 */
export function redact(path: Path, text: string): string | null {
  if (isSecret(path)) return null;
  // Greedy: an unescaped @, / or blank in a password is still part of it. What is left is an address that the
  // configuration takes again. Without a scheme it is no address, and the @ of a name, such as `getty@tty1`, is no secret.
  const plain = text.replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, '$1:***@');
  const [, origin, rest = ''] = ADDRESS.exec(plain) ?? [];
  // What should be an address and is none may be anything, such as a token.
  if (origin === undefined) return path.some(key => ADDRESSES.has(String(key))) ? null : plain;
  if (path[0] === 'receivers' || path[0] === 'heartbeat') return /^\/?$/.test(rest) ? plain : `${origin}/***`;
  return origin + rest.replace(/[?#].*$/s, '?***');
}
