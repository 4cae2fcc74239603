import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { widenYoungGeneration } from '../../app/heap.ts';
import { makeFold } from '../../app/wire.ts';
import { replayRecording } from '../../collector/recording/replay.ts';
import { compareText } from '../../core/compare.ts';
import { describeFileError, printable, UsageError } from '../../core/errors.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { marksFromJson } from '../../core/incident/mark-json.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { limitsByHost, type MarksOf, NO_MARKS } from '../../detector/fold/marks.ts';
import { RuleCoverage } from '../../detector/fold/rule-coverage.ts';
import { framesIn } from '../../review/frame-lines.ts';
import { jsonText, reportText } from '../../review/report.ts';
import { HostReviewer, reviewFrames } from '../../review/review.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import { JUDGED } from '../config/needs.ts';
import type { CommonFlags, Context } from '../context.ts';
import { Progress } from '../screen/progress.ts';
import { presentOf, timeFlag } from '../times.ts';

interface ReplayFlags extends CommonFlags {
  readonly frames?: boolean;
  readonly json?: boolean;
  readonly start?: string;
  readonly marks?: string;
}

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

export const registerReplay: Register = (program, signal) => {
  const command = addCommand(
    program,
    'replay',
    'run detection over a recording; works on any machine, needs no root',
  );
  command
    .argument(
      '<file>',
      'recording made by `run --record`, or plain output of `bpftrace -f json`; - reads standard input',
    )
    .option('--json', 'incidents as JSON')
    .option(
      '--frames',
      'the file holds frames, one a line, of any number of hosts, as `review --export-frames` writes them (docs/frames.md)',
    )
    .option(
      '--start <time>',
      'for plain bpftrace output: when its first interval began, such as 2026-01-31T22:00',
    )
    .option('--marks <file>', 'judge by what people said of incidents, as `incident marks --json` prints it');
  setAction(command, signal, replay, { needs: JUDGED });
};

/** Recorded input through the same parser, builder and fold as a live run. */
async function replay(context: Context, flags: ReplayFlags, file = '-'): Promise<number> {
  widenYoungGeneration();
  if (flags.frames) return replayFrames(context, flags, file);
  const progress = new Progress(process.stderr, context.clock);
  const start = flags.start === undefined ? 0 : timeFlag('--start', flags.start, presentOf(context));
  const coverage = new RuleCoverage(context.config.detectors);
  let lines = 0;
  const skipped: number[] = [];
  const counted = linesOf(file, () => lines++);
  const frames = replayRecording(counted, { place: file, start, onSkipped: line => skipped.push(line) });
  const onFrame = (frame: Frame) => {
    coverage.see(frame);
    progress.step(() => `folding ${context.zone.seconds(frame.start)}`);
  };
  const marksOf = marksIn(flags.marks);
  const review = await reviewFrames(makeFold(context.config), frames, ALWAYS, onFrame, null, marksOf);
  progress.end();
  if (skipped.at(-1) === lines) {
    context.log.warn(`the recording is cut off: its last line, ${lines}, is incomplete`);
    skipped.pop();
  }
  if (skipped.length > 0)
    context.log.warn({ lines: skipped.length, first: skipped[0] }, 'unreadable lines were skipped');
  if (review.folded === 0 && !flags.json) context.out.write(`no frames in ${printable(file)}\n`);
  else
    context.out.write(
      flags.json ? jsonText(review.incidents.map(incidentJson)) : reportText([review], context.zone),
    );
  for (const { text } of coverage.unmatched()) context.log.warn(text);
  return 0;
}

/** How many unusable lines are named. */
const NAMED = 5;

/** Frames of any number of hosts, each as live workers judge it. Nothing but what is known of a host is kept. */
async function replayFrames(context: Context, flags: ReplayFlags, file: string): Promise<number> {
  const { config, clock, log, out, zone } = context;
  const progress = new Progress(process.stderr, clock);
  const coverage = new RuleCoverage(config.detectors);
  const fold = makeFold(config);
  const marksOf = marksIn(flags.marks);
  const hosts = new Map<string, HostReviewer>();
  const unordered = new Map<string, number>();
  let refused = 0;
  const onRefused = (line: number, reason: string) => {
    if (refused++ < NAMED) log.warn({ line, reason: printable(reason) }, 'not a frame, line left out');
  };
  for await (const frame of framesIn(
    linesOf(file, () => undefined),
    onRefused,
  )) {
    const { host, start } = frame;
    const reviewer = hosts.get(host) ?? new HostReviewer(fold, ALWAYS, null, marksOf);
    hosts.set(host, reviewer);
    if (reviewer.last !== null && start <= reviewer.last) {
      unordered.set(host, (unordered.get(host) ?? 0) + 1);
      continue;
    }
    reviewer.add(frame);
    coverage.see(frame);
    progress.step(() => `folding ${printable(host, 40)} ${zone.seconds(start)}`);
  }
  progress.end();
  const reviews = [...hosts.values()].map(reviewer => reviewer.result()).sort(byHost);
  if (hosts.size === 0 && !flags.json) out.write(`no frames in ${printable(file)}\n`);
  else
    out.write(
      flags.json
        ? jsonText(reviews.flatMap(one => one.incidents.map(incidentJson)))
        : reportText(reviews, zone),
    );
  if (refused > 0) log.warn({ lines: refused }, 'lines that are no frames were left out');
  for (const [host, frames] of unordered)
    log.warn({ host, frames }, 'frames that do not start after the one before them were left out');
  for (const { text } of coverage.unmatched()) log.warn(text);
  return 0;
}

/** What people said of the incidents of each host; without a file, nothing. Throws a UsageError about the file. */
function marksIn(file: string | undefined): MarksOf {
  if (file === undefined) return () => NO_MARKS;
  try {
    return limitsByHost(marksFromJson(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new UsageError(
      {
        place: `--marks ${printable(file)}`,
        found: `no marks can be read there: ${describeFileError(cause, 'read')}`,
        remedy: 'Give a file that holds what `tidegauge incident marks --json` prints.',
      },
      cause,
    );
  }
}

const byHost = (a: { readonly host: string }, b: { readonly host: string }): number =>
  compareText(a.host, b.host);

async function* linesOf(file: string, onLine: () => void): AsyncIterable<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      onLine();
      yield line;
    }
  } catch (cause) {
    throw new UsageError(
      {
        place: printable(file),
        found: `the recording cannot be read: ${describeFileError(cause, 'read')}`,
        remedy:
          'Give a file made by `tidegauge run --record FILE`, or by `review --export-frames FILE` with --frames.',
      },
      cause,
    );
  }
}
