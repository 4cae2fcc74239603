import { readFileSync } from 'node:fs';
import { describeError, printable } from '../../core/errors.ts';
import type { Path } from './redact.ts';

/**
 * Values of receivers, and tokens, that stand elsewhere, so that the configuration holds no secret: `{ file: PATH }` is the text of a
 * file without the line end after it, `{ env: NAME }` that of an environment variable.
 */
export type Reference = { readonly file: string } | { readonly env: string };

/** A configuration in which references are replaced by what they stand for. */
export interface Resolved {
  readonly value: unknown;
  /** Where they stood, by path. Nothing that came from there is ever shown. */
  readonly references: ReadonlyMap<string, Reference>;
  readonly refused: readonly { readonly path: Path; readonly problem: string }[];
}

/** Longest text of a file, bytes: whoever names a device or a log has made a mistake. */
const LIMIT = 65_536;

export function resolveReferences(
  raw: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): Resolved {
  const references = new Map<string, Reference>();
  const refused: { path: Path; problem: string }[] = [];
  const resolve = (value: unknown, path: Path): unknown => {
    const reference = path.at(-1) === 'headers' ? null : referenceOf(value);
    if (reference === null) return mapped(value, (child, key) => resolve(child, [...path, key]));
    references.set(path.join('.'), reference);
    const found = 'file' in reference ? ofFile(reference.file) : ofVariable(reference.env, env);
    if ('text' in found) return found.text;
    refused.push({ path, problem: found.problem });
    return '';
  };
  const { receivers, http, server } = raw;
  const value = { ...raw };
  if (Array.isArray(receivers)) value.receivers = resolve(receivers, ['receivers']);
  if (isGroup(http) && Array.isArray(http.tokens))
    value.http = { ...http, tokens: resolve(http.tokens, ['http', 'tokens']) };
  if (isGroup(server)) value.server = resolve(server, ['server']);
  return { value, references, refused };
}

/** Names of the environment variables that are referred to. */
export const referredVariables = ({ references }: Pick<Resolved, 'references'>): Set<string> =>
  new Set([...references.values()].flatMap(reference => ('env' in reference ? [reference.env] : [])));

const isGroup = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function referenceOf(value: unknown): Reference | null {
  if (value === null || typeof value !== 'object') return null;
  const [[key, text] = [], ...others] = Object.entries(value);
  if (others.length > 0 || typeof text !== 'string') return null;
  if (key === 'file') return { file: text };
  return key === 'env' ? { env: text } : null;
}

/** What `map` makes of the entries of a list or a group; all else as it is. */
function mapped(value: unknown, map: (child: unknown, key: string | number) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, map(child, key)]));
}

type Found = { readonly text: string } | { readonly problem: string };

function ofFile(file: string): Found {
  const expected = (found: string): Found => ({
    problem: `expected a file with the value, found ${printable(file)}: ${found}`,
  });
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') return expected('it is empty');
    return Buffer.byteLength(text) > LIMIT ? expected('more than 64 KiB') : { text };
  } catch (error) {
    return expected(describeError(error));
  }
}

function ofVariable(name: string, env: Readonly<Record<string, string | undefined>>): Found {
  const text = env[name];
  if (text) return { text };
  return { problem: `expected an environment variable with the value, found no ${printable(name, 80)}` };
}
