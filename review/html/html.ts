/** HTML and SVG text in which everything that came from outside is escaped: only `html` makes it. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  static of(parts: readonly string[], values: readonly Insert[]): Html {
    return new Html(parts.map((part, i) => part + (i < values.length ? insert(values[i]) : '')).join(''));
  }
}

/** What a template takes: text and numbers are escaped, lists joined, null and false are nothing. */
export type Insert = Html | string | number | null | false | undefined | readonly Insert[];

/**
 * The one way to make markup: html`<p title="${name}">${name}</p>`. Escaped for elements and for attributes in double
 * quotes; attributes without quotes, comments, scripts and styles take no inserts.
 */
export const html = (parts: TemplateStringsArray, ...values: readonly Insert[]): Html =>
  Html.of(parts, values);

function insert(value: Insert): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.map(insert).join('');
  return escapeText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeText = (text: string): string => text.replace(/[&<>"']/g, char => ENTITIES[char] ?? '');
