import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { widenYoungGeneration } from '../../app/heap.ts';
import { filesOf, makeState } from '../../app/wire.ts';
import {
  describeError,
  describeFileError,
  errorCode,
  printable,
  TidegaugeError,
  UsageError,
} from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { encodeFrame } from '../../core/traffic/frame.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addRange, type Register, setAction } from '../command.ts';
import { JUDGED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintElsewhere, note, readStore, unreadable, using } from '../open-data.ts';
import { refuseToReplace } from '../refuse-to-replace.ts';
import { type JudgedSide, judgeHistory } from '../review/judge.ts';
import { csvOf, jsonOf, textOf } from '../review/output.ts';
import { writePage } from '../review/page.ts';
import { type Settings, settingsOfFiles, withOptions } from '../review/settings.ts';
import { addSubjects, askedHosts, type SubjectFlags } from '../rules/subjects.ts';
import { Progress } from '../screen/progress.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface ReviewFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly html?: string;
  readonly force?: boolean;
  readonly set?: readonly string[];
  readonly compare?: readonly string[];
  readonly exportFrames?: string;
}

export const registerReview: Register = (program, signal) => {
  const command = addCommand(
    program,
    'review',
    'judge stored history again: what happened, and what would other settings have said?',
  );
  addSubjects(addRange(command, '24h'), 'only of these hosts')
    .option(
      '--set <rule.option=value>',
      'also judge with this option changed, and say what would have changed: bytes.above=50MiB/s; may be repeated',
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    )
    .option(
      '--compare <files...>',
      'judge by the rules of these configuration files side by side instead: incidents a day, and what differs',
    )
    .option('--html <file>', 'also write a report as one HTML file that needs nothing else')
    .option('--force', 'let --html replace an existing file')
    .option('--json', 'machine-readable')
    .option('--csv', 'a line for each incident')
    .option(
      '--export-frames <file>',
      'judge nothing, write the stored frames to a new file for `replay --frames`; - writes to standard output',
    );
  setAction(command, signal, review, { needs: JUDGED });
};

/** The same fold over stored history, with the settings of this configuration, and with others. */
async function review(context: Context, flags: ReviewFlags): Promise<number> {
  const range = rangeFlags(flags, presentOf(context));
  const { config, clock, log } = context;
  if (flags.exportFrames !== undefined) {
    const target = flags.exportFrames;
    return readStore(context, store => exportFrames(context, flags, range, store, target));
  }
  const settings = settingsOf(context, flags);
  if (flags.html !== undefined) refuseToReplace('--html', flags.html, flags.force === true);
  const judge = (store: Store) =>
    using(makeState(config, clock, log, { readOnly: true }), state =>
      reviewStored(context, flags, { range, settings, store, state }),
    );
  return readStore(context, judge, () =>
    context.out.write(outputOf([], flags, { range, zone: context.zone })),
  );
}

/** What to judge by: the first is what others are compared with. */
function settingsOf({ config, file }: Context, { set, compare, json, csv }: ReviewFlags): Settings[] {
  const conflict =
    set !== undefined && compare !== undefined
      ? '--set and --compare'
      : json && csv
        ? '--json and --csv'
        : null;
  if (conflict !== null)
    throw new UsageError({
      place: '',
      found: `${conflict} cannot be given together`,
      remedy: 'Leave one of them out.',
    });
  if (compare !== undefined) return settingsOfFiles(compare);
  const own: Settings = { name: file ?? 'the default settings', config };
  return set === undefined ? [own] : [own, withOptions(config, set)];
}

async function reviewStored(
  context: Context,
  flags: ReviewFlags,
  {
    range,
    settings,
    store,
    state,
  }: { range: Interval; settings: readonly Settings[]; store: Store; state: State },
): Promise<void> {
  const { config, log, out, zone } = context;
  const hosts = flags.host === undefined ? null : await askedHosts(store, flags.host, config.host);
  widenYoungGeneration();
  const judged = await judgeHistory(context, store, (await reachable(context, state)) ? state : null, {
    range,
    hosts,
    settings,
    subjects: flags,
    record: flags.html !== undefined,
  });
  if (flags.html !== undefined) {
    await writePage(context, store, judged, { file: flags.html, subjects: flags });
    log.info({ file: flags.html }, 'report written');
  }
  out.write(outputOf(judged.sides, flags, { range, zone }));
  for (const text of judged.unmatched) log.warn(text);
  if (judged.noneText !== null) note(judged.noneText);
  const isNothing = judged.sides[0]?.reviews.length === 0;
  if (isNothing && hosts === null && filesOf(config).store !== null) hintElsewhere(config.data);
}

/** What is printed; without sides there are no data. */
function outputOf(
  sides: readonly JudgedSide[],
  { json, csv }: ReviewFlags,
  { range, zone }: { readonly range: Interval; readonly zone: TimeZone },
): string {
  if (csv) return csvOf(sides);
  if (json) return jsonOf(sides);
  return sides.length === 0 ? '' : textOf(sides, range, zone);
}

/** Writes stored frames host by host, one a line (docs/frames.md). */
async function exportFrames(
  { clock, log, config, zone, signal }: Context,
  { host }: ReviewFlags,
  range: Interval,
  store: Store,
  target: string,
): Promise<void> {
  const progress = new Progress(process.stderr, clock);
  const hosts = host === undefined ? await store.hosts() : await askedHosts(store, host, config.host);
  let frames = 0;
  async function* lines(): AsyncIterable<string> {
    for (const name of hosts)
      for await (const frame of store.readFrames(name, range)) {
        frames++;
        progress.step(() => `writing ${printable(name, 40)} ${zone.seconds(frame.start)}`);
        yield `${encodeFrame(frame)}\n`;
      }
  }
  try {
    if (target === '-') await pipeline(lines, process.stdout, { end: false });
    else await pipeline(lines, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
  } catch (cause) {
    // What reads the store says itself what is wrong.
    if (cause instanceof TidegaugeError) throw cause;
    // Nobody reads it any more, or it is full: that is told for all commands.
    if (target === '-' && signal.aborted) return;
    throw new UsageError(
      {
        place: `--export-frames ${printable(target)}`,
        found: `the file cannot be written: ${describeFileError(cause, 'write')}`,
        remedy: 'Name a file that does not exist yet, in a folder that you may write to.',
      },
      cause,
    );
  } finally {
    progress.end();
  }
  log.info({ frames, hosts: hosts.length }, 'frames written');
}

/** A review is possible without the workers' state; it folds more, then. */
async function reachable({ config, log }: Context, state: State): Promise<boolean> {
  try {
    await state.open();
    return true;
  } catch (error) {
    const file = filesOf(config).state;
    const isMissing = errorCode(unreadable(file)) === 'ENOENT';
    log.warn(
      { error: isMissing ? `there is no ${file}` : describeError(error) },
      'no checkpoints and marks: history is folded from its beginning, by limits as calibrated',
    );
    return false;
  }
}
