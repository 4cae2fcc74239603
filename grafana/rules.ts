import { SEVERITIES } from '../core/incident/incident.ts';
import { DIRECTIONS } from '../core/traffic/frame.ts';
import { METRICS } from '../core/traffic/series.ts';
import { SECTIONS } from './runbook.ts';
import { DATASOURCE } from './shared/influx.ts';
import { type DashboardName, UIDS } from './shared/links.ts';
import { AHEAD } from './shared/queries.ts';

/**
 * Alert rules in the form of Grafana's provisioning files. tidegauge has decided already (confirmation, one incident for all
 * rules, resolution): Grafana only reads the decisions and does not judge again. What nobody could see is never read as
 * all is well: an incident stays open until tidegauge writes that it is over, and frames that stop coming are an alert.
 */
export const rules = () => ({
  apiVersion: 1,
  groups: [
    {
      orgId: 1,
      name: 'tidegauge',
      folder: 'tidegauge',
      interval: '30s',
      rules: [incident, noFrames, lostEvents, framesWait, framesGivenUp, blind],
    },
  ],
});

const DAY_S = 86_400;

/** A query, or an expression over others, by its letter. */
interface Entry {
  readonly refId: string;
  readonly datasourceUid: string;
  readonly relativeTimeRange?: { readonly from: number; readonly to: number };
  readonly model: Model;
}

interface Model {
  readonly refId: string;
  readonly query?: string;
  readonly type?: string;
  readonly expression?: string;
  readonly [option: string]: unknown;
}

/** A query whose newest value per set of tags counts. */
const query = (refId: string, seconds: number, text: string): Entry => ({
  refId,
  datasourceUid: DATASOURCE.uid,
  relativeTimeRange: { from: seconds, to: 0 },
  model: { refId, rawQuery: true, resultFormat: 'time_series', query: text },
});

const expression = (
  refId: string,
  model: { readonly type: string; readonly expression: string; readonly [option: string]: unknown },
): Entry => ({
  refId,
  datasourceUid: '__expr__',
  model: { ...model, refId },
});

const reduced = (refId: string, of: string, reducer = 'last') =>
  expression(refId, { type: 'reduce', expression: of, reducer });

/** Alerts while the last value of query A is so. */
const whenLast = (type: 'gt' | 'lt', value: number) => [
  reduced('B', 'A'),
  expression('C', {
    type: 'threshold',
    expression: 'B',
    conditions: [{ evaluator: { type, params: [value] } }],
  }),
];

interface Shown {
  readonly dashboard: DashboardName;
  readonly panel: number;
  readonly section: { readonly id: number; readonly title: string };
}

/** Grafana's own address, with a slash at its end. */
const ROOT = '{{ externalURL }}';

/** In labels Grafana puts variables of its environment, unlike in annotations: `$$` is a `$`. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');

/** What all rules share. */
const rule = (
  uid: string,
  { dashboard, panel, section }: Shown,
  rest: { annotations: object; labels?: object },
) => ({
  uid,
  title: section.title,
  dashboardUid: UIDS[dashboard],
  panelId: panel,
  condition: 'C',
  for: '0s',
  // InfluxDB away or emptied neither opens nor resolves anything. The rules on frames tell.
  noDataState: 'KeepLast',
  execErrState: 'KeepLast',
  ...rest,
  labels: { source: 'tidegauge', ...rest.labels },
  annotations: {
    __dashboardUid__: UIDS[dashboard],
    __panelId__: String(panel),
    runbook_url: `${ROOT}d/${UIDS.runbook}?viewPanel=${section.id}`,
    ...rest.annotations,
  },
});

/** A text for each value of a number, by its place in a list. */
function choice(refId: string, texts: readonly string[], first: number): string {
  const cases = texts.map((text, i) => `if eq .Value ${(first + i).toFixed(1)} }}${text}`);
  return `{{ with $values.${refId} }}{{ ${cases.join('{{ else ')}{{ end }}{{ end }}`;
}

