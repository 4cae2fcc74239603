import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type DashboardBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Direction } from '../core/traffic/frame.ts';
import { board, pageAddress, regions, variable } from './shared/board.ts';
import { atLeast, columns, links, SEVERITY_COLUMN, unit, WRAPPED, width } from './shared/columns.ts';
import { bothWays, coloured, rates } from './shared/expected.ts';
import { series, tables } from './shared/influx.ts';
import { onPage, SELECTED_CONTAINER, selectedOnPageUntil } from './shared/links.ts';
import { few, lines, rows, scores, sizes } from './shared/panels.ts';
import { peersOf } from './shared/peers.ts';
import {
  incidentsQuery,
  meanSizeQueries,
  OF_CONTAINER,
  percentileQueries,
  rulesQuery,
  sizesQueries,
} from './shared/queries.ts';

const RATE = 'Successful calls, of the time that was really measured.';
const BAND =
  'The band is what rules that learn expect over a minute, by the last two hours and the time of day; above its dashed edge it is an incident. Fixed limits, and bursts of seconds, are judged besides it.';
const SIZES = '64-byte steps to 4 KiB, 4 KiB steps to 64 KiB, then everything larger.';

/** Sent and received as two lines of one picture. */
const both = (queries: (direction: Direction) => string[]): string[] => [
  ...queries('send'),
  ...queries('receive'),
];

/** What one container does, what was found to be wrong with it, and by which rule. */
export const container = (): DashboardBuilder =>
  board('container', 'container')
    .withVariable(variable('host', [], { many: false }))
    .withVariable(variable('container', ['host'], { many: false }))
    .withVariable(pageAddress())
    .link(onPage(SELECTED_CONTAINER))
    .annotation(regions(OF_CONTAINER))
    .withPanel(
      scores({
        id: 1,
        title: 'Score of each rule',
        description:
          'An incident opens at 1. No line: that rule did not judge, or has not learned enough yet.',
        targets: series([rulesQuery(OF_CONTAINER)], '$col'),
        ...{ width: 24, height: 8 },
      })
        .colorScheme(byOrder())
        .legend(few())
        .noValue('not judged')
        .transformations([
          { id: 'renameByRegex', options: { regex: '^max_score_(.*)$', renamePattern: '$1' } },
        ]),
    )
    .withPanel(incidents())
    .withPanel(
      rates(
        {
          id: 3,
          title: 'Bytes sent against received',
          description: `${RATE} ${BAND} Bytes received are judged by their messages and sizes.`,
          unit: 'binBps',
          ...{ width: 12, height: 9 },
        },
        'bytes',
        OF_CONTAINER,
      ),
    )
    .withPanel(
      rates(
        {
          id: 4,
          title: 'Messages sent against received',
          description: `${RATE} ${BAND}`,
          unit: 'suffix:msg/s',
          ...{ width: 12, height: 9 },
        },
        'messages',
        OF_CONTAINER,
      ),
    )
    .withPanel(
      bothWays(
        {
          id: 15,
          title: 'Messages both ways',
          description: `Sent and received together. ${RATE} Below the dashed line it is an incident; at zero, never.`,
          unit: 'suffix:msg/s',
          ...{ width: 12, height: 9 },
        },
        OF_CONTAINER,
      ),
    )
    .withPanel(
      coloured(
        lines({
          id: 5,
          title: 'Mean size',
          description:
            'Bytes per message; where it stays and the rate changes, it is the number of messages.',
          targets: series(
            both(direction => meanSizeQueries(direction, OF_CONTAINER)),
            '$col',
          ),
          unit: 'bytes',
          ...{ width: 12, height: 9 },
        }),
        ['send', 'receive'],
      ),
    )
    .withRow(new RowBuilder('How large are its messages?').id(6))
    .withPanel(heat(7, 'Sizes sent', 'send'))
    .withPanel(heat(8, 'Sizes received', 'receive'))
    .withPanel(percentiles(13, 'Percentiles of sizes sent', 'send'))
    .withPanel(percentiles(14, 'Percentiles of sizes received', 'receive'))
    .withRow(new RowBuilder('Whom does it talk to?').id(11))
    .withPanel(peersOf(12, OF_CONTAINER, { messages: true }));

const incidents = (): Builder<Panel> =>
  rows({
    id: 2,
    title: 'Incidents and their evidence',
    description: 'All that touch the range, newest first; no end: still open.',
    // As wide as the screen: the evidence is several lines of text.
    targets: tables([incidentsQuery(OF_CONTAINER)]),
    ...{ width: 24, height: 9 },
  })
    .noValue('No incident of this container is stored for this range.')
    .transformations(
      columns({
        Time: 'Began',
        severity: 'Severity',
        text: 'Evidence',
        seen_text: 'Seen',
        expected_text: 'Expected',
        timeEnd: 'Seen until',
        id: 'Incident',
      }),
    )
    .overrideByName('Severity', SEVERITY_COLUMN)
    .overrideByName('Began', [width(170)])
    .overrideByName('Seen until', [unit('dateTimeAsIso'), width(170)])
    .overrideByRegexp('/^(Seen|Expected)$/', [width(110)])
    .overrideByName('Incident', [width(160)])
    .overrideByName('Evidence', [
      WRAPPED,
      atLeast(400),
      links([['On the page', selectedOnPageUntil('Seen until')]]),
    ]);

const heat = (id: number, title: string, direction: Direction): Builder<Panel> =>
  sizes({
    id,
    title,
    description: `Messages by size: ${SIZES}`,
    targets: series(sizesQueries(direction, OF_CONTAINER), '$col'),
    ...{ width: 12, height: 10 },
  });

const percentiles = (id: number, title: string, direction: Direction): Builder<Panel> =>
  lines({
    id,
    title,
    description:
      'What 50, 90 and 99 % of the messages are smaller than, to the width of a bucket; 64 KiB: some are larger. Of each frame, beyond 3 hours of each minute, beyond 7 days of each hour; where a point stands for several frames, their mean.',
    targets: series(percentileQueries(direction, OF_CONTAINER), '$col'),
    unit: 'bytes',
    ...{ width: 12, height: 8 },
  })
    .colorScheme(byOrder())
    .legend(few())
    .fillOpacity(0);

/** Where names would have all but the same colour, and are in no other panel. */
const byOrder = (): FieldColorBuilder => new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic);
