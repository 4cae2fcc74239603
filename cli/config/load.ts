import { parse } from 'yaml';
import type { z } from 'zod';
import { closest } from '../../core/config/closest.ts';
import type { Config, configSchema } from '../../core/config/config.ts';
import { describeError, printable } from '../../core/errors.ts';
import { ConfigError } from './config-error.ts';
import { describeConfigError, type Refused, valueAt } from './errors.ts';
import { type Needs, without } from './needs.ts';
import {
  mayRefer,
  type Reference,
  type Resolved,
  referenceInVariable,
  referenceOf,
  referredVariables,
  resolveReferences,
} from './references.ts';
import { ENV_PREFIX, type SchemaKey, schemaKeys } from './schema-keys.ts';
import { isGroup, readText, Source } from './source.ts';

export type Schema = ReturnType<typeof configSchema>;

/** What the machine fills in where the configuration is silent. */
export interface Machine {
  readonly hostname: string;
  /** Directory for data when none is configured. */
  readonly data: string;
}

export interface Loaded {
  readonly config: Config;
  /** The file it came from, or null when there was none. */
  readonly file: string | null;
  /** Things that are allowed but probably not meant, such as an unknown environment variable. */
  readonly warnings: readonly string[];
  /** Problems of groups that are not needed, one line each: defaults stand in for these groups. */
  readonly spared: readonly string[];
  /** What file or environment hold at a path, as it stands there, and where; null: nothing, the default is in force. */
  given(path: readonly PropertyKey[]): { readonly value: unknown; readonly place: string } | null;
  /** Values that stand in files and variables of their own, by path. */
  readonly references: ReadonlyMap<string, Reference>;
}

/** Variables of ours that are no configuration keys. */
const ENV_OTHERS = /^TIDEGAUGE_(CONFIG|TEST_.*|MISSING_PARTS)$/;

interface LoadOptions {
  readonly file: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The flag that has set a variable of `env`, for messages. */
  readonly flagOf?: ReadonlyMap<string, string>;
  readonly machine: Machine;
  /** Groups that must be right; null: all of them. */
  readonly needs?: Needs | null;
}

/**
 * Read and check the configuration: the file (a missing `tidegauge.yaml` is fine, a missing file that was asked for
 * is not), then environment variables over it. Throws ConfigError before anything has started.
 */
export function loadConfig(schema: Schema, options: LoadOptions): Loaded {
  const wanted = options.file ?? (options.env.TIDEGAUGE_CONFIG || null);
  const file = wanted ?? 'tidegauge.yaml';
  const text = readText(file, wanted !== null);
  const source = text === null ? null : new Source(file, text);
  const known = schemaKeys(schema);
  const { values, warnings, origin, problems } = fromEnvironment(known, options);
  const locate = (path: readonly PropertyKey[], key?: string) =>
    origin.get(path.join('.')) ?? source?.locate(path, key) ?? 'configuration';
  const read = (raw: Readonly<Record<string, unknown>>) => {
    const resolved = resolveReferences(raw, options.env);
    return { raw, resolved, ...checked(schema, resolved, { raw, keys: known, locate }) };
  };

  const all = read(merge(source?.value ?? {}, values) as Record<string, unknown>);
  problems.push(...all.problems);
  const { needs = null } = options;
  const isNeeded = problems.some(
    ({ group }) => needs === null || (needs as readonly string[]).includes(group),
  );
  const lines = problems.map(({ line }) => line);
  const used = isNeeded ? all : read(without(all.raw, new Set(problems.map(({ group }) => group))));
  const { config, resolved, raw } = used;
  if (isNeeded || config === null) throw new ConfigError(source?.file ?? 'environment', lines);
  if (config.detectors.length === 0)
    warnings.push({ variable: '', text: 'detectors is an empty list: nothing is judged' });
  const referred = referredVariables(resolved);
  return {
    config: complete(config, options.machine),
    file: source?.file ?? null,
    warnings: warnings.filter(({ variable }) => !referred.has(variable)).map(({ text }) => text),
    spared: lines,
    references: resolved.references,
    given(path) {
      const value = valueAt(raw, path);
      return value === undefined ? null : { value, place: locate(path) };
    },
  };
}

/** What is wrong, and in which group; a key that nobody knows is a group of its own. */
interface Problem {
  readonly group: string;
  readonly line: string;
}

/** The configuration, or null when there are problems. */
function checked(
  schema: Schema,
  { value, references, refused }: Resolved,
  told: Omit<Refused, 'references'>,
): { readonly config: Config | null; readonly problems: Problem[] } {
  const parsed = schema.safeParse(value);
  const unread = refused.map(({ path, problem }) => ({
    group: String(path[0]),
    line: `${told.locate(path)}: ${path.join('.')}: ${problem}`,
  }));
  const isUnread = (issue: z.core.$ZodIssue) =>
    refused.some(({ path }) => path.join('.') === issue.path.join('.'));
  const others = (parsed.error?.issues ?? [])
    .filter(issue => !isUnread(issue))
    .flatMap(issue => {
      const groups = issue.path.length === 0 && issue.code === 'unrecognized_keys' ? issue.keys : null;
      return describeConfigError(issue, { ...told, references }).map((line, i) => ({
        group: groups?.[i] ?? String(issue.path[0] ?? ''),
        line,
      }));
    });
  const problems = [...unread, ...others];
  return { config: parsed.success && problems.length === 0 ? parsed.data : null, problems };
}

function fromEnvironment(known: readonly SchemaKey[], { env, flagOf }: LoadOptions) {
  const byVariable = new Map(known.map(key => [key.variable, key]));
  const values: Record<string, unknown> = {};
  const origin = new Map<string, string>();
  const warnings: { readonly variable: string; readonly text: string }[] = [];
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || value === undefined || ENV_OTHERS.test(name)) continue;
    const key = byVariable.get(name);
    if (!key) {
      const meant = closest(name, [...byVariable.keys()]);
      const hint = meant === null ? 'docs/configuration.md lists them' : `did you mean ${meant}?`;
      const text = `environment variable ${printable(name)} sets nothing: no such key (${hint})`;
      warnings.push({ variable: name, text });
      continue;
    }
    const place = flagOf?.get(name) ?? `environment variable ${name}`;
    try {
      const plain = key.textual ? (referenceInVariable(key.path, value) ?? value) : yamlValue(value);
      setAt(values, key.path, plain);
    } catch (error) {
      const line = `${place}: expected YAML, found ${describeError(error)}`;
      problems.push({ group: String(key.path[0]), line });
    }
    origin.set(key.path.join('.'), place);
  }
  return { values, origin, warnings, problems };
}

/** Pretty errors would repeat the text, which may hold secrets. */
const yamlValue = (text: string): unknown => parse(text, { prettyErrors: false, logLevel: 'error' });

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const child = (target[key] ?? {}) as Record<string, unknown>;
  target[key] = child;
  setAt(child, rest, value);
}

/** `over` on top of `base`; only plain groups of keys are merged, everything else, references too, is replaced. */
function merge(base: unknown, over: unknown, path: readonly string[] = []): unknown {
  if (!isGroup(base) || !isGroup(over)) return over ?? base;
  if (mayRefer(path) && referenceOf(over) !== null) return over;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over))
    result[key] = key in base ? merge(base[key], value, [...path, key]) : value;
  return result;
}

function complete(parsed: Config, machine: Machine): Config {
  return { ...parsed, host: parsed.host || machine.hostname, data: parsed.data || machine.data };
}
