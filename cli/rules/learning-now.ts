import { stepOver } from '../../alert/host.ts';
import { filesOf, makeFold, makeState, makeStore } from '../../app/wire.ts';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import { formatLength } from '../../core/config/units.ts';
import { describeError, printable } from '../../core/errors.ts';
import { concerns, type Learning, learnedAt, learningIn } from '../../core/incident/learning.ts';
import type { Log } from '../../core/log.ts';
import type { TimeZone } from '../../core/time-zone.ts';
import { type Container, type Frame, frameEnd } from '../../core/traffic/frame.ts';
import { NOTHING_RAISED } from '../../detector/fold/marks.ts';
import { unreadable, using } from '../open-data.ts';

/** Who is being learned on a host by these settings after its newest stored frame, which ended at `end`; or why not known. */
export type LearningNow = { readonly learning: Learning; readonly end: number } | { readonly why: string };

/** Stored frames of so much time are folded at most, ms: detection that is further behind is not waited for. */
const BEHIND_MS = 3_600_000;

/**
 * What the worker knows: its last checkpoint, and the frames that were stored since, through the same fold. What it would
 * say next is asked with the newest frame once more, as if it had come again.
 */
export async function learningNow(
  config: Config,
  clock: Clock,
  log: Log,
  host: string,
): Promise<LearningNow> {
  try {
    for (const file of Object.values(filesOf(config))) if (unreadable(file) !== null) return NOTHING;
    return await using(makeState(config, clock, log, { readOnly: true }), async state => {
      await state.open();
      const fold = makeFold(config);
      const checkpoint = await state.loadCheckpoint(host, fold.fingerprint);
      if (checkpoint === null) return NOTHING;
      return using(makeStore(config, log, { readOnly: true }), async store => {
        await store.open();
        const last = await store.lastInTurn(host);
        if (last === null || last < checkpoint.last) return NOTHING;
        if (last - checkpoint.last > BEHIND_MS)
          return { why: 'detection is more than an hour behind the stored frames' };
        let known = fold.decode(checkpoint.data);
        let newest: Frame | null = null;
        const verdictsOf = (frame: Frame) => {
          const step = stepOver(fold, known, frame, NOTHING_RAISED, () => undefined);
          known = step?.state ?? known;
          return step?.verdicts ?? [];
        };
        for await (const frame of store.readFrames(host, { from: checkpoint.last, to: last + 1 })) {
          newest = frame;
          verdictsOf(frame);
        }
        if (newest === null) return NOTHING;
        const end = frameEnd(newest);
        const again = { ...newest, faults: [], start: end, previous: newest.start };
        return { learning: learningIn(verdictsOf(again)), end };
      });
    });
  } catch (error) {
    return { why: describeError(error) };
  }
}

const NOTHING = { why: 'nothing was judged with these settings yet' } as const;

/** Frames that ended longer ago than this: nothing is captured. */
const RECENT_MS = 600_000;

/** Whether a rule is still learning a container: `over`, `until 2026-01-31T22:53:00Z`, or why that is not known. */
export function learningText(
  at: LearningNow,
  rule: string,
  container: Container,
  { zone, now }: { readonly zone: TimeZone; readonly now: number },
): string {
  if ('why' in at) return `not known: ${printable(at.why, 300)}`;
  const own = at.learning.filter(one => one.rule === rule && concerns(one.scope, container));
  if (own.length === 0) return 'over';
  const until = learnedAt(own);
  if (until === null) return 'under way';
  if (now - at.end <= RECENT_MS) return `until ${zone.seconds(until)}`;
  return `for another ${formatLength(until - at.end)}, once something is captured again`;
}
