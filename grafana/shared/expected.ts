import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { series } from './influx.ts';
import { type Basics, lines } from './panels.ts';
import { type ExpectedMetric, expectedQueries, HIGH, LOW } from './queries.ts';

/** Rates of one container, with what rules expect of them behind the lines. */

/** A color for each way, the same wherever it is drawn; of both themes. */
const COLORS = { send: 'blue', receive: 'orange', both: 'purple' } as const;
export type Way = keyof typeof COLORS;

/** Lines of these ways in their colors, such as `send`. */
export const coloured = (panel: PanelBuilder, ways: readonly Way[]): PanelBuilder =>
  ways.reduce((so, way) => so.overrideByRegexp(`/^${way}(:|$)/`, [color(COLORS[way])]), panel);

/** Between the two a band in the color of the line, dashed at its top. It has a value a minute: no gap of one is drawn across. */
export function rates(
  basics: Omit<Basics, 'targets'> & { readonly unit: string },
  {
    ways,
    metric,
    who,
  }: { readonly ways: readonly Way[]; readonly metric: ExpectedMetric; readonly who: string },
  queries: readonly string[],
): PanelBuilder {
  const expected = expectedQueries(metric, ways, who);
  const targets: Builder<Dataquery>[] = [
    // First, so that they are behind.
    ...series(expected, '$tag_direction: $col'),
    ...series(queries, '$col', { after: expected.length }),
  ];
  const panel = coloured(lines({ ...basics, targets }), ways);
  return ways.reduce(
    (so, way) =>
      so
        .overrideByName(`${way}: ${HIGH}`, [
          ...DASHED,
          { id: 'custom.fillBelowTo', value: `${way}: ${LOW}` },
          { id: 'custom.fillOpacity', value: 10 },
        ])
        .overrideByName(`${way}: ${LOW}`, way === 'both' ? [...DASHED, NO_FILL] : [NO_FILL, ...UNSEEN]),
    panel,
  );
}

const color = (fixedColor: string): DynamicConfigValue => ({
  id: 'color',
  value: { mode: 'fixed', fixedColor },
});

const NO_FILL: DynamicConfigValue = { id: 'custom.fillOpacity', value: 0 };

const NO_POINTS: DynamicConfigValue = { id: 'custom.showPoints', value: common.VisibilityMode.Never };

const DASHED: readonly DynamicConfigValue[] = [
  { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 4] } },
  NO_POINTS,
];

/** Of one way it is zero as a rule: the edge of the band tells it well enough. */
const UNSEEN: readonly DynamicConfigValue[] = [
  { id: 'custom.lineWidth', value: 0 },
  { id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } },
  NO_POINTS,
];
