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
 * Variables with `:regex`: each value escaped, several in parentheses; `tier` as it is. Then the macros of the InfluxQL
 * backend. Throws for anything else that looks like a variable.
 */
export function interpolate(
  query: string,
  range: Range,
  selection: Selection = {},
  tier = '"container_traffic"',
): string {
  const macros: Readonly<Record<string, string>> = {
    '${tier:raw}': tier,
    $timeFilter: `time >= ${range.from}ms and time <= ${range.to}ms`,
    $__interval_ms: String(range.intervalMs),
    $__interval: `${range.intervalMs}ms`,
    '${__from}': String(range.from),
    '${__to}': String(range.to),
  };
  return query.replace(/\$\{\w+(?::\w+)?\}|\$\w+/g, found => {
    const variable = /^\$\{(\w+):regex\}$/.exec(found)?.[1];
    const text = variable === undefined ? macros[found] : regexOf(selection[variable] ?? 'All');
    if (text === undefined) throw new Error(`neither a variable nor a macro: ${found} in ${query}`);
    return text;
  });
}

function regexOf(values: readonly string[] | 'All'): string {
  if (values === 'All') return '.*';
  const escaped = values.map(value => value.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&'));
  return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
}
