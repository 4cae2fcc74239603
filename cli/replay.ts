import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { replayRecording } from '../collector/replay.ts';
import { isoTime } from '../core/clock.ts';
import { describeError, TidegaugeError } from '../core/errors.ts';
import { canonicalJson, reportText } from '../review/report.ts';
import { reviewFrames } from '../review/review.ts';
import type { CommonFlags, Context } from './context.ts';
import { Progress } from './progress.ts';
import { timeFlag } from './times.ts';
import { makeFold } from './wire.ts';

interface ReplayFlags extends CommonFlags {
  readonly json?: boolean;
  readonly start?: string;
}

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** `tidegauge replay FILE`: recorded input through the same parser, builder and fold as a live run. */
export async function replay(context: Context, flags: ReplayFlags, file = '-'): Promise<number> {
  const progress = new Progress(process.stderr, context.clock);
  const start = flags.start === undefined ? 0 : timeFlag('--start', flags.start, context.clock.now());
  let skipped = 0;
  const frames = replayRecording(linesOf(file), { place: file, start, onSkipped: () => skipped++ });
  const review = await reviewFrames(makeFold(context.config), frames, ALWAYS, frame =>
    progress.step(`folding ${isoTime(frame.start)}`),
  );
  progress.end();
  if (skipped > 0) context.log.warn({ lines: skipped }, 'lines that are no input were skipped');
  context.out.write(flags.json ? canonicalJson(review.incidents) : reportText([review]));
  return 0;
}

async function* linesOf(file: string): AsyncIterable<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    throw new TidegaugeError(
      {
        place: file,
        expected: 'a readable recording',
        found: describeError(cause),
        remedy: 'Give a file made by `tidegauge run --record FILE`.',
      },
      { cause, exitCode: 2 },
    );
  }
}
