import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describeFileError, errorCode, printable } from '../../core/errors.ts';
import type { Path } from './redact.ts';
import { isGroup } from './source.ts';

/**
 * A value that stands elsewhere, so that the configuration holds no secret: `{ file: PATH }` is the text of a file
 * without the line end after it, `{ env: NAME }` that of an environment variable.
 */
export type Reference = { readonly file: string } | { readonly env: string };

/** Where the configuration has secrets: each value below may stand elsewhere. */
export const PLACES: readonly (readonly string[])[] = [
  ['store', 'influx'],
  ['redis'],
  ['heartbeat'],
  ['http', 'tokens'],
  ['server'],
  ['receivers'],
];

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
  const resolveAt = (value: unknown, [key, ...below]: readonly string[], path: Path): unknown => {
    if (key === undefined) return mapped(value, (child, name) => resolve(child, [...path, name]));
    if (!isGroup(value) || !(key in value)) return value;
    return { ...value, [key]: resolveAt(value[key], below, [...path, key]) };
  };
  const value = PLACES.reduce<unknown>((all, place) => resolveAt(all, place, []), raw);
  return { value, references, refused };
}

/** Whether the key at `path` may have a reference in place of its value. */
export const mayRefer = (path: readonly string[]): boolean =>
  PLACES.some(place => place.every((key, i) => path[i] === key));

/** The reference that an environment variable holds in place of a value for the key at `path`; null: it is the value. */
export function referenceInVariable(path: readonly string[], text: string): Reference | null {
  if (!mayRefer(path) || !/^\s*\{\s*(file|env)\s*:.*\}\s*$/s.test(text)) return null;
  try {
    return referenceOf(parse(text, { prettyErrors: false, logLevel: 'silent' }));
  } catch {
    return null;
  }
}

/** Names of the environment variables that are referred to. */
export const referredVariables = ({ references }: Pick<Resolved, 'references'>): Set<string> =>
  new Set([...references.values()].flatMap(reference => ('env' in reference ? [reference.env] : [])));

/** The reference that a value is; null when it is something else. */
export function referenceOf(value: unknown): Reference | null {
  if (!isGroup(value)) return null;
  const [[key, text] = [], ...others] = Object.entries(value);
  if (others.length > 0 || typeof text !== 'string') return null;
  if (key === 'file') return { file: text };
  return key === 'env' ? { env: text } : null;
}

/** What `map` makes of the entries of a list or a group; all else as it is. */
function mapped(value: unknown, map: (child: unknown, key: string | number) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map);
  if (!isGroup(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, map(child, key)]));
}

type Found = { readonly text: string } | { readonly problem: string };

function ofFile(file: string): Found {
  const expected = (found: string): Found => ({
    problem: `expected a file with the value, found ${printable(file)}: ${found}`,
  });
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') return expected('it is empty. Write the value into it');
    return Buffer.byteLength(text) > LIMIT
      ? expected('more than 64 KiB. Name a file that holds the value alone')
      : { text };
  } catch (error) {
    return expected(
      `${describeFileError(error, 'read')}. ${REMEDIES[errorCode(error) ?? ''] ?? 'Let it be readable'}`,
    );
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'Write the value into a file there, or correct the path',
  EACCES: 'Let the user that runs this process read it',
  // Docker makes one where the file that it should mount is missing.
  EISDIR: 'Put a file with the value in its place, or correct the path',
};

function ofVariable(name: string, env: Readonly<Record<string, string | undefined>>): Found {
  const text = env[name];
  if (text) return { text };
  return {
    problem: `expected an environment variable with the value, found no ${printable(name, 80)}. Set it to the value, or correct the name`,
  };
}
