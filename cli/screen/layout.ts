import { columnsOf, cut, fitting } from './columns.ts';

/** Pure layout of a terminal screen: what gets room when there is not enough for everything. */

export interface Size {
  /** Columns and lines. */
  readonly width: number;
  readonly height: number;
}

export interface ScreenParts {
  /** Always shown, one line each: what does not fit is cut. */
  readonly header: readonly string[];
  /** Always shown in full. */
  readonly status: readonly string[];
  /** Lines that the table would like to have, and the table of at most `height` lines. */
  readonly tableHeight: number;
  readonly table: (height: number) => readonly string[];
  /** Below the table, the most important first. */
  readonly blocks: readonly (readonly string[])[];
}

/** The table gives room to blocks down to this: a title, eight rows, and how many are left out. */
const TABLE_KEEPS = 10;
/** Narrower screens get lines of this length. */
const NARROWEST = 20;

/** Lines of a screen; one line of it stays free for the cursor. */
export function layout(parts: ScreenParts, { width, height }: Size): string[] {
  const top = [
    ...parts.header.map(line => cut(line, width)),
    ...parts.status.flatMap(line => wrap(line, width)),
  ];
  const room = height - 1 - top.length;
  const kept = Math.min(parts.tableHeight, TABLE_KEEPS);
  const blocks = parts.blocks.map(block => block.flatMap(line => wrap(line, width)));
  const below = fill(blocks, room - kept);
  return [...top, ...parts.table(Math.max(2, room - below.length)), ...below];
}

function fill(blocks: readonly (readonly string[])[], room: number): string[] {
  const lines: string[] = [];
  for (const block of blocks) {
    const left = room - lines.length;
    if (block.length <= left) lines.push(...block);
    else if (left > 1) lines.push(...block.slice(0, left - 1), `… ${block.length - left + 1} more lines`);
  }
  return lines;
}

/** Break a line at blanks, so that no number or id is cut; what follows is indented. */
export function wrap(line: string, columns: number): string[] {
  const width = Math.max(NARROWEST, columns);
  const indent = ' '.repeat(Math.min(8, line.length - line.trimStart().length + 2));
  const lines: string[] = [];
  let rest = line;
  while (columnsOf(rest) > width) {
    const end = fitting(rest, width);
    const blank = rest.lastIndexOf(' ', end);
    const at = blank > indent.length ? blank : Math.max(end, indent.length + 1);
    lines.push(rest.slice(0, at));
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
