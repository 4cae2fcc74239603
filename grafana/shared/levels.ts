import { TIERS, type Tier } from '../../core/traffic/rollup.ts';

/**
 * Short ranges are read as they were captured, long ones from the exact sums per minute or hour. Grafana cannot choose
 * between tables, so that a panel asks all of them, each under a condition that is a comparison of two numbers by the time
 * it is sent: InfluxDB answers those that are not true at once and without rows.
 */

const HOUR_MS = 3_600_000;

/** A range of time up to `to` ms is read from this tier; null: from what was captured. */
const READ_FROM = [
  { tier: null, from: 0, to: 3 * HOUR_MS },
  { tier: TIERS[0], from: 3 * HOUR_MS, to: 7 * 24 * HOUR_MS },
  { tier: TIERS[1], from: 7 * 24 * HOUR_MS, to: Number.POSITIVE_INFINITY },
] as const;

/** Where a query reads, and when. */
export interface Level {
  /**
   * The measurement in that tier. What was captured is in the default retention policy, whatever its name; the tiers are
   * in those that `tidegauge store init` makes.
   */
  readonly table: (measurement: string) => string;
  /** What it groups by; not shorter than the tier's own steps, which would leave gaps. */
  readonly step: string;
  /** The same, ms. */
  readonly stepMs: string;
  /** True or false for a range as a whole. */
  readonly guard: string;
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the variables are Grafana's.
const RANGE = '${__to:raw} - ${__from:raw}';
const INTERVAL = '${__interval:raw}';
const INTERVAL_MS = '${__interval_ms:raw}';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above

function levelOf({ tier, from, to }: (typeof READ_FROM)[number]): Level {
  const bounds = [
    ...(from > 0 ? [`${RANGE} > ${from}`] : []),
    ...(Number.isFinite(to) ? [`${RANGE} <= ${to}`] : []),
  ];
  return {
    table: measurement => (tier ? `"${tier.name}"."${measurement}"` : `"${measurement}"`),
    step: INTERVAL,
    stepMs: INTERVAL_MS,
    guard: bounds.join(' AND '),
  };
}

const ownSteps = ({ stepMs }: Tier): Pick<Level, 'step' | 'stepMs'> => ({
  step: `${stepMs}ms`,
  stepMs: String(stepMs),
});

/** A query per tier, of which one answers for any range. */
export const byRange = <T>(query: (level: Level) => T): T[] => READ_FROM.map(row => query(levelOf(row)));

/** The same for pictures over time of what cannot be added up: a tier is read in its own steps, each a value of one bucket. */
export const byRangeInOwnSteps = (query: (level: Level) => string): string[] =>
  READ_FROM.map(row => query({ ...levelOf(row), ...(row.tier && ownSteps(row.tier)) }));

/** The same for pictures of what is stored once a minute, without tiers. */
export const byMinute = (query: (level: Pick<Level, 'step' | 'guard'>) => string): string[] => [
  query({ step: '60000ms', guard: `${INTERVAL_MS} < 60000` }),
  query({ step: INTERVAL, guard: `${INTERVAL_MS} >= 60000` }),
];

/** The same for pictures over time: a tier has one query for intervals below its steps, and one for longer ones. */
export const byRangeAndInterval = (query: (level: Level) => string): string[] =>
  READ_FROM.flatMap(row => {
    const level = levelOf(row);
    if (!row.tier) return [query(level)];
    const { stepMs } = row.tier;
    return [
      query({ ...level, ...ownSteps(row.tier), guard: `${level.guard} AND ${INTERVAL_MS} < ${stepMs}` }),
      query({ ...level, guard: `${level.guard} AND ${INTERVAL_MS} >= ${stepMs}` }),
    ];
  });
