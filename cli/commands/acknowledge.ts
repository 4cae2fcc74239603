import type { Command } from 'commander';
import { printable, TidegaugeError, UsageError } from '../../core/errors.ts';
import { ACK_TEXT, type Ack, ackText } from '../../core/incident/ack.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { State } from '../../state/contract.ts';
import { addCommand, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { openState } from '../open-data.ts';
import { personHere } from '../person.ts';

export interface AckFlags extends CommonFlags {
  readonly note?: string;
  readonly undo?: boolean;
}

/** `incident ack`. */
export function addAck(incident: Command, signal: AbortSignal): void {
  const ack = addCommand(
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
  return openState(context, 'write', async state => {
    const incident = await state.incident(id);
    if (!incident) throw unknown(id);
    const ack = flags.undo ? await undone(state, incident, said) : taken(incident, { ...said, note });
    if (!(await state.saveAck(ack))) throw tooMany();
    context.out.write(`${ackText(ack, context.zone)}: ${printable(incident.title)}\n`);
  });
}

/** Throws when the incident is over: nobody is told of it again anyway. */
export function taken(incident: Incident, said: Pick<Ack, 'by' | 'at' | 'note'>): Ack {
  const { id, host, service, container, severity, resolvedAt } = incident;
  if (resolvedAt !== null)
    throw wrong(`${printable(id)} is over`, '`tidegauge incidents` shows those that fire.');
  return { incident: id, host, service, container, severity, ...said };
}

async function undone(state: State, { id }: Incident, said: Pick<Ack, 'by' | 'at'>): Promise<Ack> {
  const ack = (await state.acks()).find(({ incident }) => incident === id);
  if (!ack || ack.undone)
    throw wrong(`nobody has acknowledged ${printable(id)}`, 'Look at `tidegauge incidents`.');
  return { ...ack, undone: said };
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

const wrong = (found: string, remedy: string): TidegaugeError =>
  new UsageError({ place: 'incident ack', found, remedy });

const unknown = (id: string): TidegaugeError =>
  new UsageError({
    place: 'incident ack',
    expected: 'the id of an incident',
    found: printable(id, 60) || 'nothing',
    remedy: '`tidegauge incidents` shows them.',
  });

const tooMany = (): TidegaugeError =>
  new TidegaugeError({
    place: 'incident ack',
    found: 'too many acknowledgements are kept',
    remedy: 'They are forgotten with their incidents, 30 days after these ended.',
  });
