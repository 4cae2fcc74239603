import { z } from 'zod';

export const ENV_PREFIX = 'TIDEGAUGE_';

/** One key of a schema, as documentation and environment variables need it. */
export interface SchemaKey {
  readonly path: readonly string[];
  /** The environment variable that sets it. */
  readonly variable: string;
  readonly description: string;
  /** The default as a user would write it, or null when there is none. */
  readonly fallback: string | null;
  /** For people: `duration`, `integer`, the allowed words. */
  readonly type: string;
  /** True: the text of an environment variable is the value; false: it is read as YAML. */
  readonly textual: boolean;
}

interface JsonSchema {
  type?: string | string[];
  unit?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  description?: string;
  default?: unknown;
}

/** All keys of a schema outside of lists, in its order. */
export function schemaKeys(schema: z.ZodType): SchemaKey[] {
  return walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, [], undefined);
}

function walk(node: JsonSchema, path: readonly string[], inherited: unknown): SchemaKey[] {
  const fallback = node.default ?? inherited;
  // A group with a name of its own for people is one row.
  if (node.properties && node.unit === undefined) {
    const defaults = fallback as Record<string, unknown> | undefined;
    return Object.entries(node.properties).flatMap(([key, child]) =>
      walk(child, [...path, key], defaults?.[key]),
    );
  }
  return [
    {
      path,
      variable: ENV_PREFIX + path.join('_').toUpperCase(),
      description: node.description ?? '',
      fallback:
        fallback === undefined ? null : typeof fallback === 'string' ? fallback : JSON.stringify(fallback),
      type: typeOf(node),
      textual: node.enum !== undefined || node.type === 'string',
    },
  ];
}

function typeOf(node: JsonSchema): string {
  if (node.anyOf) return node.anyOf.map(typeOf).join(' or ');
  if (node.enum) return node.enum.map(word => `\`${word}\``).join(' or ');
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.unit !== undefined) return node.unit;
  const types = [node.type ?? 'value'].flat();
  return types.map(type => WORDS[type] ?? type).join(' or ');
}

/** For people. */
const WORDS: Readonly<Record<string, string>> = { array: 'list', string: 'text' };
