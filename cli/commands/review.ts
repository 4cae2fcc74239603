import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { widenYoungGeneration } from '../../app/heap.ts';
import { filesOf, makeFold, makeState } from '../../app/wire.ts';
import { describeError, printable, UsageError } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import { encodeFrame, type Frame } from '../../core/traffic/frame.ts';
import { limitsByHost } from '../../detector/fold/marks.ts';
import { RuleCoverage } from '../../detector/fold/rule-coverage.ts';
import { jsonText, reportText, reviewJson } from '../../review/report.ts';
import { reviewStore } from '../../review/review.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addRange, type Register, setAction } from '../command.ts';
import { JUDGED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintElsewhere, note, readStore, using } from '../open-data.ts';
import { addSubjects, askedHosts, SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { Progress } from '../screen/progress.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface ReviewFlags extends CommonFlags, SubjectFlags {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
  readonly exportFrames?: string;
}

export const registerReview: Register = (program, signal) => {
  const command = addCommand(
    program,
    'review',
    'judge stored history again: what happened, and what would other settings have said?',
  );
  addSubjects(addRange(command, '24h'), 'only of these hosts')
    .option('--json', 'machine-readable')
    .option(
      '--export-frames <file>',
      'judge nothing, write the stored frames to a new file for `replay --frames`; - writes to standard output',
    );
  setAction(command, signal, review, { needs: JUDGED });
};

/** The same fold over stored history, with the settings of this configuration. */
async function review(context: Context, flags: ReviewFlags): Promise<number> {
  const range = rangeFlags(flags, presentOf(context));
  const { config, clock, log, out } = context;
  if (flags.exportFrames !== undefined) {
    const target = flags.exportFrames;
    return readStore(context, store => exportFrames(context, flags, range, store, target));
  }
  const judge = (store: Store) =>
    using(makeState(config, clock, log, { readOnly: true }), state =>
      reviewStored(context, flags, range, store, state),
    );
  return readStore(context, judge, () => flags.json && out.write(jsonText([])));
}

async function reviewStored(
  context: Context,
  flags: ReviewFlags,
  range: Interval,
  store: Store,
  state: State,
): Promise<void> {
  const { config, clock, log, out, zone } = context;
  const hosts = flags.host === undefined ? null : await askedHosts(store, flags.host, config.host);
  const filter = new SubjectFilter(flags);
  const isNarrow = flags.container !== undefined || flags.service !== undefined;
  const fold = makeFold(config);
  widenYoungGeneration();
  const coverage = new RuleCoverage(config.detectors);
  const progress = new Progress(process.stderr, clock);
  const checkpoints = await reachable(context, state);
  const all = await reviewStore(fold, store, range, {
    ...(checkpoints
      ? {
          checkpoint: (host, before) => state.loadCheckpoint(host, fold.fingerprint, before),
          marksOf: limitsByHost(await state.marks(null)),
        }
      : {}),
    ...(hosts === null ? {} : { hosts }),
    onFrame: frame => {
      if (frame.start >= range.from) coverage.see(frame);
      if (isNarrow) see(filter, frame);
      progress.step(() => `folding ${zone.seconds(frame.start)}`);
    },
  });
  progress.end();
  const reviews = all.map(review => ({
    ...review,
    incidents: review.incidents.filter(incident => filter.takes(incident)),
  }));
  out.write(flags.json ? jsonText(reviews.map(reviewJson)) : reportText(reviews, zone));
  for (const { text } of coverage.unmatched()) log.warn(text);
  const none = isNarrow ? filter.noneText() : null;
  if (none !== null) note(none);
  if (reviews.length === 0 && hosts === null && filesOf(config).store !== null) hintElsewhere(config.data);
}

/** The names of a frame, to say what is near a pattern that fits nobody. */
function see(filter: SubjectFilter, { host, containers }: Frame): void {
  for (const { name, service } of containers) filter.takes({ host, service, container: name });
}

/** Writes stored frames host by host, one a line (docs/frames.md). */
async function exportFrames(
  { clock, log, config, zone }: Context,
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
    throw new UsageError(
      {
        place: `--export-frames ${printable(target)}`,
        found: `the file cannot be written: ${describeError(cause)}`,
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
async function reachable({ log }: Context, state: State): Promise<boolean> {
  try {
    await state.open();
    return true;
  } catch (error) {
    log.warn(
      { error: describeError(error) },
      'no checkpoints and marks: history is folded from its beginning, by limits as calibrated',
    );
    return false;
  }
}
