import { printable, type TidegaugeError, UsageError } from '../../../core/errors.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { MARK_TEXT, type Mark, type MarkKind } from '../../../core/incident/mark.ts';
import { markJson } from '../../../core/incident/mark-json.ts';
import { jsonText } from '../../../review/report.ts';
import { type Register, setAction } from '../../command.ts';
import { STORED } from '../../config/needs.ts';
import type { CommonFlags, Context } from '../../context.ts';
import { kindText, limitLines, markText } from '../../mark-text.ts';
import { personHere } from '../../person.ts';
import { addSharedCommand, openSharedState } from '../../shared/open.ts';
import { addAck } from './acknowledge.ts';

export interface MarkFlags extends CommonFlags {
  readonly falseAlarm?: boolean;
  readonly expected?: boolean;
  readonly real?: boolean;
  readonly undo?: boolean;
  readonly note?: string;
}

export const registerIncident: Register = (program, signal) => {
  const incident = program
    .command('incident')
    .description(
      'say of an incident whether it was right, which moves its limit for this service, or that you see to it',
    );
  const mark = addSharedCommand(
    incident,
    'mark',
    'say what an incident was. It counts from the next frame on, on this host; what was raised before stays as it is',
  );
  mark
    .argument('<id>', 'as `incidents` shows it')
    .option(
      '--false-alarm',
      'nothing was wrong: the rule becomes so tolerant here that the same would not alarm, 3-fold at most',
    )
    .option(
      '--expected',
      'it is known and may come again: what is no more unusual than that is quiet, 50-fold at most',
    )
    .option('--real', 'it was worth the call: the same is to alarm again, whatever else was marked')
    .option('--undo', 'take back what was said of it')
    .option('--note <text>', 'why, for others who see it');
  setAction(mark, signal, incidentMark, { needs: STORED });
  addAck(incident, signal);
  const marks = addSharedCommand(incident, 'marks', 'all that was said, the oldest first');
  marks.option('--json', 'machine-readable, as `replay --marks` reads it');
  setAction(marks, signal, incidentMarks, { needs: STORED });
};

/** Prints how tolerant the limits are now that spoke there. */
async function incidentMark(context: Context, flags: MarkFlags, id: string): Promise<number> {
  const kind = kindOf(flags);
  const note = noteOf(flags);
  const at = context.clock.now();
  return openSharedState(context, 'write', async state => {
    const incident = await state.incident(id);
    if (!incident) throw unknown(id);
    const mark = await state.mark(incident, { kind, note, by: personHere().slice(0, MARK_TEXT), at });
    context.out.write(`${markedLines(incident, mark, await state.marks(incident.host)).join('\n')}\n`);
  });
}

async function incidentMarks(
  context: Context,
  flags: CommonFlags & { readonly json?: boolean },
): Promise<number> {
  const { out, zone } = context;
  const list = async (marks: readonly Mark[]) => {
    if (flags.json) return out.write(jsonText(marks.map(markJson)));
    const lines = marks.map(mark => `${printable(mark.incident)}: ${markText(mark, zone)}`);
    return out.write(`${lines.join('\n') || 'No marks.'}\n`);
  };
  return openSharedState(
    context,
    'read',
    async state => list(await state.marks(null)),
    () => flags.json && out.write(jsonText([])),
  );
}

/** What to tell the person who made it. */
export const markedLines = (incident: Incident, mark: Mark, marks: readonly Mark[]): string[] => [
  `${kindText(mark.kind)}: ${printable(incident.title)}`,
  ...limitLines(mark, marks).map(line => `  ${line}`),
  'This counts from the next frame on. Take it back with --undo.',
];

/** Throws a UsageError unless exactly one of the flags says it. */
export function kindOf({ falseAlarm, expected, real, undo }: MarkFlags): MarkKind {
  const said: MarkKind[] = [];
  if (falseAlarm) said.push('false-alarm');
  if (expected) said.push('expected');
  if (real) said.push('real');
  if (undo) said.push('none');
  const [kind, ...others] = said;
  if (kind !== undefined && others.length === 0) return kind;
  throw new UsageError({
    place: 'incident mark',
    expected: 'one of --false-alarm, --expected, --real and --undo',
    found: kind === undefined ? 'none' : 'several',
    remedy: 'Say what it was.',
  });
}

export function noteOf({ note = '' }: MarkFlags): string {
  if (note.length <= MARK_TEXT) return note;
  throw new UsageError({
    place: '--note',
    expected: `a text of at most ${MARK_TEXT} characters`,
    found: `${note.length} characters`,
    remedy: 'Shorten it.',
  });
}

const unknown = (id: string): TidegaugeError =>
  new UsageError({
    place: 'incident mark',
    expected: 'the id of an incident of the last 30 days',
    found: printable(id, 60) || 'nothing',
    remedy: '`tidegauge incidents --from 30d` shows them.',
  });
