import { VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { DIRECTIONS } from '../../core/traffic/frame.ts';
import { series, single } from './influx.ts';
import { type Basics, few, lines } from './panels.ts';
import {
  bothWaysQueries,
  type ExpectedMetric,
  expectedQueries,
  HIGH,
  LOW,
  rateQueries,
  topOfRatesQuery,
} from './queries.ts';

/** Rates of one container, with what rules expect of them behind the lines. */

/** A color for each way, the same wherever it is drawn; of both themes. */
const COLORS = { send: 'blue', receive: 'orange', both: 'purple' } as const;
type Way = keyof typeof COLORS;

/** A picture ends at so many times the greatest rate: limits further above are out of sight. */
const HEADROOM = 3;
const TOP = 'top';

type Rates = Omit<Basics, 'targets'> & { readonly unit: string };

/** Lines of these ways, such as `send`, in their colors. */
export const coloured = (panel: PanelBuilder, ways: readonly Way[]): PanelBuilder =>
  ways.reduce((so, way) => so.overrideByRegexp(`/^${way}(:|$)/`, [color(COLORS[way])]), panel.legend(few()));

/** Sent and received, each before the band of what is expected of it, whose upper edge is dashed. */
export function rates(basics: Rates, metric: ExpectedMetric, who: string): PanelBuilder {
  const seen = DIRECTIONS.flatMap(direction => rateQueries(metric, direction, who));
  const panel = withBand(basics, DIRECTIONS, expectedQueries(metric, DIRECTIONS, who), seen);
  return panel.withTarget(single(TOP, topOfRatesQuery(metric, HEADROOM, who))).transformations([
    {
      id: 'configFromData',
      options: { configRefId: TOP, mappings: [{ fieldName: TOP, handlerKey: 'max', reducerId: 'max' }] },
    },
  ]);
}

/** Messages both ways, and how few are expected at least. */
export const bothWays = (basics: Rates, who: string): PanelBuilder =>
  withBand(basics, ['both'], expectedQueries('messages', ['both'], who), bothWaysQueries(who));

function withBand(
  basics: Rates,
  ways: readonly Way[],
  expected: readonly string[],
  seen: readonly string[],
): PanelBuilder {
  // What is first is behind.
  const targets = [
    ...series(expected, '$tag_direction: $col'),
    ...series(seen, '$col', { after: expected.length }),
  ];
  return ways.reduce(
    (so, way) =>
      so
        .overrideByName(`${way}: ${HIGH}`, [
          ...DASHED,
          { id: 'custom.fillBelowTo', value: `${way}: ${LOW}` },
          { id: 'custom.fillOpacity', value: 10 },
          ...(way === 'both' ? UNNAMED : []),
        ])
        .overrideByName(`${way}: ${LOW}`, [
          ...DASHED,
          { id: 'custom.fillOpacity', value: 0 },
          ...(way === 'both' ? [] : [...UNNAMED, { id: 'custom.lineWidth', value: 0 }]),
        ]),
    coloured(lines({ ...basics, targets }), ways),
  );
}

const color = (fixedColor: string): DynamicConfigValue => ({
  id: 'color',
  value: { mode: 'fixed', fixedColor },
});

const DASHED: readonly DynamicConfigValue[] = [
  { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 4] } },
  { id: 'custom.showPoints', value: VisibilityMode.Never },
];

/** Of an edge that hardly any rule has: too much both ways, too little of one. */
const UNNAMED: readonly DynamicConfigValue[] = [
  { id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } },
];
