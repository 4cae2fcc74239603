/** Shorter parts of an address are words, such as `api` or `hooks`, not tokens. */
const SHORTEST = 8;

/** Texts of a request that may be tokens: parts of its path and query, and values of its headers. */
export function secretsIn(url: URL, headers: Readonly<Record<string, string>>): string[] {
  // Those of the message itself are no secrets.
  const configured = Object.entries(headers).filter(([name]) => !name.startsWith('webhook-'));
  const values = configured.map(([, value]) => value);
  const parts = [...url.pathname.split('/'), ...url.searchParams.values(), ...values];
  const words = parts.flatMap(part => [part, decoded(part), encodeURIComponent(part), ...part.split(' ')]);
  // The longest first: one may be a part of another.
  return [...new Set(words)].filter(word => word.length >= SHORTEST).sort((a, b) => b.length - a.length);
}

/** A text of the other side without them: answers like to repeat what they were asked. */
export function hide(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
