import { randomBytes } from 'node:crypto';
import { isoTime } from '../../core/clock.ts';
import { formatCounted, parseDuration } from '../../core/config/units.ts';
import { printable, TidegaugeError, UsageError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import {
  isCovered,
  SILENCE_PARTS,
  SILENCE_TEXT,
  type Silence,
  subjectOf,
} from '../../core/incident/silence.ts';
import { jsonText } from '../../review/report.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { note, openState } from '../open-data.ts';
import { personHere } from '../person.ts';
import { newestFrames } from '../rules/newest-frames.ts';
import { SubjectFilter } from '../rules/subjects.ts';
import { type Present, presentOf } from '../times.ts';

export interface SilenceFlags extends CommonFlags {
  readonly host?: string;
  readonly service?: string;
  readonly container?: string;
  readonly for: string;
  readonly reason: string;
  readonly owner?: string;
}

/** Longest silence, ms: who needs a longer one should change the rules. */
const LONGEST_MS = 90 * 86_400_000;
/** Firing incidents that are looked at. */
const LIMIT = 10_000;

export const registerSilence: Register = (program, signal) => {
  const silence = program
    .command('silence')
    .description('send no notifications for a while; incidents are raised and stored all the same');
  const add = addCommand(
    silence,
    'add',
    'begin one now. What is over before it ends is never sent; what still fires then is sent when it ends',
  );
  add
    .option('--container <glob>', 'containers, such as web-*')
    .option('--service <glob>', 'services')
    .option('--host <glob>', 'hosts')
    .requiredOption('--for <duration>', 'how long, such as 2h')
    .requiredOption('--reason <text>', 'why, for others who see it')
    .option('--owner <name>', 'who wants it (default: you)');
  setAction(add, signal, silenceAdd, { needs: STORED });
  const list = addCommand(silence, 'list', 'those in force');
  list.option('--all', 'also those that ended in the last 30 days').option('--json', 'machine-readable');
  setAction(list, signal, silenceList, { needs: STORED });
  const end = addCommand(silence, 'end', 'end one early; what it held back and still fires is sent');
  end.argument('<id>', 'as `silence list` shows it');
  setAction(end, signal, silenceEnd, { needs: STORED });
};

/** Prints what the new silence covers and how to end it. */
async function silenceAdd(context: Context, flags: SilenceFlags): Promise<number> {
  const now = context.clock.now();
  const silence = silenceOf(flags, now);
  return openState(context, 'write', async state => {
    if (!(await state.saveSilence(silence, now))) throw tooMany();
    const firing = await state.incidents({ from: now, to: now + 1 }, LIMIT);
    const nobody = await nobodyLine(context, flags, firing);
    if (nobody !== null) note(nobody);
    context.out.write(`${addedLines(silence, firing, { now, zone: context.zone }).join('\n')}\n`);
  });
}

/** A line when nobody has such a name now: a slip is found in the night otherwise. Null when somebody has, or nobody is known. */
async function nobodyLine(
  { config, log }: Context,
  flags: SilenceFlags,
  firing: readonly Incident[],
): Promise<string | null> {
  const filter = new SubjectFilter(flags);
  if (firing.map(incident => filter.takes(incident)).includes(true)) return null;
  const newest = await newestFrames(config, log);
  if ('why' in newest) return `the names were not compared with stored ones: ${newest.why}`;
  for (const { host, containers } of newest.frames)
    for (const { name, service } of containers) filter.takes({ host, service, container: name });
  const none = filter.noneText();
  return none === null ? null : `${none} now; the silence waits for one`;
}

/** Those in force, with `--all` also those that ended and are remembered. */
async function silenceList(
  context: Context,
  flags: CommonFlags & { readonly all?: boolean; readonly json?: boolean },
): Promise<number> {
  const now = context.clock.now();
  return openState(
    context,
    'read',
    async state => {
      const found = await state.silences(flags.all ? 0 : now);
      const lines = found.map(silence => silenceLine(silence, presentOf(context)));
      const text = `${lines.join('\n') || (flags.all ? 'No silences.' : 'No silences in force.')}\n`;
      context.out.write(flags.json ? jsonText(found.map(silence => silenceJson(silence, now))) : text);
    },
    () => flags.json && context.out.write(jsonText([])),
  );
}

/** What it held back is sent, if it still fires. */
async function silenceEnd(context: Context, _flags: CommonFlags, id: string): Promise<number> {
  const now = context.clock.now();
  return openState(context, 'write', async state => {
    const silence = (await state.silences(now)).find(each => each.id === id);
    if (!silence) throw unknown(id);
    await state.saveSilence({ ...silence, until: now }, now);
    context.out.write(`ended: ${silenceLine({ ...silence, until: now }, { now, zone: context.zone })}\n`);
  });
}

/** Throws a TidegaugeError about the flag that is wrong. */
export function silenceOf(flags: SilenceFlags, now: number): Silence {
  if (SILENCE_PARTS.every(part => flags[part] === undefined)) {
    throw new UsageError({
      place: '',
      found: 'one of --container, --service and --host is required',
      remedy: "To silence everything, use --host '*'.",
    });
  }
  const length = parseDuration(flags.for);
  if (length === null || length < 1 || length > LONGEST_MS)
    throw wrongFlag('--for', 'a duration of up to 90d, such as 2h', printable(flags.for));
  const part = (name: 'host' | 'service' | 'container') => textOf(`--${name}`, flags[name] ?? '*');
  return {
    id: randomBytes(4).toString('hex'),
    match: { host: part('host'), service: part('service'), container: part('container') },
    from: now,
    until: Math.ceil(now + length),
    owner: textOf('--owner', flags.owner ?? personHere()),
    reason: textOf('--reason', flags.reason),
  };
}

function textOf(flag: string, text: string): string {
  if (text.trim() !== '' && text.length <= SILENCE_TEXT) return text;
  throw wrongFlag(flag, `a text of 1 to ${SILENCE_TEXT} characters`, `${text.length} characters`);
}

/** `1a2b3c4d: container web-*, until 2026-01-31T22:00:00.000Z, by anna: deploy`. */
export function silenceLine(silence: Silence, { now, zone }: Present): string {
  const { id, until, owner, reason } = silence;
  const end = `${until > now ? 'until' : 'ended'} ${zone.text(until)}`;
  return `${id}: ${subjectOf(silence)}, ${end}, by ${printable(owner)}: ${printable(reason)}`;
}

/** What to tell the person who added it. */
export function addedLines(silence: Silence, firing: readonly Incident[], present: Present): string[] {
  const covered = firing.filter(incident => isCovered(silence, incident, present.now)).length;
  const firingText =
    covered === 0
      ? 'Nothing that is firing now is covered.'
      : `Of what is firing now it covers ${formatCounted(covered, 'incident')}.`;
  return [
    `silenced ${silenceLine(silence, present)}`,
    firingText,
    `Incidents are raised and stored as before. End it with \`tidegauge silence end ${silence.id}\`.`,
  ];
}

const silenceJson = ({ id, match, from, until, owner, reason }: Silence, now: number) => ({
  ...{ id, ...match },
  ...{ from: isoTime(from), until: isoTime(until), in_force: from <= now && now < until },
  ...{ owner, reason },
});

const wrongFlag = (
  place: string,
  expected: string,
  found: string,
  remedy = 'Correct the flag.',
): TidegaugeError => new UsageError({ place, expected, found, remedy });

const unknown = (id: string): TidegaugeError =>
  wrongFlag(
    'silence end',
    'the id of a silence in force',
    printable(id),
    '`tidegauge silence list` shows them.',
  );

const tooMany = (): TidegaugeError =>
  new TidegaugeError({
    place: 'silence add',
    found: 'too many silences are in force',
    remedy: 'End some (`tidegauge silence list`), or use a glob for several.',
  });
