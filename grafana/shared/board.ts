import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { annotations, DATASOURCE } from './influx.ts';
import { type DashboardName, PAGE, UIDS } from './links.ts';
import { annotationQuery, type Variable, variableQuery } from './queries.ts';

/** Grafana 11.0 writes this schema; newer ones migrate it when they load it. */
const SCHEMA_VERSION = 39;

const TAG = 'tidegauge';

/** What all dashboards share: a fixed uid, times that refresh, and links to each other that keep them. */
export const board = (name: DashboardName, title: string): dashboard.DashboardBuilder =>
  new dashboard.DashboardBuilder(`tidegauge: ${title}`)
    .uid(UIDS[name])
    .tags([TAG])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('Dashboards')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .keepTime(true)
        .includeVars(true),
    );

/**
 * The JSON of a dashboard, in the schema that the oldest supported Grafana knows. The SDK gives each link a place that
 * Grafana 11 does not know, and by which 12 hides the dashboard's links in a menu.
 */
export function jsonOf(builder: dashboard.DashboardBuilder): dashboard.Dashboard {
  const board = { ...builder.build(), schemaVersion: SCHEMA_VERSION };
  return JSON.parse(
    JSON.stringify(board, (key, value) => (key === 'placement' && value === IN_MENU ? undefined : value)),
  );
}

const IN_MENU = 'inControlsMenu';

/** Who was there in the range, narrowed by the variables before it; `many`: several or all at once. */
export function variable(
  name: Variable,
  narrowedBy: readonly Variable[],
  { many }: { many: boolean },
): dashboard.QueryVariableBuilder {
  const query = variableQuery(name, narrowedBy);
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(name.charAt(0).toUpperCase() + name.slice(1))
    .datasource(DATASOURCE)
    .query({ refId: name, query })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(many)
    .includeAll(many);
  return many ? builder.allValue('.*').current({ text: ['All'], value: ['$__all'] }) : builder;
}

/**
 * Where tidegauge's own page is, for links to it. It stands in the file alone: an address of a dashboard that somebody sends
 * must not say where links of it lead. It is not shown, as it would push the links of the dashboard into a menu.
 */
export const pageAddress = () => ({
  build: (): dashboard.VariableModel => ({
    ...new dashboard.ConstantVariableBuilder(PAGE.name)
      .description('Address of the page of `tidegauge serve` or `run`, where links to it lead.')
      .value(PAGE.address)
      .build(),
    hide: dashboard.VariableHide.HideVariable,
    skipUrlSync: true,
  }),
});

/** Incidents as regions on all pictures over time. */
export const regions = (who: string): dashboard.AnnotationQueryBuilder =>
  new dashboard.AnnotationQueryBuilder()
    .name('Incidents')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .target(annotations(annotationQuery(who)));
