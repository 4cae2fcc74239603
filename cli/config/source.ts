import { readFileSync } from 'node:fs';
import {
  type Document,
  isMap,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type Node as YamlNode,
} from 'yaml';
import { describeError, describeFileError, errorCode, printable } from '../../core/errors.ts';
import { ConfigError } from './config-error.ts';
import { kindOf } from './errors.ts';

/** The text of a file; null when it is not there and may be missing. Throws ConfigError. */
export function readText(file: string, required: boolean): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT' && !required) return null;
    const found = describeFileError(cause, 'read');
    const line = `${printable(file)}: expected a file that can be read, found ${found}`;
    throw new ConfigError(file, [line], 'Correct the path, or leave it out: then defaults are in force.');
  }
}

/** A YAML file with the positions of its nodes. */
export class Source {
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

/** A group of keys, as YAML has them. */
export const isGroup = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
