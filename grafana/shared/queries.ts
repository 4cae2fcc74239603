import { DIRECTIONS, type Direction } from '../../core/traffic/frame.ts';
import { BUCKETS } from '../../core/traffic/histogram.ts';
import { PERCENTILES } from '../../store/influx/client/line.ts';
import { byMinute, byRange, byRangeAndInterval, byRangeInOwnSteps, type Level } from './levels.ts';

/**
 * The InfluxQL texts of the dashboards. `$timeFilter`, `__interval`, `__interval_ms`, `__from` and `__to` are Grafana's.
 * Variables that are queried always carry `:regex`: without it Grafana leaves a single value unescaped that looks like a
 * number, such as a container named `7.zip`. All others carry `:raw`: without it the browser takes what stands between any two
 * slashes, also that of a division, for a regular expression, and escapes the value.
 */

/** The dashboards' variables, each narrowed by those before it. */
export const VARIABLES = ['host', 'service', 'container'] as const;
export type Variable = (typeof VARIABLES)[number];

const matches = (variable: Variable): string => `"${variable}" =~ /^\${${variable}:regex}$/`;
const where = (variables: readonly Variable[]): string => variables.map(matches).join(' AND ');

/** Who is selected on a dashboard with these variables. */
export const SELECTED = where(VARIABLES);
export const OF_HOST = matches('host');
export const OF_CONTAINER = where(['host', 'container']);

/**
 * Values of a variable: who was there in the range, so that nothing is asked of containers long gone. Hosts come from
 * their frames, so that an idle host is offered too. Grafana takes the first column after the time.
 */
