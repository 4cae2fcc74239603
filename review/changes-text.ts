import { formatLength } from '../core/config/units.ts';
import { printable } from '../core/errors.ts';
import { SEVERITIES } from '../core/incident/incident.ts';
import type { TimeZone } from '../core/time-zone.ts';
import { CHANGE_KINDS, type Change, type ChangeKind, countChanges } from './changes.ts';
import type { Tally } from './tally.ts';

/** What other settings would have said, in words. */

/** What a kind of change means, for who reads a report of it. */
export const CHANGE_TEXT: Readonly<Record<ChangeKind, string>> = {
  gone: 'not raised',
  new: 'new',
  later: 'later',
  earlier: 'earlier',
  changed: 'changed',
  same: 'the same',
};

/** `2 not raised, 1 new, 14 the same`; those that are none are left out. */
export function changesSummary(changes: readonly Change[]): string {
  const counts = countChanges(changes);
  const parts = CHANGE_KINDS.filter(kind => counts[kind] > 0).map(
    kind => `${counts[kind]} ${CHANGE_TEXT[kind]}`,
  );
  return parts.join(', ') || 'no incidents either way';
}

/** How an incident changes, in words: `3m later; critical instead of warning`. */
export function changeText({ before, after, differences }: Change): string {
  const moved = before && after ? after.start - before.start : 0;
  const when = moved === 0 ? [] : [`${formatLength(Math.abs(moved))} ${moved < 0 ? 'earlier' : 'later'}`];
  return [...when, ...differences].join('; ');
}

/** What changes, for a terminal, with times in `zone`; what stays the same is only counted. `name`: of the other settings. */
export function changesText(changes: readonly Change[], name: string, zone: TimeZone): string {
  const lines = changes
    .filter(({ kind }) => kind !== 'same')
    .map(change => {
      const incident = change.after ?? change.before;
      const how = changeText(change);
      return `  ${CHANGE_TEXT[change.kind].padEnd(KIND)} ${zone.seconds(incident?.start ?? 0)}  ${printable(incident?.title ?? '', 160)}${how === '' ? '' : ` (${printable(how)})`}`;
    });
  return `${[`With ${printable(name)}: ${changesSummary(changes)}`, ...lines].join('\n')}\n`;
}

/** Width of the longest kind. */
const KIND = 10;

interface Named {
  readonly name: string;
  readonly tally: Tally;
}

/** Settings side by side: a row for each number, a column for each of them; names are made printable. */
export function tallyRows(sides: readonly Named[]): string[][] {
  const rules = [...new Set(sides.flatMap(({ tally }) => [...tally.rules.keys()]))].sort();
  const row = (title: string, of: (tally: Tally) => string): string[] => [
    title,
    ...sides.map(({ tally }) => of(tally)),
  ];
  return [
    ['', ...sides.map(({ name }) => printable(name, 40))],
    row('incidents', ({ incidents }) => `${incidents}`),
    row('in', ({ watchedMs }) => formatLength(watchedMs)),
    ...(sides.some(({ tally }) => tally.perDay !== null)
      ? [row('incidents a day', ({ perDay }) => perDay?.toFixed(1) ?? '-')]
      : []),
    ...SEVERITIES.toReversed().map(severity =>
      row(`  ${severity}`, tally => `${tally.severities[severity]}`),
    ),
    ...rules.map(rule => row(`  seen by ${rule}`, tally => `${tally.rules.get(rule) ?? 0}`)),
  ];
}

/** The same as lines of text. */
export function talliesText(sides: readonly Named[]): string {
  const rows = tallyRows(sides);
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map(row => `${row.map(cell).join('  ').trimEnd()}\n`).join('');
}