const severity = choice('S', SEVERITIES, 0);
const direction = choice(
  'D',
  DIRECTIONS.map(one => (one === 'send' ? 'sent' : 'received')),
  1,
);
const metric = choice(
  'M',
  METRICS.map(one => one.replace('-', ' ')),
  1,
);

/** A text where a number is known: some incidents have no direction, or concern more than one metric. */
const known = (refId: string, text: string): string =>
  `{{ with $values.${refId} }}{{ if ne .Value 0.0 }}${text}{{ end }}{{ end }}`;

/** A number of an incident in the unit of its metric; nothing where that is not known. */
const amount = (refId: string): string =>
  `{{ with $values.${refId} }}{{ $n := .Value }}{{ with $values.M }}` +
  `{{ if eq .Value ${METRICS.indexOf('bytes') + 1}.0 }}{{ humanize1024 $n }}B/s` +
  `{{ else if eq .Value ${METRICS.indexOf('mean-size') + 1}.0 }}{{ humanize1024 $n }}B` +
  `{{ else if eq .Value ${METRICS.indexOf('messages') + 1}.0 }}{{ humanize $n }} msg/s` +
  '{{ end }}{{ end }}{{ end }}';

const seenAndExpected = `Seen ${amount('N')}{{ with $values.E }}, expected ${amount('E')}{{ end }} at the worst moment. `;

const BY_SUBJECT = 'GROUP BY "host", "service", "container"';

/** A number of the newest incident of each container, which is the open one where one is. */
const ofIncident = (refId: string, field: string) =>
  query(
    refId,
    30 * DAY_S,
    `SELECT last("${field}") AS "${field}" FROM "annotations" WHERE $timeFilter ${BY_SUBJECT}`,
  );

const INCIDENT_NUMBERS = {
  severity_code: ['Q', 'S'],
  direction_code: ['R', 'D'],
  metric_code: ['T', 'M'],
  seen: ['U', 'N'],
  expected: ['V', 'E'],
} as const;

/** One alert per container, service or host with an open incident; a host that tidegauge misses is among them. */
const incident = {
  ...rule(
    'tidegauge-incident',
    { dashboard: 'overview', panel: 4, section: SECTIONS.incident },
    {
      // Where a label changes, Grafana ends the alert and begins another. A severity only rises, and whoever is told of
      // warnings may not be told of critical ones; what else changes while an incident is open is no label.
      labels: { severity: literal(severity) },
      annotations: {
        // % stands for an empty name: an incident of a service or host as a whole.
        summary:
          '{{ if ne $labels.container "%" }}Traffic of {{ $labels.container }} on' +
          '{{ else if ne $labels.service "%" }}Traffic of service {{ $labels.service }} on{{ else }}Host{{ end }}' +
          ` {{ $labels.host }} is not normal${known('M', `: ${metric}${known('D', ` ${direction}`)}`)}`,
        reason: metric,
        direction,
        container_url:
          `${ROOT}d/{{ if ne $labels.container "%" }}${UIDS.container}?var-container={{ urlquery $labels.container }}&` +
          `{{ else }}${UIDS.overview}?{{ end }}var-host={{ urlquery $labels.host }}`,
        // An incident that is about several is stored as that of one of them: the others have no numbers of their own.
        description:
          `{{ with $values.N }}${known('M', seenAndExpected)}{{ end }}` +
          'The container, the page and `tidegauge incidents` have the evidence.',
      },
    },
  ),
  data: [
    // Is an incident open? The newest row says so, however long ago somebody looked. No rows: nobody has judged anything in
    // a week, and the rule on frames tells.
    query('A', 7 * DAY_S, `SELECT last("open") AS "open" FROM "detections" WHERE $timeFilter ${BY_SUBJECT}`),
    ...whenLast('gt', 0),
    // What was it? Only shown.
    ...Object.entries(INCIDENT_NUMBERS).flatMap(([field, [from, to]]) => [
      ofIncident(from, field),
      reduced(to, from),
    ]),
  ],
};

