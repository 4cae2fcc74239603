import { formatCount, formatSize } from '../../../core/config/units.ts';
import { columnsOf, cut, padded } from '../columns.ts';
import { shownName } from '../shown-name.ts';
import { SORTS, type Sort, type TopRow } from './rows.ts';

/** The picture of `top`: lines of text of at most `width` columns. */

export interface TopOptions {
  readonly width: number;
  readonly height: number;
  readonly sort: Sort;
  readonly color: boolean;
  /** Above the table: host, time, trouble. */
  readonly title: string;
  /** Whether keys are read, which are then explained. */
  readonly keys: boolean;
}

interface Column {
  readonly head: string;
  readonly cell: (row: TopRow) => string;
  /** What is left out first where there is not enough room: the highest. 0: never. */
  readonly dispensable: number;
  readonly sort?: Sort;
  readonly isText?: boolean;
}

const BARS = '▁▂▃▄▅▆▇█';

/** Heights relative to the highest; what is there at all is seen. */
export function sparkline(counts: readonly number[]): string {
  const most = Math.max(...counts);
  return counts
    .map(count => (count === 0 ? ' ' : (BARS[Math.ceil((count / most) * BARS.length) - 1] ?? '█')))
    .join('');
}

const COLUMNS: readonly Column[] = [
  {
    head: 'CONTAINER',
    sort: 'name',
    isText: true,
    dispensable: 0,
    cell: ({ name, judged }) => `${judged?.open ? '!' : ' '} ${shownName(name, 60)}`,
  },
  { head: 'SENT/s', sort: 'rate', dispensable: 0, cell: ({ sent }) => formatSize(sent) },
  { head: 'RECEIVED/s', sort: 'rate', dispensable: 1, cell: ({ received }) => formatSize(received) },
  { head: 'MSG/s', dispensable: 5, cell: ({ messages }) => formatCount(Math.round(messages * 10) / 10) },
  {
    head: '0 B … 64 KiB',
    sort: 'sizes',
    isText: true,
    dispensable: 3,
    cell: ({ sizes }) => sparkline(sizes),
  },
  {
    head: 'MEAN',
    sort: 'sizes',
    dispensable: 6,
    cell: ({ meanSize }) => (meanSize === null ? '-' : formatSize(Math.round(meanSize))),
  },
  {
    head: 'SCORE',
    sort: 'score',
    dispensable: 2,
    cell: ({ judged }) => (judged === null ? '-' : judged.score.toFixed(2)),
  },
  { head: 'SEEN', dispensable: 7, cell: ({ judged }) => (judged === null ? '-' : amount(judged.seen)) },
  {
    head: 'EXPECTED',
    dispensable: 4,
    cell: ({ judged }) => (judged === null || judged.expected === null ? '-' : amount(judged.expected)),
  },
];

/** The unit is that of the rule with the highest score, which a row of detections does not say. */
const amount = (value: number): string => formatCount(Number(value.toPrecision(3)));

/** Names are cut down to this before another column is left out. */
const NAME_KEEPS = 16;
const GAP = 2;

const RESET = '\u001b[0m';
const BOLD = '\u001b[1m';
const RED = '\u001b[31m';

export function topLines(rows: readonly TopRow[], options: TopOptions): string[] {
  const { width, height, color, title, keys } = options;
  const help = keys ? [cut(helpText(options.sort), width)] : [];
  const top = [cut(title, width), ...help];
  if (rows.length === 0) return [...top, cut('no frame of this host is stored yet', width)].slice(0, height);
  const room = Math.max(1, height - top.length - 1);
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(1, room - 1));
  const more = rows.length - shown.length;
  const table = tableOf(shown, width);
  const style = (line: string, code: string) => (color ? `${code}${line}${RESET}` : line);
  return [
    ...top,
    style(table.head, BOLD),
    ...table.lines.map((line, i) => ((shown[i]?.judged?.score ?? 0) >= 1 ? style(line, RED) : line)),
    ...(more > 0 ? [cut(`… and ${more} more`, width)] : []),
  ].slice(0, height);
}

const helpText = (sort: Sort): string => {
  const sorts = Object.entries(SORTS).map(
    ([name, { key }]) => `${key} ${name}${name === sort ? ' (now)' : ''}`,
  );
  return `sort by: ${sorts.join(', ')}; q to quit`;
};

function tableOf(rows: readonly TopRow[], width: number): { head: string; lines: string[] } {
  let columns = COLUMNS;
  let widths = widthsOf(columns, rows);
  while (totalOf(widths) - Math.max(0, (widths[0] ?? 0) - NAME_KEEPS) > width) {
    const worst = Math.max(...columns.map(({ dispensable }) => dispensable));
    if (worst === 0) break;
    columns = columns.filter(({ dispensable }) => dispensable !== worst);
    widths = widthsOf(columns, rows);
  }
  const [name = 0, ...others] = widths;
  const nameRoom = Math.max(3, Math.min(name, width - totalOf([0, ...others])));
  const lineOf = (cells: readonly string[]) =>
    cut(
      cells
        .map((cell, i) => padded(cell, [nameRoom, ...others][i] ?? 0, columns[i]?.isText !== true))
        .join(' '.repeat(GAP))
        .trimEnd(),
      width,
    );
  return {
    head: lineOf(columns.map(({ head }) => head)),
    lines: rows.map(row => lineOf(columns.map(({ cell }) => cell(row)))),
  };
}

const widthsOf = (columns: readonly Column[], rows: readonly TopRow[]): number[] =>
  columns.map(({ head, cell }) => Math.max(columnsOf(head), ...rows.map(row => columnsOf(cell(row)))));

const totalOf = (widths: readonly number[]): number => widths.reduce((sum, w) => sum + w + GAP, -GAP);
