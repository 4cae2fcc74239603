import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { type DataSourceRef, LineInterpolation } from '@grafana/grafana-foundation-sdk/common';
import {
  type DashboardBuilder,
  DatasourceVariableBuilder,
  type Panel,
  RowBuilder,
  VariableHide,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { board, variable } from './shared/board.ts';
import { series } from './shared/influx.ts';
import { lines } from './shared/panels.ts';
import { AHEAD, coverageQuery, hostQuery } from './shared/queries.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is Grafana's.
const PROMETHEUS: DataSourceRef = { type: 'prometheus', uid: '${prometheus}' };

/** Does tidegauge itself work? The frames tell of capture; the rest only its metrics know. */
export const pipeline = (): DashboardBuilder =>
  board('pipeline', 'pipeline health')
    .withVariable(variable('host', [], { many: true }))
    // The first that there is. Shown, it would be an error where there is none.
    .withVariable(
      new DatasourceVariableBuilder('prometheus').type('prometheus').hide(VariableHide.HideVariable),
    )
    .withPanel(
      ofFrames(1, 'Coverage', 'percentunit', coverageQuery(), 'Share of the time for which there is a frame.')
        .max(1)
        .lineInterpolation(LineInterpolation.StepAfter)
        // The newest step is a point: a line would begin with it.
        .pointSize(6)
        .interval('5m'),
    )
    .withPanel(
      ofFrames(
        ...([2, 'Complete frames', 'percentunit'] as const),
        hostQuery('mean("complete") AS "complete"', 'null'),
        'Share of the frames in which nothing was lost. Detectors do not judge the others.',
      ).max(1),
    )
    .withPanel(
      ofFrames(
        ...([3, 'Lost events', 'short'] as const),
        hostQuery('sum("lost") AS "lost"', 'null'),
        'Events that the kernel is known to have dropped.',
      ),
    )
    .withPanel(
      ofFrames(
        ...([4, 'Map occupancy', 'percentunit'] as const),
        hostQuery('max("occupancy") AS "occupancy"', 'null'),
        'Fullest map in the kernel. At 100 % events are dropped: raise capture.map_keys before.',
      ).max(1),
    )
    .withPanel(
      ofFrames(
        ...([5, 'Frames given up', 'short'] as const),
        hostQuery('sum("dropped") AS "dropped"', 'null'),
        'Frames that the spool had no room for, or that the store refused: raise capture.spool.size, or see why the store did not take them.',
      ).noValue('None were given up in this range.'),
    )
    .withPanel(
      ofFrames(
        ...([6, 'Containers', 'short'] as const),
        hostQuery('max("containers") AS "containers"', 'null'),
        'Containers and cgroups alive.',
      ),
    )
    .withPanel(
      ofFrames(
        ...([7, 'Frames stored ahead of their turn', 'short'] as const),
        hostQuery(AHEAD, '0'),
        'The newest frames, stored while older ones wait in the spool, which have not been judged yet. It goes back to 0 when they are stored as well.',
      ),
    )
    .withRow(fromMetrics());

/** Three of them in the first row, four in the second. */
const ofFrames = (id: number, title: string, unit: string, query: string, description: string) =>
  lines({
    ...{ id, title, description, unit, targets: series([query], '$tag_host') },
    ...{ width: id <= 3 ? 8 : 6, height: 8 },
  });

/** Folded, so that nothing is asked of a Prometheus that is not there. */
const fromMetrics = (): RowBuilder =>
  METRICS.reduce(
    (row, one, i) => row.withPanel(ofMetrics(11 + i, one)),
    new RowBuilder('From /metrics: needs a Prometheus data source').id(10).collapsed(true),
  );

interface MetricPanel {
  readonly title: string;
  readonly unit: string;
  readonly expr: string;
  readonly legend: string;
  readonly description: string;
}

const METRICS: readonly MetricPanel[] = [
  {
    title: 'Spool',
    unit: 'bytes',
    expr: 'tidegauge_spool_bytes',
    legend: '{{instance}}',
    description: 'Size on disk. It grows while the store or the queue is away.',
  },
  {
    title: 'Oldest frame that waits',
    unit: 's',
    expr: 'tidegauge_pending_age_seconds',
    legend: '{{instance}}',
    description: 'Age of the oldest frame that waits for store or queue.',
  },
  {
    title: 'Fold lag',
    unit: 's',
    expr: 'tidegauge_fold_lag_seconds',
    legend: '{{instance}}',
    description: 'From the end of a frame to its alerts, of the host that is furthest behind.',
  },
  {
    title: 'Lanes',
    unit: 'short',
    expr: 'tidegauge_lanes_owned',
    legend: '{{instance}}',
    description: 'Lanes whose frames each process folds. Their sum is the number of lanes.',
  },
  {
    title: 'Queue depth',
    unit: 'short',
    expr: 'max(tidegauge_queue_depth_frames)',
    legend: 'frames',
    description: 'Frames that wait on all lanes.',
  },
  {
    title: 'Deliveries',
    unit: 'short',
    expr: 'sum by (outcome) (increase(tidegauge_deliveries_total[$__rate_interval]))',
    legend: '{{outcome}}',
    description: 'Attempts at notifications; `dead` ones will not be tried again: tidegauge deliveries list.',
  },
  {
    title: 'Writes to the store, 99th percentile',
    unit: 's',
    expr: 'histogram_quantile(0.99, sum by (le, operation) (rate(tidegauge_store_duration_seconds_bucket[$__rate_interval])))',
    legend: '{{operation}}',
    description: 'How long the store takes.',
  },
  {
    title: 'Parts that answer',
    unit: 'short',
    expr: 'tidegauge_part_up',
    legend: '{{instance}} {{part}}',
    description: '1 while the last exchange with this part succeeded.',
  },
];

const ofMetrics = (id: number, { title, unit, expr, legend, description }: MetricPanel): Builder<Panel> =>
  lines({
    ...{ id, title, description, unit, width: 6, height: 8 },
    targets: [
      new DataqueryBuilder().refId('A').datasource(PROMETHEUS).expr(expr).legendFormat(legend).range(),
    ],
  })
    .datasource(PROMETHEUS)
    .noValue('no values: does a Prometheus that Grafana knows scrape tidegauge?');