/** A host that had frames in the last day has none for over two minutes, however its collector ended. */
const noFrames = {
  ...rule(
    'tidegauge-no-frames',
    { dashboard: 'overview', panel: 10, section: SECTIONS.noFrames },
    {
      labels: { severity: 'critical' },
      annotations: {
        summary: 'No frames from {{ $labels.host }}, none of its containers is watched',
        description: 'See whether tidegauge runs there, and what tidegauge doctor says.',
      },
    },
  ),
  for: '1m',
  data: [
    // The sum of three minutes, of which the last is not over, so that it is 0 only when nothing came.
    query(
      'A',
      DAY_S,
      'SELECT moving_average(count("duration_ms"), 3) AS "frames" FROM "host_frames" WHERE $timeFilter ' +
        'GROUP BY time(1m), "host" fill(0)',
    ),
    ...whenLast('lt', 0.1),
  ],
};

/** Of hosts that have frames. Most frames have no such field; their number makes that 0, as no answer would end no alert. */
const ofFrames = (field: 'lost' | 'dropped') => [
  query(
    'A',
    300,
    `SELECT sum("${field}") + 0 * count("duration_ms") AS "${field}" FROM "host_frames" ` +
      'WHERE $timeFilter GROUP BY "host" fill(0)',
  ),
  ...whenLast('gt', 0),
];

const lostEvents = {
  ...rule(
    'tidegauge-lost-events',
    { dashboard: 'pipeline', panel: 3, section: SECTIONS.lostEvents },
    {
      labels: { severity: 'warning' },
      annotations: {
        summary: 'Capture on {{ $labels.host }} loses messages',
        description:
          'Frames with losses are marked incomplete and not judged. Raise capture.map_keys when the map is full.',
      },
    },
  ),
  data: ofFrames('lost'),
};

/**
 * While older frames wait in the spool, the newest are stored ahead of their turn and lack the mark of it. A few seconds of
 * that are usual; where nothing at all is stored, the rule on frames tells.
 */
const framesWait = {
  ...rule(
    'tidegauge-frames-wait',
    { dashboard: 'pipeline', panel: 7, section: SECTIONS.framesWait },
    {
      labels: { severity: 'warning' },
      annotations: {
        summary: 'Frames of {{ $labels.host }} wait in its spool, the newest are stored ahead of them',
        description:
          'The store does not take them as fast as they come, or was away and is catching up. What waits is not judged yet.',
      },
    },
  ),
  for: '3m',
  data: [
    query('A', 60, `SELECT ${AHEAD} FROM "host_frames" WHERE $timeFilter GROUP BY "host" fill(0)`),
    ...whenLast('gt', 0),
  ],
};

const framesGivenUp = {
  ...rule(
    'tidegauge-frames-given-up',
    { dashboard: 'pipeline', panel: 5, section: SECTIONS.frameLoss },
    {
      labels: { severity: 'critical' },
      annotations: {
        summary: 'Frames of {{ $labels.host }} were given up before they were stored',
        description:
          'The spool was full, or the store refused them: what happened in that time is not known.',
      },
    },
  ),
  data: ofFrames('dropped'),
};

/** The other rules keep what they know while InfluxDB is away; this one tells. */
const blind = {
  ...rule(
    'tidegauge-blind',
    { dashboard: 'overview', panel: 10, section: SECTIONS.blind },
    {
      labels: { severity: 'critical' },
      annotations: {
        summary: 'Grafana reads no frames of tidegauge',
        description: 'Either no host has stored any for five minutes, or InfluxDB cannot be asked.',
      },
    },
  ),
  for: '2m',
  noDataState: 'Alerting',
  execErrState: 'Alerting',
  data: [
    query('A', 300, 'SELECT count("duration_ms") AS "frames" FROM "host_frames" WHERE $timeFilter'),
    ...whenLast('lt', 1),
  ],
};
