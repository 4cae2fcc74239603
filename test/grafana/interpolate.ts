/** What Grafana does to a query before it sends it, as far as our dashboards use it. */
export interface Range {
  /** Epoch ms, both ends inclusive, as Grafana renders them. */
  readonly from: number;
  readonly to: number;
  readonly intervalMs: number;
}

/** Selected values of a variable; `All` stands for the variable's `allValue`, which Grafana inserts as it is. */
export type Selection = Readonly<Record<string, readonly string[] | 'All'>>;

/**
 * First what the browser does (public/app/plugins/datasource/influxdb/datasource.ts of 12.4), then the macros of the
 * backend. Throws for anything else that looks like a variable.
 */
export function interpolate(query: string, range: Range, selection: Selection = {}): string {
  return inBackend(inBrowser(query, range, selection), range);
}

/** Variables with `:regex`: each value escaped, several in parentheses; with `:raw` as they are; others by a guess. */
function inBrowser(query: string, range: Range, selection: Selection): string {
  const texts: Readonly<Record<string, string>> = {
    __interval: `${range.intervalMs}ms`,
    __interval_ms: String(range.intervalMs),
    __from: String(range.from),
    __to: String(range.to),
  };
  return query.replace(/\$(\w+)|\$\{(\w+)(?::(\w+))?\}/g, (found, bare, braced, format) => {
    const name = String(bare ?? braced);
    if (found === '$timeFilter') return found;
    if (format === 'regex') return regexOf(selection[name] ?? 'All');
    const text = texts[name];
    if (text === undefined) throw new Error(`neither a variable nor a macro: ${found} in ${query}`);
    return format === 'raw' ? text : guessed(text, name, query);
  });
}

/** Where the name stands between two slashes, whatever they are, the browser escapes the value for a regular expression. */
function guessed(value: string, name: string, query: string): string {
  if (!Number.isNaN(Number.parseFloat(value)) && !/\D/.test(value)) return value;
  const isBetweenSlashes = new RegExp(`\\/(?:\\^)?(.*)(\\$${name})(.*)(?:\\$)?\\/`, 'm').test(query);
  return isBetweenSlashes ? escaped(value) : value;
}

function inBackend(query: string, range: Range): string {
  return query.replaceAll('$timeFilter', `time >= ${range.from}ms and time <= ${range.to}ms`);
}

const escaped = (value: string): string => value.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');

function regexOf(values: readonly string[] | 'All'): string {
  if (values === 'All') return '.*';
  const all = values.map(escaped);
  return all.length === 1 ? (all[0] ?? '') : `(${all.join('|')})`;
}
