/** Panels as Grafana's dashboard JSON (schema v1) wants them: plain objects, nothing but what differs from defaults. */

export const DATASOURCE = { type: 'influxdb', uid: 'tidegauge' } as const;

/** Position on Grafana's grid of 24 columns. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Basics {
  /** Fixed for ever: links and alert rules refer to it. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly query: string;
  readonly place: Place;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: Place;
  readonly targets?: readonly Target[];
  readonly panels?: readonly Panel[];
  readonly [option: string]: unknown;
}

export interface Target {
  readonly refId: string;
  readonly query: string;
  readonly [option: string]: unknown;
}

function target(query: string, alias: string): Target {
  return { refId: 'A', datasource: DATASOURCE, rawQuery: true, query, resultFormat: 'time_series', alias };
}

/** What each line is named. */
const PER_CONTAINER = '$tag_container ($tag_host)';
const PER_HOST = '$tag_host';

interface Lines extends Basics {
  readonly per: 'container' | 'host';
  /** Grafana's name of a unit: `binBps`, `bytes`, `percentunit`, `suffix: msg/s`. */
  readonly unit: string;
  readonly max?: number;
  /** Draws a line at this value. */
  readonly limit?: number;
  /** Linear up to 1 and logarithmic above, so that a limit of 1 is seen below a value of 100. */
  readonly logarithmic?: boolean;
  /** Shortest interval that values are put together for. */
  readonly atLeast?: string;
}

/**
 * Lines over time, from 0 up. A gap of more than 15 s stays a gap: not seen is not silence. What has no neighbour nearer
 * than that (intervals up to 60 s, minutes, hours) is a point, so that it is seen and nothing is drawn in between.
 */
export function lines({ per, unit, max, limit, logarithmic, atLeast, ...basics }: Lines): Panel {
  const steps = [{ value: null, color: 'green' }];
  return {
    id: basics.id,
    type: 'timeseries',
    title: basics.title,
    description: basics.description,
    datasource: DATASOURCE,
    gridPos: basics.place,
    ...(atLeast === undefined ? {} : { interval: atLeast }),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        // A container has the same colour in each panel.
        color: { mode: 'palette-classic-by-name' },
        ...(max === undefined ? {} : { max }),
        custom: {
          lineWidth: 1,
          fillOpacity: 5,
          showPoints: 'auto',
          spanNulls: 15_000,
          ...(limit === undefined ? {} : { thresholdsStyle: { mode: 'line' } }),
          ...(logarithmic ? { scaleDistribution: { type: 'symlog', log: 10, linearThreshold: 1 } } : {}),
        },
        thresholds: {
          mode: 'absolute',
          steps: limit === undefined ? steps : [...steps, { value: limit, color: 'red' }],
        },
      },
      overrides: [],
    },
    options: {
      // The culprit on top, also among a hundred.
      legend: {
        ...{ displayMode: 'table', placement: 'bottom', calcs: ['mean', 'max'] },
        ...{ sortBy: 'Max', sortDesc: true },
      },
      tooltip: { mode: 'multi', sort: 'desc', hideZeros: true, maxHeight: 400 },
    },
    targets: [target(basics.query, per === 'container' ? PER_CONTAINER : PER_HOST)],
  };
}

/** Counts by size bucket over time. The rows are named by their lower bounds, which Grafana sorts as numbers. */
export function heatmap(basics: Basics): Panel {
  return {
    id: basics.id,
    type: 'heatmap',
    title: basics.title,
    description: basics.description,
    datasource: DATASOURCE,
    gridPos: basics.place,
    options: {
      calculate: false,
      rowsFrame: { layout: 'ge', value: 'Messages' },
      yAxis: { axisPlacement: 'left', unit: 'bytes' },
      color: { mode: 'scheme', scheme: 'Turbo', scale: 'exponential', exponent: 0.5, steps: 64 },
      // Empty buckets stay uncoloured.
      filterValues: { le: 1e-9 },
      cellGap: 0,
      tooltip: { mode: 'single', yHistogram: true },
      legend: { show: true },
    },
    targets: [target(basics.query, '$col')],
  };
}

interface Row {
  readonly id: number;
  readonly title: string;
  readonly y: number;
  /** Repeats the row for each value of this variable; folded, so that only opened ones are queried. */
  readonly repeat?: string;
  readonly panels?: readonly Panel[];
}

export function row({ id, title, y, repeat, panels }: Row): Panel {
  return {
    id,
    type: 'row',
    title,
    gridPos: { x: 0, y, w: 24, h: 1 },
    collapsed: panels !== undefined,
    panels: panels ?? [],
    ...(repeat === undefined ? {} : { repeat }),
  };
}
