import type { z } from 'zod';
import { closest } from '../../core/config/closest.ts';
import { printable } from '../../core/errors.ts';
import { isSecret, type Path, redact } from './redact.ts';
import type { SchemaKey } from './schema-keys.ts';

/** What is known about a refused configuration besides the issue. */
export interface Refused {
  /** The whole value that was refused. */
  readonly raw: unknown;
  readonly keys: readonly SchemaKey[];
  /** Values that stand elsewhere, by path: they are not shown. */
  readonly references?: ReadonlyMap<string, unknown>;
  /** Where the value at a path comes from; with `key`, where that key of it stands. */
  locate(path: Path, key?: string): string;
}

/** `file:line:column: path: expected …, found …`: one line per mistake, without secrets. */
export function describeConfigError(issue: z.core.$ZodIssue, refused: Refused): string[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = keysBelow(path, refused.keys, issue);
    return issue.keys.map(key => {
      const meant = closest(key, known);
      const hint = meant === null ? '' : ` (did you mean ${meant}?)`;
      const name = printable(key, 80);
      return `${refused.locate(path, key)}: ${[...path, name].join('.')}: expected a known key, found ${name}${hint}`;
    });
  }
  const value = valueAt(refused.raw, path);
  const isShown = !refused.references?.has(path.join('.'));
  const found = isShown ? (foundBy(issue) ?? kindOf(value, path)) : 'a value that is not shown';
  return [
    `${refused.locate(path)}: ${path.join('.') || '(top)'}: expected ${expectation(issue, value, refused.keys)}, found ${found}`,
  ];
}

/** A short text for a value in a message. */
export function kindOf(value: unknown, path: Path): string {
  if (value === undefined || value === null) return 'nothing';
  if (isSecret(path)) return 'a value that is not shown';
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a group of keys';
  if (typeof value !== 'string') return printable(JSON.stringify(value), 80);
  const text = redact(path, value);
  return text === null ? 'a value that is not shown' : printable(JSON.stringify(text), 80);
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

/** What a value should have been, in words; messages of our own schemas already are. */
function expectation(issue: z.core.$ZodIssue, value: unknown, keys: readonly SchemaKey[]): string {
  if (/^Too (small|big): /.test(issue.message)) return bound(issue);
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'another key';
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  if (issue.code !== 'invalid_type' || !issue.message.startsWith('Invalid input: ')) return issue.message;
  const type = TYPES[issue.expected] ?? issue.expected;
  if (value === undefined) return `${type}, which is required`;
  if (value === null) return type;
  const hasKind = keys.some(one => one.path.join('.') === [...issue.path, 'kind'].join('.'));
  const example = `{ kind: ${printable(String(value), 40)} }`;
  return hasKind && /^\w+$/.test(String(value))
    ? `${type}, such as ${issue.path.join('.')}: ${example}`
    : type;
}

function bound(issue: z.core.$ZodIssue): string {
  const limit =
    issue.code === 'too_small'
      ? `at least ${issue.minimum}`
      : issue.code === 'too_big'
        ? `at most ${issue.maximum}`
        : null;
  if (limit === null || !('origin' in issue)) return issue.message;
  if (issue.origin === 'string') return limit === 'at least 1' ? 'some text' : `text of ${limit} characters`;
  if (issue.origin === 'array') return `a list of ${limit}`;
  return `a number of ${limit}`;
}

/** A check over several keys says itself what it found. */
function foundBy(issue: z.core.$ZodIssue): string | null {
  const found: unknown = issue.code === 'custom' ? issue.params?.found : undefined;
  return typeof found === 'string' ? found : null;
}

/** Keys that a group may have; entries of lists say it themselves. */
function keysBelow(path: Path, keys: readonly SchemaKey[], issue: z.core.$ZodIssue): string[] {
  if ('known' in issue && Array.isArray(issue.known)) return issue.known.map(String);
  const isBelow = (one: SchemaKey) => path.every((key, i) => one.path[i] === key);
  return [...new Set(keys.filter(isBelow).flatMap(one => one.path[path.length] ?? []))];
}

/** What is at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      at !== null && typeof at === 'object' ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
