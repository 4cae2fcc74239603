import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { makeFold } from '../../app/wire.ts';
import { replayRecording } from '../../collector/recording/replay.ts';
import { describeError, printable, UsageError } from '../../core/errors.ts';
import { incidentJson } from '../../core/incident/incident-json.ts';
import { RuleCoverage } from '../../detector/rule-coverage.ts';
import { jsonText, reportText } from '../../review/report.ts';
import { reviewFrames } from '../../review/review.ts';
import { addCommand, type Register, setAction } from '../command.ts';
import type { CommonFlags, Context } from '../context.ts';
import { Progress } from '../screen/progress.ts';
import { presentOf, timeFlag } from '../times.ts';

interface ReplayFlags extends CommonFlags {
  readonly json?: boolean;
  readonly start?: string;
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
      '--start <time>',
      'for plain bpftrace output: when its first interval began, such as 2026-01-31T22:00',
    );
  setAction(command, signal, replay);
};

/** Recorded input through the same parser, builder and fold as a live run. */
async function replay(context: Context, flags: ReplayFlags, file = '-'): Promise<number> {
  const progress = new Progress(process.stderr, context.clock);
  const start = flags.start === undefined ? 0 : timeFlag('--start', flags.start, presentOf(context));
  const coverage = new RuleCoverage(context.config.detectors);
  let lines = 0;
  const skipped: number[] = [];
  const counted = linesOf(file, () => lines++);
  const frames = replayRecording(counted, { place: file, start, onSkipped: line => skipped.push(line) });
  const review = await reviewFrames(makeFold(context.config), frames, ALWAYS, frame => {
    coverage.see(frame);
    progress.step(`folding ${context.zone.seconds(frame.start)}`);
  });
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
        place: file,
        found: `the recording cannot be read: ${describeError(cause)}`,
        remedy: 'Give a file made by `tidegauge run --record FILE`.',
      },
      cause,
    );
  }
}
