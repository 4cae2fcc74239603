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

/** The dashboards' variable with the address of tidegauge's own page, and where the page is by default. */
export const PAGE = { name: 'page', address: 'http://127.0.0.1:8433' } as const;

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the variables are Grafana's.
const TIMES = '${__url_time_range}';
/** The page's last hour of the range: it knows other ranges by their length alone. */
const ON_PAGE = '${page:raw}/?range=1h&until=${__to:date:iso}';

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

/** To a container of a line on the page. */
export const toPage = (): DashboardLinkBuilder =>
  onPage('&host=${__field.labels.host:percentencode}&container=${__field.labels.container:percentencode}');

/** To the container of a row with columns of these names on the page. */
export const ofRowOnPage = (host: string, container: string): string =>
  `${ON_PAGE}&host=\${__data.fields["${host}"]:percentencode}&container=\${__data.fields["${container}"]:percentencode}`;

/** To the incidents of the host of a row, on the page. */
export const incidentsOnPage = (host: string): string =>
  `${ON_PAGE}&view=incidents&host=\${__data.fields["${host}"]:percentencode}`;

/** To a container on the page, in the hour up to a time that a column of this name shows. */
export const selectedOnPageUntil = (column: string): string =>
  `\${page:raw}/?range=1h&until=\${__data.fields["${column}"].text:percentencode}${SELECTED_CONTAINER}`;

/** From a dashboard to the page, which shows what these parameters say. */
export const onPage = (parameters: string): DashboardLinkBuilder =>
  new DashboardLinkBuilder('On the page').url(`${ON_PAGE}${parameters}`).targetBlank(true);

/** Parameters of the page for who talks to whom on the host that a dashboard is about. */
export const MAP_OF_HOST = '&view=map&host=${host:percentencode}';

/** Parameters of the page for the container that a dashboard is about. */
export const SELECTED_CONTAINER = '&host=${host:percentencode}&container=${container:percentencode}';

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
