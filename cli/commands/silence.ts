import type { Config } from '../../core/config/config.ts';
import { parseDuration } from '../../core/config/units.ts';
import { printable, type TidegaugeError, UsageError } from '../../core/errors.ts';
import { MaintenanceWindows } from '../../core/incident/maintenance.ts';
import { MATCHER_CAPS, parseMatcher } from '../../core/incident/matcher.ts';
import { listText } from '../../core/incident/members.ts';
import { SILENCE_PARTS, SILENCE_TEXT, type Silence } from '../../core/incident/silence.ts';
import {
  firingAt,
  type Holding,
  holdingOf,
  newSilenceId,
  silenceJson,
} from '../../http/api/resources/silences.ts';
import { jsonText } from '../../review/report.ts';
import { type Register, setAction } from '../command.ts';
import { STORED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { personHere } from '../person.ts';
import { preview, type WouldHold, wouldHoldLines } from '../rules/would-hold.ts';
import { addSharedCommand, openSharedState } from '../shared/open.ts';
import { holdingLine, silenceLine } from '../silence-text.ts';
import { type Present, presentOf, timeFlag } from '../times.ts';

export interface SilenceFlags extends CommonFlags {
  readonly host?: string;
  readonly service?: string;
  readonly container?: string;
  readonly from?: string;
  readonly for?: string;
  readonly reason?: string;
  readonly owner?: string;
  readonly dryRun?: boolean;
}

const DAY_MS = 86_400_000;
/** Longest silence, and longest time until one begins, ms: who needs more should change the rules. */
const LONGEST_MS = 90 * DAY_MS;
const FURTHEST_MS = 366 * DAY_MS;

export const registerSilence: Register = (program, signal) => {
  const silence = program
    .command('silence')
    .description('send no notifications for a while; incidents are raised and stored all the same');
  const add = addSharedCommand(
    silence,
    'add',
    'add one. What is over before it ends is never sent; what still fires then is sent when it ends',
  );
  add
    .argument(
      '[matchers...]',
      'all have to hold, such as container=~"web-.*" severity!=critical; names are host, service, container, image, label.KEY, severity and rule, operators =, !=, =~ and !~',
    )
    .option('--container <glob>', 'containers, such as web-*')
    .option('--service <glob>', 'services')
    .option('--host <glob>', 'hosts')
    .option('--from <time>', 'start, such as 2026-01-31T22:00 (default: now)')
    .option('--for <duration>', 'how long, such as 2h (required)')
    .option('--reason <text>', 'why, for others who see it (required)')
    .option('--owner <name>', 'who wants it (default: you)')
    .option('--dry-run', 'only say whom it would be about');
  setAction(add, signal, silenceAdd, { needs: STORED });
  const list = addSharedCommand(
    silence,
    'list',
    'those in force and to come, deploys and maintenance windows too, with what they keep back',
  );
  list.option('--all', 'also those that ended in the last 30 days').option('--json', 'machine-readable');
  setAction(list, signal, silenceList, { needs: STORED });
  const end = addSharedCommand(silence, 'end', 'end one early; what it kept back and still fires is sent');
  end.argument('<id>', 'as `silence list` shows it');
  setAction(end, signal, silenceEnd, { needs: STORED });
};

/** Prints what the new silence covers and how to end it. */
async function silenceAdd(context: Context, flags: SilenceFlags, ...matchers: string[]): Promise<number> {
  const present = presentOf(context);
  const silence = silenceOf(flags, matchers, present);
  return openSharedState(context, flags.dryRun ? 'read' : 'write', async state => {
    const held = await preview(context, flags, { state, silence, now: present.now });
    const lines = flags.dryRun
      ? dryLines(silence, held, present)
      : addedLines(await state.addSilence(silence, present.now), held, present);
    context.out.write(`${lines.join('\n')}\n`);
  });
}

/** Those in force and to come, with `--all` also those that ended and are remembered. */
async function silenceList(
  context: Context,
  flags: CommonFlags & { readonly all?: boolean; readonly json?: boolean },
): Promise<number> {
  const present = presentOf(context);
  const windows = windowsOf(context.config).upcoming(present.now);
  const print = (found: readonly Holding[]) => {
    const lines = found.map(one => holdingLine(one, present));
    const text = `${lines.join('\n') || (flags.all ? 'No silences.' : 'No silences in force.')}\n`;
    context.out.write(flags.json ? jsonText(found.map(one => silenceJson(one, present.now))) : text);
  };
  return openSharedState(
    context,
    'read',
    async state => {
      const firing = await firingAt(state, present.now);
      const all = [...(await state.silences(present.now, flags.all === true)), ...windows];
      print(all.map(silence => holdingOf(silence, firing, present.now)));
    },
    () => (flags.json || windows.length > 0) && print(windows.map(silence => ({ silence, holds: [] }))),
  );
}

export const windowsOf = ({ alert, time_zone }: Config): MaintenanceWindows =>
  new MaintenanceWindows(alert.maintenance, time_zone);

/** What it kept back is sent, if it still fires. */
async function silenceEnd(context: Context, _flags: CommonFlags, id: string): Promise<number> {
  const present = presentOf(context);
  if (context.config.alert.maintenance.some(({ name }) => name === id)) throw ofConfiguration(id);
  return openSharedState(context, 'write', async state => {
    const ended = await state.endSilence(id, present.now);
    context.out.write(`ended: ${silenceLine(ended, present)}\n`);
  });
}

/** Throws a TidegaugeError about all that is missing, else about the flag or matcher that is wrong. */
export function silenceOf(flags: SilenceFlags, texts: readonly string[], present: Present): Silence {
  const { for: length, reason } = flags;
  const isAbout = texts.length > 0 || SILENCE_PARTS.some(part => flags[part] !== undefined);
  if (!isAbout || length === undefined || reason === undefined)
    throw incomplete([
      ...(isAbout ? [] : ['whom it is about (a matcher, --container, --service or --host)']),
      ...(length === undefined ? ['--for'] : []),
      ...(reason === undefined ? ['--reason'] : []),
    ]);
  if (texts.length > MATCHER_CAPS.matchers)
    throw wrongFlag('silence add', `at most ${MATCHER_CAPS.matchers} matchers`, String(texts.length));
  const part = (name: 'host' | 'service' | 'container') => textOf(`--${name}`, flags[name] ?? '*');
  const from = startOf(flags, present);
  return {
    id: newSilenceId(),
    match: { host: part('host'), service: part('service'), container: part('container') },
    ...(texts.length > 0 ? { matchers: texts.map(parseMatcher) } : {}),
    from,
    until: from + lengthOf(length, LONGEST_MS),
    owner: textOf('--owner', flags.owner ?? personHere()),
    reason: textOf('--reason', reason),
  };
}

function startOf({ from }: SilenceFlags, { now, zone }: Present): number {
  if (from === undefined) return now;
  if (parseDuration(from) !== null)
    throw wrongFlag(
      '--from',
      'a time such as 2026-01-31T22:00',
      printable(from),
      'Without it, it starts now.',
    );
  const start = timeFlag('--from', from, { now, zone });
  if (start >= now && start - now <= FURTHEST_MS) return start;
  const found = start < now ? `${zone.text(start)}, which is over` : zone.text(start);
  throw wrongFlag('--from', 'a time to come, within a year', found, 'Without it, it starts now.');
}

/** Milliseconds of `--for`. */
export function lengthOf(text: string, longestMs: number): number {
  const length = parseDuration(text);
  if (length !== null && length >= 1 && length <= longestMs) return Math.ceil(length);
  throw wrongFlag('--for', `a duration of up to ${longestMs / DAY_MS}d, such as 2h`, printable(text));
}

export function textOf(flag: string, text: string): string {
  if (text.trim() !== '' && text.length <= SILENCE_TEXT) return text;
  throw wrongFlag(flag, `a text of 1 to ${SILENCE_TEXT} characters`, `${text.length} characters`);
}

/** What to tell the person who added it. */
const addedLines = (silence: Silence, held: WouldHold, present: Present): string[] => [
  `silenced ${silenceLine(silence, present)}`,
  ...wouldHoldLines(held),
  `Incidents are raised and stored as before. End it with \`tidegauge silence end ${silence.id}\`.`,
];

const dryLines = ({ id: _, ...silence }: Silence, held: WouldHold, present: Present): string[] => [
  silenceLine({ ...silence, id: 'dry run, nothing is added' }, present),
  ...wouldHoldLines(held),
];

const incomplete = (missing: readonly string[]): TidegaugeError =>
  new UsageError({
    place: 'silence add',
    found: `${listText(missing, ' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    remedy:
      "Say it, as in: tidegauge silence add --container 'web-*' --for 2h --reason 'load test'. Everything is --host '*'.",
  });

const wrongFlag = (
  place: string,
  expected: string,
  found: string,
  remedy = 'Correct the flag.',
): TidegaugeError => new UsageError({ place, expected, found, remedy });

const ofConfiguration = (name: string): TidegaugeError =>
  new UsageError({
    place: 'silence end',
    found: `${name} is a maintenance window of the configuration`,
    remedy: 'Change alert.maintenance, and start tidegauge again.',
  });
