import type { Command } from 'commander';
import { printable, type TidegaugeError, UsageError } from '../../../core/errors.ts';
import { ACK_TEXT, ackText } from '../../../core/incident/ack.ts';
import { setAction } from '../../command.ts';
import { STORED } from '../../config/needs.ts';
import type { CommonFlags, Context } from '../../context.ts';
import { personHere } from '../../person.ts';
import { addSharedCommand, openSharedState } from '../../shared/open.ts';

export interface AckFlags extends CommonFlags {
  readonly note?: string;
  readonly undo?: boolean;
}

/** `incident ack`. */
export function addAck(incident: Command, signal: AbortSignal): void {
  const ack = addSharedCommand(
    incident,
    'ack',
    'say that you see to it: nobody is told of it again until it gets worse; its end is told all the same',
  );
  ack
    .argument('<id>', 'as `incidents` shows it')
    .option('--note <text>', 'for others who see it')
    .option('--undo', 'take that back');
  setAction(ack, signal, incidentAck, { needs: STORED });
}

async function incidentAck(context: Context, flags: AckFlags, id: string): Promise<number> {
  const said = { by: personHere().slice(0, ACK_TEXT), at: context.clock.now() };
  const note = noteOf(flags);
  return openSharedState(context, 'write', async state => {
    const incident = await state.incident(id);
    if (!incident) throw unknown(id);
    const ack = await (flags.undo
      ? state.unacknowledge(incident, said)
      : state.acknowledge(incident, { ...said, note }));
    context.out.write(`${ackText(ack, context.zone)}: ${printable(incident.title)}\n`);
  });
}

function noteOf({ note = '' }: AckFlags): string {
  if (note.length <= ACK_TEXT) return note;
  throw new UsageError({
    place: '--note',
    expected: `a text of at most ${ACK_TEXT} characters`,
    found: `${note.length} characters`,
    remedy: 'Shorten it.',
  });
}

const unknown = (id: string): TidegaugeError =>
  new UsageError({
    place: 'incident ack',
    expected: 'the id of an incident',
    found: printable(id, 60) || 'nothing',
    remedy: '`tidegauge incidents` shows them.',
  });
