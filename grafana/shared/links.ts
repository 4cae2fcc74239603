import { DashboardLinkBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

/** Where dashboards lead. */

export const UIDS = {
  overview: 'tidegauge-overview',
  container: 'tidegauge-container',
  map: 'tidegauge-map',
  pipeline: 'tidegauge-pipeline',
  runbook: 'tidegauge-runbook',
} as const;
export type DashboardName = keyof typeof UIDS;

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the variables are Grafana's.
const TIMES = '${__url_time_range}';

/** To the dashboard of the container of a line. */
export const toContainer = (): DashboardLinkBuilder =>
  new DashboardLinkBuilder('Show this container').url(
    `/d/${UIDS.container}?${TIMES}` +
      '&var-host=${__field.labels.host:percentencode}&var-container=${__field.labels.container:percentencode}',
  );

/** To the dashboard of the container of a row with columns of these names. */
export const ofRow = (host: string, container: string): string =>
  `/d/${UIDS.container}?${TIMES}` +
  `&var-host=\${__data.fields["${host}"]:percentencode}&var-container=\${__data.fields["${container}"]:percentencode}`;

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
