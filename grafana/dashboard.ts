import { DATASOURCE, heatmap, lines, type Panel, row } from './panels.ts';
import {
  annotationQuery,
  hostQuery,
  meanSizeQuery,
  rateQuery,
  scoreQuery,
  sizesQuery,
  TRAFFIC_TABLES,
  VARIABLES,
  type Variable,
  variableQuery,
} from './queries.ts';

/** Panels of the traffic dashboard. Ids are fixed: a new panel takes a new one, none is ever used again. */
const PANELS: readonly Panel[] = [
  lines({
    id: 1,
    title: 'Anomaly score',
    description: 'Highest score of all rules for each container; an incident opens at 1.',
    query: scoreQuery(),
    per: 'container',
    unit: 'none',
    limit: 1,
    logarithmic: true,
    place: { x: 0, y: 0, w: 24, h: 7 },
  }),

  row({ id: 2, title: 'Traffic', y: 7 }),
  lines({
    id: 3,
    title: 'Sent',
    description: 'Bytes that the processes of each container handed to their sockets, per second.',
    query: rateQuery('bytes', 'send'),
    per: 'container',
    unit: 'binBps',
    place: { x: 0, y: 8, w: 12, h: 8 },
  }),
  lines({
    id: 4,
    title: 'Received',
    description: 'Bytes that the processes of each container took from their sockets, per second.',
    query: rateQuery('bytes', 'receive'),
    per: 'container',
    unit: 'binBps',
    place: { x: 12, y: 8, w: 12, h: 8 },
  }),
  lines({
    id: 5,
    title: 'Messages sent',
    description: 'Successful sends per second.',
    query: rateQuery('messages', 'send'),
    per: 'container',
    unit: 'suffix: msg/s',
    place: { x: 0, y: 16, w: 12, h: 8 },
  }),
  lines({
    id: 6,
    title: 'Messages received',
    description: 'Successful receives per second.',
    query: rateQuery('messages', 'receive'),
    per: 'container',
    unit: 'suffix: msg/s',
    place: { x: 12, y: 16, w: 12, h: 8 },
  }),
  lines({
    id: 7,
    title: 'Mean size sent',
    description: 'Bytes per send.',
    query: meanSizeQuery('send'),
    per: 'container',
    unit: 'bytes',
    place: { x: 0, y: 24, w: 12, h: 8 },
  }),
  lines({
    id: 8,
    title: 'Mean size received',
    description: 'Bytes per receive.',
    query: meanSizeQuery('receive'),
    per: 'container',
    unit: 'bytes',
    place: { x: 12, y: 24, w: 12, h: 8 },
  }),

  row({ id: 9, title: 'Host', y: 32 }),
  lines({
    id: 10,
    title: 'Coverage',
    description:
      'Share of the time for which there is a frame, in steps of five minutes or more. Well below 100 %: the host was not watched.',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is Grafana's.
    query: hostQuery('sum("duration_ms") / ${__interval_ms:raw} AS "coverage"', '0'),
    per: 'host',
    unit: 'percentunit',
    max: 1,
    // Frames do not begin with an interval of the picture: in a short one there may be none, or two.
    atLeast: '5m',
    place: { x: 0, y: 33, w: 6, h: 7 },
  }),
  lines({
    id: 11,
    title: 'Complete frames',
    description: 'Share of the frames in which nothing was lost. Detectors do not judge the others.',
    query: hostQuery('mean("complete") AS "complete"', 'null'),
    per: 'host',
    unit: 'percentunit',
    max: 1,
    place: { x: 6, y: 33, w: 6, h: 7 },
  }),
  lines({
    id: 12,
    title: 'Lost events',
    description: 'Events that the kernel is known to have dropped.',
    query: hostQuery('sum("lost") AS "lost"', 'null'),
    per: 'host',
    unit: 'short',
    place: { x: 12, y: 33, w: 6, h: 7 },
  }),
  lines({
    id: 13,
    title: 'Map occupancy',
    description: 'Fullest map in the kernel. At 100 % events are dropped: raise capture.map_keys before.',
    query: hostQuery('max("occupancy") AS "occupancy"', 'null'),
    per: 'host',
    unit: 'percentunit',
    max: 1,
    place: { x: 18, y: 33, w: 6, h: 7 },
  }),

  row({
    id: 14,
    title: 'Sizes of $container',
    y: 40,
    repeat: 'container',
    panels: [
      heatmap({
        id: 15,
        title: 'Sizes sent',
        description: 'Sends by size: 64-byte steps to 4 KiB, 4 KiB steps to 64 KiB, then everything larger.',
        query: sizesQuery('send'),
        place: { x: 0, y: 41, w: 12, h: 10 },
      }),
      heatmap({
        id: 16,
        title: 'Sizes received',
        description:
          'Receives by size: 64-byte steps to 4 KiB, 4 KiB steps to 64 KiB, then everything larger.',
        query: sizesQuery('receive'),
        place: { x: 12, y: 41, w: 12, h: 10 },
      }),
    ],
  }),
];

function variable(name: Variable) {
  const query = variableQuery(name);
  return {
    name,
    label: name[0]?.toUpperCase() + name.slice(1),
    type: 'query',
    datasource: DATASOURCE,
    query: { refId: name, query },
    definition: query,
    // 2: whenever the time range changes, so that new containers are offered.
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}

const TIER_OPTIONS = TRAFFIC_TABLES.map(([text, value]) => ({ text, value }));

const TIER = {
  name: 'tier',
  label: 'Resolution',
  description: 'Exact sums per minute for ranges of days, per hour for ranges of months.',
  type: 'custom',
  query: TRAFFIC_TABLES.map(([text, value]) => `${text} : ${value}`).join(', '),
  current: TIER_OPTIONS[0],
  options: TIER_OPTIONS.map((option, i) => ({ ...option, selected: i === 0 })),
  multi: false,
  includeAll: false,
};

const INCIDENTS = {
  name: 'Incidents',
  datasource: DATASOURCE,
  enable: true,
  iconColor: 'red',
  target: {
    refId: 'incidents',
    fromAnnotations: true,
    rawQuery: true,
    query: annotationQuery(),
    titleColumn: 'title',
    textColumn: 'text',
    tagsColumn: 'severity,container',
    // Grafana names the columns of this query by measurement and field.
    timeEndColumn: 'annotations.timeEnd',
  },
};

/** Schema version 41 is Grafana 12.0; newer ones migrate it when they load it. */
export const TRAFFIC_DASHBOARD = {
  uid: 'tidegauge-traffic',
  title: 'tidegauge: container traffic',
  tags: ['tidegauge'],
  schemaVersion: 41,
  editable: false,
  graphTooltip: 1,
  refresh: '10s',
  time: { from: 'now-1h', to: 'now' },
  timezone: 'browser',
  templating: { list: [...VARIABLES.map(variable), TIER] },
  annotations: { list: [INCIDENTS] },
  panels: PANELS,
};
