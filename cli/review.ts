import { isoTime } from '../core/clock.ts';
import { canonicalJson, reportText } from '../review/report.ts';
import { reviewStore } from '../review/review.ts';
import type { CommonFlags, Context } from './context.ts';
import { Progress } from './progress.ts';
import { rangeFlags } from './times.ts';
import { makeFold, makeStore } from './wire.ts';

interface ReviewFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly host?: string;
  readonly json?: boolean;
}

/** `tidegauge review`: the same fold over stored history, with the settings of this configuration. */
export async function review(context: Context, flags: ReviewFlags): Promise<number> {
  const range = rangeFlags(flags, context.clock.now());
  const store = makeStore(context.config, context.log);
  const progress = new Progress(process.stderr, context.clock);
  try {
    await store.open();
    const reviews = await reviewStore(makeFold(context.config), store, range, {
      ...(flags.host === undefined ? {} : { host: flags.host }),
      onFrame: frame => progress.step(`folding ${isoTime(frame.start)}`),
    });
    progress.end();
    context.out.write(flags.json ? canonicalJson(reviews) : reportText(reviews));
    return 0;
  } finally {
    await store.close();
  }
}
