import { formatCount, formatSize } from '../../core/config/units.ts';
import type { Container, Frame, Window } from '../../core/traffic/frame.ts';
import { columnsOf, cut, padded } from './columns.ts';
import { shownName } from './shown-name.ts';

/** Pure pictures of a frame for a terminal: lines of text, no escape codes. Names are made printable. */

interface Row {
  readonly container: Container;
  readonly send: Window | undefined;
  readonly receive: Window | undefined;
}

const rowsOf = (frame: Frame): Row[] => {
  const windows = new Map(frame.windows.map(window => [`${window.direction}\0${window.container}`, window]));
  return frame.containers.map(container => ({
    container,
    send: windows.get(`send\0${container.name}`),
    receive: windows.get(`receive\0${container.name}`),
  }));
};

const bytesOf = ({ send, receive }: Row): number => (send?.bytes ?? 0) + (receive?.bytes ?? 0);
const hasTraffic = ({ send, receive }: Row): boolean => send !== undefined || receive !== undefined;

/** One line per container with traffic: what a pipe or a log file gets. */
export function frameLines(frame: Frame, time: string): string[] {
  return rowsOf(frame)
    .filter(hasTraffic)
    .map(({ container, send, receive }) => {
      const name = shownName(container.name, 80);
      return `${time} ${name} sent ${amount(send)} received ${amount(receive)}`;
    });
}

/** Exact: who reads lines may count. */
const messagesText = (n: number): string => `${n} message${n === 1 ? '' : 's'}`;

const amount = (window: Window | undefined): string =>
  `${formatSize(window?.bytes ?? 0)} in ${messagesText(window?.messages ?? 0)}`;

/** Columns of the live table. Numbers to the right. */
const COLUMNS = ['CONTAINER', 'SENT/s', 'MSG/s', 'MEAN', 'RECEIVED/s', 'MSG/s', 'MEAN'] as const;
/** A further one while somebody is learned. */
const LEARNING = 'LEARNING';

/**
 * The live table of a frame, busiest first, at most `height` rows of at most `width` columns; where names would have to
 * be cut, without the means, and where they could not be told apart any more, without the messages. `anomalous` marks containers with an open incident; `learning` says until when containers are
 * learned, in a column that is there while one of them is.
 */
export function frameTable(
  frame: Frame,
  options: {
    width: number;
    height: number;
    anomalous: ReadonlySet<string>;
    learning: ReadonlyMap<string, string>;
  },
): string[] {
  const rows = rowsOf(frame).sort((a, b) => bytesOf(b) - bytesOf(a));
  if (rows.length === 0) return ['no traffic yet'];
  const fits = rows.length < options.height;
  const shown = fits ? rows : rows.slice(0, Math.max(1, options.height - 2));
  const cells = shown.map(row => cellsOf(row, frame.durationMs, options.anomalous));
  const table =
    options.learning.size === 0
      ? [COLUMNS, ...cells]
      : [
          [...COLUMNS, LEARNING],
          ...cells.map((row, i) => [...row, options.learning.get(shown[i]?.container.name ?? '') ?? '']),
        ];
  const fitting = narrowed(table, options.width);
  const widths = widthsOf(fitting);
  widths[0] = Math.max(10, (widths[0] ?? 0) + Math.min(0, roomForNames(fitting, options.width)));
  const lines = fitting.map(row => cut(layOut(row, widths), options.width));
  if (rows.length > shown.length) lines.push(`… and ${rows.length - shown.length} more`);
  return lines;
}

type Table = readonly (readonly string[])[];

/** Names are cut down to this many columns before messages are left out as well. */
const NAME_KEEPS = 16;

/** Without the columns that there is no room for. */
function narrowed(table: Table, screen: number): Table {
  if (roomForNames(table, screen) >= 0) return table;
  const noMeans = without(table, ['MEAN']);
  const names = widthsOf(noMeans)[0] ?? 0;
  const isReadable = names + roomForNames(noMeans, screen) >= Math.min(names, NAME_KEEPS);
  return isReadable ? noMeans : without(table, ['MEAN', 'MSG/s']);
}

const without = (table: Table, left: readonly string[]): Table =>
  table.map(row => row.filter((_, i) => !left.includes(COLUMNS[i] ?? '')));

const widthsOf = (table: Table): number[] =>
  (table[0] ?? []).map((_, i) => Math.max(...table.map(row => columnsOf(row[i] ?? ''))));

/** Columns of the screen that are left when no name is cut; negative: that many too few. */
const roomForNames = (table: Table, screen: number): number =>
  widthsOf(table).reduce((left, w) => left - w - 2, screen + 2);

function cellsOf(
  { container, send, receive }: Row,
  durationMs: number,
  anomalous: ReadonlySet<string>,
): string[] {
  const mark = anomalous.has(container.name) ? '! ' : '  ';
  return [mark + shownName(container.name, 60), ...rates(send, durationMs), ...rates(receive, durationMs)];
}

function rates(window: Window | undefined, durationMs: number): string[] {
  if (!window) return ['0 B', '0', '-'];
  const perSecond = (n: number) => (n * 1000) / durationMs;
  return [
    formatSize(perSecond(window.bytes)),
    formatCount(Math.round(perSecond(window.messages) * 10) / 10),
    formatSize(Math.round(window.bytes / window.messages)),
  ];
}

const layOut = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, i) => padded(cell, widths[i] ?? 0, i > 0))
    .join('  ')
    .trimEnd();
