import { printable } from '../../core/errors.ts';
import { type Precision, precision } from '../../core/precision.ts';
import { COUNTED_INCIDENTS, precisionJson } from '../../http/api/resources/marks.ts';
import { jsonText } from '../../review/report.ts';
import { addRange, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { note } from '../open-data.ts';
import { addSubjects, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { addSharedCommand, openSharedState } from '../shared/open.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface QualityFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
}

export const registerQuality: Register = (program, signal) => {
  const command = addSharedCommand(
    program,
    'quality',
    'how often incidents of this installation were right, as people marked them (`incident mark`)',
  );
  addSubjects(addRange(command, '30d', '90d'), 'only of these hosts').option('--json', 'machine-readable');
  setAction(command, signal, quality, { needs: STORED });
};

async function quality(context: Context, flags: QualityFlags): Promise<number> {
  const range = rangeFlags(flags, presentOf(context));
  const filter = new SubjectFilter(flags);
  const { out } = context;
  const show = (rows: readonly Precision[]) => {
    // A sum of nothing is nothing.
    const told = rows.filter(({ rule, incidents }) => rule !== null || incidents > 0);
    out.write(flags.json ? jsonText(told.map(precisionJson)) : `${precisionLines(rows).join('\n')}\n`);
  };
  return openSharedState(
    context,
    'read',
    async state => {
      const incidents = await state.incidents(range, COUNTED_INCIDENTS);
      const marks = await state.marks(null);
      const takes = <T extends Parameters<SubjectFilter['takes']>[0]>(all: readonly T[]) =>
        all.filter(one => filter.takes(one));
      show(precision(takes(incidents), takes(marks), range));
      if (incidents.length === COUNTED_INCIDENTS)
        note(`of the incidents only the newest ${COUNTED_INCIDENTS} are counted`);
      const none = filter.noneText();
      if (none !== null) note(`of the incidents in this range: ${none}`);
    },
    () => show(precision([], [], range)),
  );
}

const HEAD = ['rule', 'incidents', 'real', 'expected', 'false alarm', 'unmarked', 'right (95 % interval)'];

/** A table for people; the last row is all rules together. */
export function precisionLines(rows: readonly Precision[]): string[] {
  const all = rows.at(-1);
  if (!all || all.incidents === 0) return ['No incidents.'];
  const cells = rows.map(row => [
    row.rule === null ? 'all' : printable(row.rule, 40),
    ...[row.incidents, row.real, row.expected, row.falseAlarms, row.unmarked].map(String),
    rightText(row),
  ]);
  const table = [HEAD, ...cells];
  const widths = HEAD.map((_, i) => Math.max(...table.map(row => row[i]?.length ?? 0)));
  const last = HEAD.length - 1;
  const lines = table.map(row =>
    row
      .map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i] ?? 0) : i === last ? cell : cell.padStart(widths[i] ?? 0),
      )
      .join('  '),
  );
  if (all.right !== null) return lines;
  return [...lines, 'None is marked yet: `tidegauge incident mark ID --real`, --expected or --false-alarm.'];
}

/** `80 % (49 to 94, 8 of 10)`. */
function rightText({ right, real, expected, falseAlarms }: Precision): string {
  if (right === null) return '-';
  const percent = (share: number) => Math.round(100 * share);
  const { share, low, high } = right;
  const counted = `${real + expected} of ${real + expected + falseAlarms}`;
  return `${percent(share)} % (${percent(low)} to ${percent(high)}, ${counted})`;
}
