import type { z } from 'zod';
import { formatBudget, isBudget } from '../../core/config/budget.ts';
import type { Override } from '../../core/config/config.ts';
import type { Match } from '../../core/config/match.ts';
import { exactSize, formatDuration, formatFrequency } from '../../core/config/units.ts';
import { isMatcher, matcherText } from '../../core/incident/matcher.ts';
import { type Path, redact } from './redact.ts';
import { schemaKeys } from './schema-keys.ts';

/** A checked configuration as a file would hold it: with units, without secrets. */

interface Kind {
  readonly name: string;
  readonly options: z.ZodType;
}

/** A rule or receiver with its options beside its name, where the file has them. */
export function entry(
  { options, overrides, absent_after, ...base }: Entry,
  path: Path,
  kinds: readonly Kind[],
): Record<string, unknown> {
  const schema = kinds.find(kind => kind.name === base.use)?.options;
  const types = schema ? typesOf(schema, path) : new Map<string, string>();
  const after = absent_after === undefined ? {} : { absent_after: formatDuration(absent_after) };
  const own = { ...base, ...after, ...(written(options, path, types) as object) };
  if (overrides === undefined) return own;
  // Complete, as they are in force: nothing else of the rule's options is.
  const others = overrides.map(({ match, options }) => ({
    match: withoutDefaults(match),
    ...(written(options, path, types) as object),
  }));
  return { ...own, overrides: others };
}

interface Entry {
  readonly use: string;
  readonly options: unknown;
  readonly overrides?: readonly Override[];
  readonly absent_after?: number;
}

/** The match of an override as a file has it: the rule has chosen the kind, and `*` is the same as nothing. */
const withoutDefaults = ({ kind: _, ...keys }: Match): object =>
  Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== '*'));

/** What kind of text each key takes, by its path. */
export const typesOf = (schema: z.ZodType, above: Path = []): ReadonlyMap<string, string> =>
  new Map(schemaKeys(schema).map(key => [[...above, ...key.path].join('.'), key.type]));

/** A value as the user would write it: with its unit, without secrets. */
export function written(value: unknown, path: Path, types: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'number') return withUnit(value, types.get(path.join('.')));
  if (typeof value === 'string') return value === '' ? '' : (redact(path, value) ?? '***');
  if (Array.isArray(value)) {
    // One text in the file, separated by commas.
    if (types.get(path.join('.')) === 'groups') return value.join(', ');
    return value.map((item, i) => written(item, [...path, i], types));
  }
  if (value === null || typeof value !== 'object') return value;
  return (
    text(value) ??
    Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, written(child, [...path, key], types)]),
    )
  );
}

function withUnit(value: number, type: string | undefined): number | string {
  if (type === 'duration') return formatDuration(value);
  if (type === 'frequency') return formatFrequency(value);
  return type === 'size' ? exactSize(value) : value;
}

/** Values that are one text in the file: rates and sizes, factors, budgets, addresses, matchers. */
function text(value: object): string | null {
  if ('factor' in value) return `${value.factor}x`;
  if (isMatcher(value)) return matcherText(value);
  if (isBudget(value)) return formatBudget(value);
  if ('value' in value && 'unit' in value) return `${value.value}${value.unit}`;
  if (!('host' in value && 'port' in value)) return null;
  const host = String(value.host);
  return `${host.includes(':') ? `[${host}]` : host}:${value.port}`;
}
