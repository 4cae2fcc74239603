import { readFileSync } from 'node:fs';
import {
  type Document,
  isMap,
  LineCounter,
  type Pair,
  parse,
  parseDocument,
  visit,
  type Node as YamlNode,
} from 'yaml';
import type { z } from 'zod';
import { closest } from '../../core/config/closest.ts';
import type { Config, configSchema } from '../../core/config/config.ts';
import { describeError, errorCode, printable, TidegaugeError } from '../../core/errors.ts';
import { describeConfigError, kindOf, valueAt } from './errors.ts';
import { type Reference, referredVariables, resolveReferences } from './references.ts';
import { ENV_PREFIX, type SchemaKey, schemaKeys } from './schema-keys.ts';

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
  /** What file or environment hold at a path, as it stands there, and where; null: nothing, the default is in force. */
  given(path: readonly PropertyKey[]): { readonly value: unknown; readonly place: string } | null;
  /** Values that stand in files and variables of their own, by path. */
  readonly references: ReadonlyMap<string, Reference>;
}

/** A refused configuration: every problem with its place, at once. */
export class ConfigError extends TidegaugeError {
  override readonly name = 'ConfigError';
  /** One line per problem. */
  readonly lines: readonly string[];

  constructor(place: string, lines: readonly string[]) {
    super(
      {
        place,
        expected: 'a valid configuration',
        found: lines.join('; '),
        remedy: 'Fix it; docs/configuration.md lists every key.',
      },
      { exitCode: 2 },
    );
    this.lines = lines;
  }
}

/** Variables of ours that are no configuration keys. */
const ENV_OTHERS = /^TIDEGAUGE_(CONFIG|TEST_.*|MISSING_PARTS)$/;

/**
 * Read and check the configuration: the file (a missing `tidegauge.yaml` is fine, a missing file that was asked for
 * is not), then environment variables over it. Throws ConfigError before anything has started.
 */
export function loadConfig(
  schema: Schema,
  options: { file: string | null; env: Readonly<Record<string, string | undefined>>; machine: Machine },
): Loaded {
  const wanted = options.file ?? (options.env.TIDEGAUGE_CONFIG || null);
  const file = wanted ?? 'tidegauge.yaml';
  const text = readText(file, wanted !== null);
  const source = text === null ? null : new Source(file, text);
  const known = schemaKeys(schema);
  const { values, warnings, origin } = fromEnvironment(known, options.env);

  const raw = merge(source?.value ?? {}, values);
  const resolved = resolveReferences(raw as Record<string, unknown>, options.env);
  const { references } = resolved;
  const parsed = schema.safeParse(resolved.value);
  const locate = (path: readonly PropertyKey[], key?: string) =>
    origin.get(path.join('.')) ?? source?.locate(path, key) ?? 'configuration';
  if (resolved.refused.length > 0 || !parsed.success) {
    const unread = resolved.refused.map(
      ({ path, problem }) => `${locate(path)}: ${path.join('.')}: ${problem}`,
    );
    const isUnread = (issue: z.core.$ZodIssue) =>
      resolved.refused.some(({ path }) => path.join('.') === issue.path.join('.'));
    const issues = (parsed.error?.issues ?? []).filter(issue => !isUnread(issue));
    const lines = [
      ...unread,
      ...issues.flatMap(issue => describeConfigError(issue, { raw, keys: known, locate, references })),
    ];
    throw new ConfigError(source?.file ?? 'environment', lines);
  }
  if (parsed.data.detectors.length === 0)
    warnings.push({ variable: '', text: 'detectors is an empty list: nothing is judged' });
  const referred = referredVariables(resolved);
  return {
    config: complete(parsed.data, options.machine),
    file: source?.file ?? null,
    warnings: warnings.filter(({ variable }) => !referred.has(variable)).map(({ text }) => text),
    references,
    given(path) {
      const value = valueAt(raw, path);
      return value === undefined ? null : { value, place: locate(path) };
    },
  };
}

function readText(file: string, required: boolean): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT' && !required) return null;
    throw new ConfigError(file, [`${printable(file)}: ${UNREADABLE[code ?? ''] ?? describeError(cause)}`]);
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'expected a file, found a directory',
};

