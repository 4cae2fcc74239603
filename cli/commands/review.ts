import { filesOf, makeFold, makeState, makeStore } from '../../app/wire.ts';
import { isoTime } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { Roll } from '../../detector/rule-coverage.ts';
import { jsonText, reportText, reviewJson } from '../../review/report.ts';
import { reviewStore } from '../../review/review.ts';
import type { State } from '../../state/contract.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hasData, hintElsewhere, hintHost } from '../open-read-only.ts';
import { Progress } from '../screen/progress.ts';
import { rangeFlags } from '../times.ts';

interface ReviewFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly host?: string;
  readonly json?: boolean;
}

/** `tidegauge review`: the same fold over stored history, with the settings of this configuration. */
export async function review(context: Context, flags: ReviewFlags): Promise<number> {
  const range = rangeFlags(flags, context.clock.now());
  const file = filesOf(context.config).store;
  if (!hasData(context, file)) {
    if (flags.json) context.out.write(jsonText([]));
    return 0;
  }
  const store = makeStore(context.config, context.log, { readOnly: true });
  const state = makeState(context.config, context.clock, context.log, { readOnly: true });
  const fold = makeFold(context.config);
  const roll = new Roll(context.config.detectors);
  const progress = new Progress(process.stderr, context.clock);
  try {
    await store.open();
    const checkpoints = await reachable(context, state);
    const reviews = await reviewStore(fold, store, range, {
      ...(checkpoints
        ? { checkpoint: (host, before) => state.loadCheckpoint(host, fold.fingerprint, before) }
        : {}),
      ...(flags.host === undefined ? {} : { host: flags.host }),
      onFrame: frame => {
        if (frame.start >= range.from) roll.see(frame);
        progress.step(`folding ${isoTime(frame.start)}`);
      },
    });
    progress.end();
    context.out.write(flags.json ? jsonText(reviews.map(reviewJson)) : reportText(reviews));
    for (const { text } of roll.unmatched()) context.log.warn(text);
    if (flags.host !== undefined) await hintHost(store, flags.host);
    if (reviews.length === 0 && file !== null) hintElsewhere(context.config.data);
    return 0;
  } finally {
    await state.close();
    await store.close();
  }
}

/** A review is possible without the workers' state; it folds more, then. */
async function reachable({ log }: Context, state: State): Promise<boolean> {
  try {
    await state.open();
    return true;
  } catch (error) {
    log.warn({ error: describeError(error) }, 'no checkpoints: history is folded from its beginning');
    return false;
  }
}
