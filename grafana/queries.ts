import type { Direction } from '../core/traffic/frame.ts';
import { BUCKETS } from '../core/traffic/histogram.ts';
import { TIERS } from '../core/traffic/rollup.ts';

/**
 * The InfluxQL texts of the dashboards. `$timeFilter`, `__interval`, `__interval_ms`, `__from` and `__to` are Grafana's.
 * Variables that are queried always carry `:regex`: without it Grafana leaves a single value unescaped that looks like a
 * number, such as a container named `7.zip`. All others carry `:raw`: without it the browser takes what stands between any two
 * slashes, also that of a division, for a regular expression, and escapes the value.
 */

/** The dashboard's variables, each narrowed by those before it. */
export const VARIABLES = ['host', 'service', 'container'] as const;
export type Variable = (typeof VARIABLES)[number];

const matches = (variable: Variable): string => `"${variable}" =~ /^\${${variable}:regex}$/`;
const SELECTED = VARIABLES.map(matches).join(' AND ');

/**
 * Values of a variable: who was there in the range, so that rows of containers long gone are not repeated. Hosts come from
 * their frames, so that an idle host is offered too. Grafana takes the first column after the time.
 */
export function variableQuery(variable: Variable): string {
  const [table, field] =
    variable === 'host' ? ['"host_frames"', '"duration_ms"'] : ['"container_traffic"', '"messages"'];
  const before = VARIABLES.slice(0, VARIABLES.indexOf(variable)).map(one => `${matches(one)} AND `);
  const newest = `SELECT last(${field}) FROM ${table} WHERE ${before.join('')}$timeFilter GROUP BY "${variable}"`;
  return `SELECT "${variable}", "last" FROM (${newest})`;
}

/**
 * Where traffic is read from, by what a reader calls it: as it was captured, from the default retention policy whatever
 * its name, or its exact sums per minute or hour, from the policies that `tidegauge store init` makes. InfluxDB 3 has no
 * policies and reads what was captured in any case: the same numbers, slower.
 */
export const TRAFFIC_TABLES: readonly (readonly [label: string, table: string])[] = [
  ['windows', '"container_traffic"'],
  ...TIERS.map(({ name }) => [`${name}s`, `"${name}"."container_traffic"`] as const),
];

/** The one that the variable `tier` has selected, unescaped. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is Grafana's.
const TRAFFIC = '${tier:raw}';

// biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is Grafana's.
const INTERVAL = 'time(${__interval:raw})';

function perContainer(value: string, measurement: string, condition = ''): string {
  return (
    `SELECT ${value} FROM ${measurement} WHERE ${SELECTED}${condition} AND $timeFilter ` +
    `GROUP BY ${INTERVAL}, "host", "container" fill(null)`
  );
}

const traffic = (value: string, direction: Direction): string =>
  perContainer(value, TRAFFIC, ` AND "direction" = '${direction}'`);

/** Bytes or messages per second of the time that was really measured. */
export function rateQuery(column: 'bytes' | 'messages', direction: Direction): string {
  return traffic(`1000 * sum("${column}") / sum("duration_ms") AS "rate"`, direction);
}

/**
 * Bytes per message; null where there was no message. It is asked for twice by the same intervals, because what a condition
 * takes out would leave no null behind, and a line would be drawn across.
 */
export function meanSizeQuery(direction: Direction): string {
  const sizes =
    'SELECT 1.0 * "bytes" / "messages" AS "size" FROM ' +
    `(${traffic('sum("bytes") AS "bytes", sum("messages") AS "messages"', direction)}) ` +
    'WHERE "messages" > 0 AND $timeFilter GROUP BY "host", "container"';
  return `SELECT mean("size") AS "size" FROM (${sizes}) WHERE $timeFilter GROUP BY ${INTERVAL}, "host", "container" fill(null)`;
}

/** Messages by size bucket: one column per bucket, named by its lower bound, not cumulative. */
export function sizesQuery(direction: Direction): string {
  const columns = BUCKETS.map(bound => `sum("b${bound}") AS "${bound}"`).join(', ');
  return (
    `SELECT ${columns} FROM ${TRAFFIC} WHERE ${SELECTED} AND "direction" = '${direction}' ` +
    `AND $timeFilter GROUP BY ${INTERVAL} fill(null)`
  );
}

/** Highest score in each interval; 1 is the alarm limit. */
export const scoreQuery = (): string => perContainer('max("score") AS "score"', '"detections"');

/** A number per host from its frames. */
export function hostQuery(value: string, fill: 'null' | '0'): string {
  return (
    `SELECT ${value} FROM "host_frames" WHERE ${matches('host')} AND $timeFilter ` +
    `GROUP BY ${INTERVAL}, "host" fill(${fill})`
  );
}

/**
 * Incidents whose region touches the range. They are stored at their start, so `$timeFilter` alone would lose those
 * that began before the range. There must be some lower bound: one that began 30 days before the range is not shown.
 */
export function annotationQuery(): string {
  return (
    'SELECT "title", "text", "severity", "timeEnd", "container" FROM "annotations" ' +
    `WHERE ${SELECTED} AND time >= \${__from:raw}ms - 30d AND time <= \${__to:raw}ms AND "timeEnd" >= \${__from:raw}`
  );
}