/** A YAML file with the positions of its nodes. */
class Source {
  readonly file: string;
  readonly value: unknown;
  readonly #counter = new LineCounter();
  readonly #document: Document;

  constructor(file: string, text: string) {
    this.file = file;
    this.#document = this.#parsed(text);
    if (this.#document.errors.length > 0) {
      const lines = this.#document.errors.map(
        error => `${this.#position(error.pos[0])}: ${printable(error.message)}`,
      );
      throw new ConfigError(file, lines);
    }
    // A tag that nobody knows makes `container: !backup` a text without `!`, or nothing at all.
    const tags = this.#document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
    if (tags.length > 0) {
      const lines = tags.map(({ pos: [from, to] }) => {
        const tag = printable(text.slice(from, to), 80);
        return `${this.#position(from)}: expected a value, found the YAML tag ${tag}: a text that starts with \`!\` stands in quotes, and whom a rule leaves out goes under \`not\``;
      });
      throw new ConfigError(file, lines);
    }
    const value = this.#resolved() ?? {};
    if (!isGroup(value))
      throw new ConfigError(file, [`${file}:1:1: expected keys and values, found ${kindOf(value, [])}`]);
    this.value = value;
  }

  /** A text that is nested too deeply makes the parser fail instead of reporting an error. */
  #parsed(text: string): Document {
    const settings = { lineCounter: this.#counter, prettyErrors: false, logLevel: 'error' } as const;
    try {
      return parseDocument(text, settings);
    } catch (error) {
      throw new ConfigError(this.file, [`${this.file}:1:1: ${describeError(error)}`]);
    }
  }

  /** The values, aliases resolved; an alias of aliases of aliases could fill all memory, so their number is limited. */
  #resolved(): unknown {
    try {
      return this.#document.toJS();
    } catch (error) {
      throw new ConfigError(this.file, [`${this.#position(this.#unresolved())}: ${describeError(error)}`]);
    }
  }

  /** Where the first alias is that stands for nothing: most often a pattern without quotes, such as `*-db`. */
  #unresolved(): number {
    let offset = 0;
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) !== undefined) return undefined;
        offset = alias.range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    return offset;
  }

  /** `file:line:column` of the value at the path, or of its nearest parent that is in the file; of the key, when `key` is given. */
  locate(path: readonly PropertyKey[], key?: string): string {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = this.#document.getIn(path.slice(0, depth), true) as YamlNode | undefined;
      if (!node?.range) continue;
      const pair =
        key !== undefined && isMap(node)
          ? node.items.find((item: Pair) => String(item.key) === key)
          : undefined;
      const at = (pair?.key as YamlNode | undefined)?.range ?? node.range;
      return this.#position(at[0]);
    }
    return this.file;
  }

  #position(offset: number): string {
    const { line, col } = this.#counter.linePos(offset);
    return `${this.file}:${line}:${col}`;
  }
}

function fromEnvironment(known: readonly SchemaKey[], env: Readonly<Record<string, string | undefined>>) {
  const byVariable = new Map(known.map(key => [key.variable, key]));
  const values: Record<string, unknown> = {};
  const origin = new Map<string, string>();
  const warnings: { readonly variable: string; readonly text: string }[] = [];
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
    setAt(values, key.path, key.textual ? value : yamlValue(name, value));
    origin.set(key.path.join('.'), `environment variable ${name}`);
  }
  return { values, origin, warnings };
}

function yamlValue(name: string, text: string): unknown {
  try {
    // Pretty errors repeat the text, which may hold secrets.
    return parse(text, { prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    throw new ConfigError('environment', [
      `environment variable ${name}: expected YAML, found ${describeError(error)}`,
    ]);
  }
}

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

/** `over` on top of `base`; only plain groups of keys are merged, everything else is replaced. */
function merge(base: unknown, over: unknown): unknown {
  if (!isGroup(base) || !isGroup(over)) return over ?? base;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over))
    result[key] = key in base ? merge(base[key], value) : value;
  return result;
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function complete(parsed: Config, machine: Machine): Config {
  return { ...parsed, host: parsed.host || machine.hostname, data: parsed.data || machine.data };
}
