import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as text from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { DATASOURCE } from './influx.ts';

/** Panels as all dashboards have them: what differs is said where they are used. */

export interface Basics {
  /** Fixed for ever, unique in its dashboard: links and alert rules refer to it. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly targets: Builder<Dataquery>[];
  /** Columns of the grid's 24, and rows of 30 pixels. */
  readonly width: number;
  readonly height: number;
}

/** Points of a line at most, so that intervals grow with the range and no picture asks for more than a screen shows. */
const MOST_POINTS = 1000;

/** What an empty picture says, and the legend of a line without values. */
const NOTHING_STORED = 'nothing stored';

const thresholds = (steps: readonly (readonly [value: number | null, color: string])[]) =>
  new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));

/** What builders of panels that ask for data have in common. */
interface Described<B> {
  id(id: number): B;
  title(title: string): B;
  description(description: string): B;
  datasource(datasource: typeof DATASOURCE): B;
  targets(targets: Builder<Dataquery>[]): B;
  span(width: number): B;
  height(height: number): B;
}

const basic = <B extends Described<B>>(builder: B, basics: Basics): B =>
  builder
    .id(basics.id)
    .title(basics.title)
    .description(basics.description)
    .datasource(DATASOURCE)
    .targets(basics.targets)
    .span(basics.width)
    .height(basics.height);

/**
 * Lines over time, from 0 up. A gap of more than 15 s stays a gap: not seen is not silence. What has no neighbour nearer
 * than that (intervals up to 60 s, minutes, hours) is a point, so that it is seen and nothing is drawn in between.
 */
export function lines(basics: Basics & { readonly unit: string }): timeseries.PanelBuilder {
  return (
    basic(new timeseries.PanelBuilder(), basics)
      .maxDataPoints(MOST_POINTS)
      .unit(basics.unit)
      .noValue(NOTHING_STORED)
      .min(0)
      .lineWidth(1)
      .fillOpacity(5)
      .showPoints(common.VisibilityMode.Auto)
      .spanNulls(15_000)
      // A container has the same colour in each panel.
      .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassicByName))
      // The culprit on top, also among a hundred.
      .legend(
        new common.VizLegendOptionsBuilder()
          .displayMode(common.LegendDisplayMode.Table)
          .placement(common.LegendPlacement.Bottom)
          .showLegend(true)
          // On a phone only the first fits.
          .calcs(['max', 'mean'])
          .sortBy('Max')
          .sortDesc(true),
      )
      .tooltip(
        new common.VizTooltipOptionsBuilder()
          .mode(common.TooltipDisplayMode.Multi)
          .sort(common.SortOrder.Descending)
          .hideZeros(true)
          .maxHeight(400),
      )
  );
}

/** Legends of a few lines, whose names are always the same, need no table. */
export const few = (): common.VizLegendOptionsBuilder =>
  new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true)
    .calcs(['max', 'mean']);

/** Scores: linear up to 1 and logarithmic above, so that the limit at 1 is seen below a value of 100. */
export const scores = (basics: Basics): timeseries.PanelBuilder =>
  lines({ ...basics, unit: 'none' })
    .thresholds(
      thresholds([
        [null, 'green'],
        [1, 'red'],
      ]),
    )
    .thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Line),
    )
    .scaleDistribution(
      new common.ScaleDistributionConfigBuilder()
        .type(common.ScaleDistribution.Symlog)
        .log(10)
        .linearThreshold(1),
    );

/** Counts by size bucket over time. The rows are named by their lower bounds, which Grafana sorts as numbers. */
export function sizes(basics: Basics): heatmap.PanelBuilder {
  return (
    basic(new heatmap.PanelBuilder(), basics)
      .maxDataPoints(MOST_POINTS)
      .noValue(NOTHING_STORED)
      .calculate(false)
      .rowsFrame(
        new heatmap.RowsHeatmapOptionsBuilder().layout(common.HeatmapCellLayout.Ge).value('Messages'),
      )
      .yAxis(new heatmap.YAxisConfigBuilder().axisPlacement(common.AxisPlacement.Left).unit('bytes'))
      .color(
        new heatmap.HeatmapColorOptionsBuilder()
          .mode(heatmap.HeatmapColorMode.Scheme)
          // Of the schemes that Grafana turns round for light backgrounds, one whose both ends are seen on both.
          .scheme('Cool')
          .steps(64),
      )
      // Empty buckets stay uncoloured.
      .filterValues(new heatmap.FilterValueRangeBuilder().le(1e-9))
      .cellGap(0)
      .tooltip(new heatmap.HeatmapTooltipBuilder().mode(common.TooltipDisplayMode.Single).yHistogram(true))
      .showLegend()
  );
}

/** A table; what its columns are called, where they stand and which are left out is a transformation of its rows. */
export const rows = (basics: Basics): table.PanelBuilder => basic(new table.PanelBuilder(), basics);

/** One number. `noValue` is what stands there when nothing is known, which must not look like a good answer. */
export const number = (basics: Basics & { readonly noValue: string }): stat.PanelBuilder =>
  basic(new stat.PanelBuilder(), basics)
    .noValue(basics.noValue)
    .colorMode(common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(
      thresholds([
        [null, 'transparent'],
        [1, 'red'],
      ]),
    );

export const markdown = (
  { id, title, width, height }: Omit<Basics, 'description' | 'targets'>,
  content: string,
): text.PanelBuilder =>
  new text.PanelBuilder()
    .id(id)
    .title(title)
    .span(width)
    .height(height)
    .mode(text.TextMode.Markdown)
    .content(content);
