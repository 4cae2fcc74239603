import { filesOf, makeFold, makeState } from '../../app/wire.ts';
import { describeError } from '../../core/errors.ts';
import type { Interval } from '../../core/interval.ts';
import { RuleCoverage } from '../../detector/rule-coverage.ts';
import { jsonText, reportText, reviewJson } from '../../review/report.ts';
import { reviewStore } from '../../review/review.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addRange, type Register, setAction } from '../command.ts';
import type { CommonFlags, Context } from '../context.ts';
import { hintElsewhere, hintHost, readStore, using } from '../open-data.ts';
import { Progress } from '../screen/progress.ts';
import { presentOf, rangeFlags } from '../times.ts';

interface ReviewFlags extends CommonFlags {
  readonly from: string;
  readonly to: string;
  readonly host?: string;
  readonly json?: boolean;
}

export const registerReview: Register = (program, signal) => {
  const command = addCommand(
    program,
    'review',
    'judge stored history again: what happened, and what would other settings have said?',
  );
  addRange(command, '24h').option('--host <name>', 'only this host').option('--json', 'machine-readable');
  setAction(command, signal, review);
};

/** The same fold over stored history, with the settings of this configuration. */
async function review(context: Context, flags: ReviewFlags): Promise<number> {
  const range = rangeFlags(flags, presentOf(context));
  const { config, clock, log, out } = context;
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
  const fold = makeFold(config);
  const coverage = new RuleCoverage(config.detectors);
  const progress = new Progress(process.stderr, clock);
  const checkpoints = await reachable(context, state);
  const reviews = await reviewStore(fold, store, range, {
    ...(checkpoints
      ? { checkpoint: (host, before) => state.loadCheckpoint(host, fold.fingerprint, before) }
      : {}),
    ...(flags.host === undefined ? {} : { host: flags.host }),
    onFrame: frame => {
      if (frame.start >= range.from) coverage.see(frame);
      progress.step(`folding ${zone.seconds(frame.start)}`);
    },
  });
  progress.end();
  out.write(flags.json ? jsonText(reviews.map(reviewJson)) : reportText(reviews, zone));
  for (const { text } of coverage.unmatched()) log.warn(text);
  if (flags.host !== undefined) await hintHost(store, flags.host);
  if (reviews.length === 0 && filesOf(config).store !== null) hintElsewhere(config.data);
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