export function variableQuery(variable: Variable, narrowedBy: readonly Variable[]): string {
  const [table, field] =
    variable === 'host' ? ['"host_frames"', '"duration_ms"'] : ['"container_traffic"', '"messages"'];
  const before = narrowedBy.map(one => `${matches(one)} AND `).join('');
  const newest = `SELECT last(${field}) FROM ${table} WHERE ${before}$timeFilter GROUP BY "${variable}"`;
  return `SELECT "${variable}", "last" FROM (${newest})`;
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the variables are Grafana's.
const INTERVAL = 'time(${__interval:raw})';
const ENDING_INTERVAL = 'time(${__interval:raw}, ${__to:raw}ms)';
const FROM_MS = '${__from:raw}';
const FROM = `${FROM_MS}ms`;
const TO = '${__to:raw}ms';
const HALF = '${__from:raw}ms / 2 + ${__to:raw}ms / 2';
const COVERAGE = 'sum("duration_ms") / ${__interval_ms:raw} AS "coverage"';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above

/** How far back the newest sign of life of a host is looked for. */
const LATELY = `time >= ${TO} - 1d AND time <= ${TO}`;

/**
 * Incidents whose region touches the range. They are stored at their start, so `$timeFilter` alone would lose those
 * that began before the range. There must be some lower bound: one that began 30 days before the range is not shown.
 */
const TOUCHING = `time >= ${FROM} - 30d AND time <= ${TO}`;

const perContainer = (value: string, { table, step, guard }: Level, condition: string): string =>
  `SELECT ${value} FROM ${table('container_traffic')} WHERE ${guard} AND ${condition} AND $timeFilter ` +
  `GROUP BY time(${step}), "host", "container" fill(null)`;

const inDirection = (direction: Direction, who: string): string => `${who} AND "direction" = '${direction}'`;

/** Bytes or messages per second of the time that was really measured, in a column of this name. */
export const rateQueries = (
  column: 'bytes' | 'messages',
  direction: Direction,
  who: string,
  name: string = direction,
): string[] =>
  byRangeAndInterval(level =>
    perContainer(
      // Not 1000: what another query makes of it would be cut to integers.
      `1000.0 * sum("${column}") / sum("duration_ms") AS "${name}"`,
      level,
      inDirection(direction, who),
    ),
  );

/** Columns of what is expected. */
export const LOW = 'expected at least';
export const HIGH = 'expected up to';
export type ExpectedMetric = 'bytes' | 'messages';

/** What no rule objects to, as series by the tag `direction`; both together are a way of their own. */
export const expectedQueries = (
  metric: ExpectedMetric,
  ways: readonly (Direction | 'both')[],
  who: string,
): string[] => {
  const one = ways.map(way => `"direction" = '${way}'`).join(' OR ');
  return byMinute(
    ({ step, guard }) =>
      `SELECT max("expected_low") AS "${LOW}", min("expected_high") AS "${HIGH}" FROM "container_expected" ` +
      `WHERE ${guard} AND ${who} AND "metric" = '${metric}' AND (${one}) AND $timeFilter ` +
      `GROUP BY time(${step}), "direction" fill(null)`,
  );
};

/** Where a picture of these rates ends at the top, so that a limit far above all that was seen does not draw that as nothing. */
export const topOfRatesQuery = (column: ExpectedMetric, headroom: number, who: string): string => {
  const rates = DIRECTIONS.flatMap(direction => rateQueries(column, direction, who, 'rate'));
  return `SELECT ${headroom}.0 * max("rate") AS "top" FROM (${rates.join('), (')})`;
};

/** Messages per second, sent and received together: both rows of a frame carry its duration. */
export const bothWaysQueries = (who: string): string[] =>
  byRangeAndInterval(level =>
    perContainer('2000 * sum("messages") / sum("duration_ms") AS "both"', level, who),
  );

/**
 * Bytes per message; null where there was no message. It is asked for twice by the same intervals, because what a condition
 * takes out would leave no null behind, and a line would be drawn across.
 */
export const meanSizeQueries = (direction: Direction, who: string): string[] =>
  byRangeAndInterval(level => {
    const sums = perContainer(
      'sum("bytes") AS "bytes", sum("messages") AS "messages"',
      level,
      inDirection(direction, who),
    );
    const sizes =
      `SELECT 1.0 * "bytes" / "messages" AS "size" FROM (${sums}) ` +
      'WHERE "messages" > 0 AND $timeFilter GROUP BY "host", "container"';
    return (
      `SELECT mean("size") AS "${direction}" FROM (${sizes}) WHERE $timeFilter ` +
      `GROUP BY time(${level.step}), "host", "container" fill(null)`
    );
  });

/** Messages by size bucket: one column per bucket, named by its lower bound, not cumulative. */
export const sizesQueries = (direction: Direction, who: string): string[] => {
  const columns = BUCKETS.map(bound => `sum("b${bound}") AS "${bound}"`).join(', ');
  return byRangeAndInterval(
    ({ table, step, guard }) =>
      `SELECT ${columns} FROM ${table('container_traffic')} WHERE ${guard} AND ${inDirection(direction, who)} ` +
      `AND $timeFilter GROUP BY time(${step}) fill(null)`,
  );
};

/** What 50, 90 and 99 % of the messages are smaller than. Of several frames of an interval it is the mean. */
export const percentileQueries = (direction: Direction, who: string): string[] =>
  byRangeInOwnSteps(level =>
    perContainer(
      PERCENTILES.map(percent => `mean("p${percent}") AS "${percent} %"`).join(', '),
      level,
      inDirection(direction, who),
    ),
  );

/** The containers with most bytes per second, both directions together. */
export const topQueries = (count: number, who: string): string[] =>
  byRange(({ table, guard }) => {
    // Both rows of a frame, send and receive, carry its duration.
    const rates =
      `SELECT 2000.0 * sum("bytes") / sum("duration_ms") AS "rate" FROM ${table('container_traffic')} ` +
      `WHERE ${guard} AND ${who} AND $timeFilter GROUP BY "host", "container"`;
    return `SELECT top("rate", ${count}) AS "rate", "container", "host" FROM (${rates})`;
  });

/** Bytes per second of each container in the first and in the second half of the range. */
export const changeQueries = (who: string): string[] =>
  byRange(({ table, guard }) => {
    const half = (name: string, times: string): string =>
      `(SELECT 2000.0 * sum("bytes") / sum("duration_ms") AS "${name}" FROM ${table('container_traffic')} ` +
      `WHERE ${guard} AND ${who} AND ${times} GROUP BY "host", "container")`;
    const before = half('before', `time >= ${FROM} AND time < ${HALF}`);
    const after = half('after', `time >= ${HALF} AND time <= ${TO}`);
    return (
      `SELECT sum("before") AS "before", sum("after") AS "after" FROM ${before}, ${after} ` +
      'GROUP BY "host", "container" fill(0)'
    );
  });

/** Highest score in each interval; 1 is the alarm limit. */
export const scoreQuery = (who: string): string =>
  `SELECT max("score") AS "score" FROM "detections" WHERE ${who} AND $timeFilter ` +
  `GROUP BY ${INTERVAL}, "host", "container" fill(null)`;

/** The same of each rule: columns `max_score_RULE`. */
export const rulesQuery = (who: string): string =>
  `SELECT max(/^score_/) FROM "detections" WHERE ${who} AND $timeFilter GROUP BY ${INTERVAL} fill(null)`;

/** Incidents of the range, newest first. Tags come as columns. */
export const incidentsQuery = (who: string): string =>
  'SELECT "severity", "container", "service", "host", "title", "seen_text", "expected_text", "timeEnd", "resolved", ' +
  `"text", "id" FROM "annotations" WHERE ${who} AND ${TOUCHING} AND "timeEnd" >= ${FROM_MS} ORDER BY time DESC`;

/** Those that are not over, whenever they began. */
export const openIncidentsQuery = (who: string): string =>
  'SELECT "severity", "container", "service", "host", "title", "seen_text", "expected_text", "resolved", "id" ' +
  `FROM "annotations" WHERE ${who} AND ${TOUCHING} ORDER BY time DESC`;

/** How many of them: a resolution is a field that only those have which are over. */
export const openCountQuery = (who: string): string =>
  `SELECT count("timeEnd") - count("resolved") AS "open" FROM "annotations" WHERE ${who} AND ${TOUCHING} fill(0)`;

/** The regions that are drawn. */
export const annotationQuery = (who: string): string =>
  'SELECT "title", "text", "severity", "timeEnd", "container" FROM "annotations" ' +
  `WHERE ${who} AND ${TOUCHING} AND "timeEnd" >= ${FROM_MS}`;

/** Frames that are stored ahead of their turn: older ones wait in the spool. Each has a mark once its turn has come. */
export const AHEAD = 'count("duration_ms") - count("settled") AS "ahead"';

/** A number per host from its frames. */
export const hostQuery = (value: string, fill: 'null' | '0'): string =>
  `SELECT ${value} FROM "host_frames" WHERE ${OF_HOST} AND $timeFilter ` +
  `GROUP BY ${INTERVAL}, "host" fill(${fill})`;

/**
 * Share of the time for which there is a frame. Its steps end with the range: one that has only begun would look like an
 * outage.
 */
export const coverageQuery = (): string =>
  `SELECT ${COVERAGE} FROM "host_frames" WHERE ${OF_HOST} AND time >= ${FROM} AND time < ${TO} ` +
  `GROUP BY ${ENDING_INTERVAL}, "host" fill(0)`;

/** When the newest frame of each host began, in the last day. */
export const lastFrameQuery = (): string =>
  `SELECT last("duration_ms") AS "duration" FROM "host_frames" WHERE ${OF_HOST} AND ${LATELY} GROUP BY "host"`;

/** TCP connections that could not be opened, per second. */
export const failuresQueries = (who: string): string[] =>
  byRangeAndInterval(
    ({ table, step, stepMs, guard }) =>
      `SELECT 1000 * sum("failures") / ${stepMs} AS "failures" FROM ${table('container_flows')} ` +
      `WHERE ${guard} AND ${who} AND "role" = 'client' AND $timeFilter ` +
      `GROUP BY time(${step}), "host", "container" fill(null)`,
  );
