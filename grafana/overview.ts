import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { LineInterpolation } from '@grafana/grafana-foundation-sdk/common';
import { type DashboardBuilder, type Panel, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, pageAddress, regions, variable } from './shared/board.ts';
import {
  absolute,
  atLeast,
  columns,
  difference,
  greatest,
  links,
  merged,
  NO_NAME,
  SEVERITY_COLUMN,
  unit,
  WRAPPED,
  width,
  without,
} from './shared/columns.ts';
import { series, tables } from './shared/influx.ts';
import { incidentsOnPage, ofRow, ofRowOnPage, onPage, toContainer, toPage } from './shared/links.ts';
import { lines, number, rows, scores } from './shared/panels.ts';
import {
  changeQueries,
  coverageQuery,
  hostQuery,
  lastFrameQuery,
  openCountQuery,
  openIncidentsQuery,
  rateQueries,
  SELECTED,
  scoreQuery,
  topQueries,
} from './shared/queries.ts';

/** What a line per container is named. */
const CONTAINER = '$tag_container ($tag_host)';
const TOP = 10;
/** From a container in a table to its dashboard and its page. */
const TO_CONTAINER = links([
  ['Show this container', ofRow('Host', 'Container')],
  ['On the page', ofRowOnPage('Host', 'Container')],
]);
/** Of a line at most: with a hundred containers, a day of them is read in a second, of 1000 points each in five. */
const POINTS = 100;

/** Is anything wrong, where, and is all of it watched? */
export const overview = (): DashboardBuilder =>
  board('overview', 'overview')
    .withVariable(variable('host', [], { many: true }))
    .withVariable(variable('service', ['host'], { many: true }))
    .withVariable(variable('container', ['host', 'service'], { many: true }))
    .withVariable(pageAddress())
    .link(onPage(''))
    .annotation(regions(SELECTED))
    .withPanel(
      number({
        id: 1,
        title: 'Open incidents',
        description: 'Of the last 30 days, not over yet. What each was: the table beside.',
        targets: series([openCountQuery(SELECTED)], 'open'),
        noValue: 'none stored',
        ...{ width: 5, height: 8 },
      }),
    )
    .withPanel(openIncidents())
    .withPanel(
      scores({
        id: 4,
        title: 'Anomaly score',
        description: 'Highest score of all rules for each container; an incident opens at 1.',
        targets: series([scoreQuery(SELECTED)], CONTAINER),
        ...{ width: 24, height: 8 },
      })
        .maxDataPoints(POINTS)
        .transformations([
          { id: 'renameByRegex', options: { regex: '^% (.*)$', renamePattern: 'as a whole $1' } },
        ])
        .dataLinks([toContainer(), toPage()]),
    )
    .withPanel(topTalkers())
    .withPanel(changedMost())
    .withPanel(rate(7, 'Sent', 'send'))
    .withPanel(rate(8, 'Received', 'receive'))
    .withRow(new RowBuilder('Is all of it watched?').id(9))
    .withPanel(lastFrames())
    .withPanel(
      lines({
        id: 10,
        title: 'Coverage',
        description:
          'Share of the time for which there is a frame, in steps of five minutes or more. Well below 100 %: the host was not watched.',
        targets: series([coverageQuery()], '$tag_host'),
        unit: 'percentunit',
        ...{ width: 9, height: 7 },
      })
        .max(1)
        .lineInterpolation(LineInterpolation.StepAfter)
        // The newest step is a point: a line would begin with it.
        .pointSize(6)
        // Frames do not begin with an interval of the picture: in a short one there may be none, or two.
        .interval('5m'),
    )
    .withPanel(
      lines({
        id: 11,
        title: 'Complete frames',
        description: 'Share of the frames in which nothing was lost. Detectors do not judge the others.',
        targets: series([hostQuery('mean("complete") AS "complete"', 'null')], '$tag_host'),
        unit: 'percentunit',
        ...{ width: 9, height: 7 },
      }).max(1),
    );

/** Those that are over have a resolution, by which they are taken out. */
const openIncidents = (): Builder<Panel> =>
  rows({
    id: 2,
    title: 'What is wrong now',
    description:
      'Incidents that are not over, newest first. `tidegauge incidents` has their evidence; the runbook says what to do.',
    targets: tables([openIncidentsQuery(SELECTED)]),
    ...{ width: 19, height: 8 },
  })
    .noValue('No open incident is stored for what is selected.')
    .transformations([
      without('resolved'),
      ...columns({
        Time: 'Since',
        severity: 'Severity',
        container: 'Container',
        title: 'What',
        host: 'Host',
        seen_text: 'Seen',
        expected_text: 'Expected',
        id: 'Incident',
      }),
    ])
    .overrideByName('Severity', SEVERITY_COLUMN)
    .overrideByName('Since', [unit('dateTimeFromNow'), width(120)])
    .overrideByName('Container', [TO_CONTAINER, width(140), NO_NAME])
    .overrideByName('What', [
      WRAPPED,
      atLeast(240),
      links([['Incidents on the page', incidentsOnPage('Host')]]),
    ])
    .overrideByName('Host', [width(85)])
    .overrideByRegexp('/^(Seen|Expected)$/', [width(105)])
    .overrideByName('Incident', [width(155)]);

const lastFrames = (): Builder<Panel> =>
  rows({
    id: 3,
    title: 'Last frame',
    description:
      'Of each host that had one in the last day. A frame comes every few seconds, also from an idle host: minutes mean that nobody watches it.',
    targets: tables([lastFrameQuery()]),
    ...{ width: 6, height: 7 },
  })
    .noValue('No host has stored a frame in the last day.')
    .transformations(columns({ host: 'Host', Time: 'Last frame' }))
    .overrideByName('Last frame', [unit('dateTimeFromNow')]);

const topTalkers = (): Builder<Panel> =>
  rows({
    id: 5,
    title: 'Most traffic',
    description: `The ${TOP} containers with most bytes per second in the range, both directions together.`,
    targets: tables(topQueries(TOP, SELECTED)),
    ...{ width: 12, height: 9 },
  })
    .transformations([
      merged,
      ...greatest('rate', TOP),
      ...columns({ container: 'Container', rate: 'Rate', host: 'Host' }),
    ])
    .overrideByName('Rate', [unit('binBps'), width(110)])
    .overrideByName('Container', [TO_CONTAINER]);

const changedMost = (): Builder<Panel> =>
  rows({
    id: 6,
    title: 'Changed most',
    description: `The ${TOP} containers whose bytes per second differ most between the first and the second half of the range.`,
    targets: tables(changeQueries(SELECTED)),
    ...{ width: 12, height: 9 },
  })
    .transformations([
      merged,
      difference('change', 'after', 'before'),
      absolute('change'),
      ...greatest('|change|', TOP),
      ...columns({
        container: 'Container',
        change: 'Change',
        before: 'First half',
        after: 'Second half',
        host: 'Host',
      }),
    ])
    .overrideByName('Host', [width(90)])
    .overrideByRegexp('/half|Change/', [unit('binBps'), width(105)])
    .overrideByName('Container', [TO_CONTAINER]);

const rate = (id: number, title: string, direction: 'send' | 'receive'): Builder<Panel> =>
  lines({
    id,
    title,
    description: 'Bytes per second of the time that was really measured.',
    targets: series(rateQueries('bytes', direction, SELECTED), CONTAINER),
    unit: 'binBps',
    ...{ width: 12, height: 9 },
  })
    .maxDataPoints(POINTS)
    .dataLinks([toContainer(), toPage()]);
