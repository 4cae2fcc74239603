import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';

export const DATASOURCE = { type: 'influxdb', uid: 'tidegauge' } as const satisfies DataSourceRef;

/** A query of Grafana's InfluxDB data source, which the SDK has no types for. */
export interface InfluxTarget extends Dataquery {
  readonly refId: string;
  readonly datasource: DataSourceRef;
  readonly rawQuery: true;
  readonly query: string;
  /** `table`: one frame with all columns; `time_series`: a frame for each column and set of tags. */
  readonly resultFormat: 'time_series' | 'table';
  /** What a series is named, by `$tag_…` and `$col`. */
  readonly alias?: string;
}

type Target = Omit<InfluxTarget, '_implementsDataqueryVariant'>;

const builder = (target: Target): Builder<Dataquery> => ({
  // The SDK tells queries from other objects by a method that no JSON has.
  build: () => target as InfluxTarget,
});

const shared = { datasource: DATASOURCE, rawQuery: true } as const;

/** Queries of one panel, A, B, …, whose series are named by `alias`; `after` so many others of the panel. */
export const series = (queries: readonly string[], alias: string, { after = 0 } = {}): Builder<Dataquery>[] =>
  queries.map((query, i) =>
    builder({ refId: refId(after + i), ...shared, query, resultFormat: 'time_series', alias }),
  );

/** A query of a name of its own, whose series are named by their columns. */
export const single = (name: string, query: string): Builder<Dataquery> =>
  builder({ refId: name, ...shared, query, resultFormat: 'time_series', alias: '$col' });

/** Queries of one panel, each a table. */
export const tables = (queries: readonly string[]): Builder<Dataquery>[] =>
  queries.map((query, i) => builder({ refId: refId(i), ...shared, query, resultFormat: 'table' }));

const refId = (i: number): string => String.fromCharCode('A'.charCodeAt(0) + i);

/** The query of incident regions: Grafana names its columns by measurement and field. */
export const annotations = (query: string): Builder<Dataquery> =>
  builder({
    ...{ refId: 'incidents', ...shared, query, resultFormat: 'time_series' },
    ...{
      fromAnnotations: true,
      titleColumn: 'title',
      textColumn: 'text',
      tagsColumn: 'severity,container',
      timeEndColumn: 'annotations.timeEnd',
    },
  });
