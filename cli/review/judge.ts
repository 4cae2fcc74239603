import { availableParallelism } from 'node:os';
import { makeFold } from '../../app/wire.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Mark } from '../../core/incident/mark.ts';
import type { Interval } from '../../core/interval.ts';
import { limitsByHost } from '../../detector/fold/marks.ts';
import { RuleCoverage } from '../../detector/fold/rule-coverage.ts';
import { type Change, changesBetween } from '../../review/changes.ts';
import type { IncidentRecord } from '../../review/record/incident-record.ts';
import { type ContainerRecord, RangeRecorder } from '../../review/record/range-record.ts';
import { Recorder } from '../../review/record/recorder.ts';
import { type HostReview, reviewSides } from '../../review/review.ts';
import { type Tally, tally } from '../../review/tally.ts';
import { canShare, NotShareable, Threads } from '../../review/threads/threads.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import type { Context } from '../context.ts';
import { SubjectFilter, type SubjectFlags } from '../rules/subjects.ts';
import { Progress, progressBar } from '../screen/progress.ts';
import type { Settings } from './settings.ts';

/** What some settings make of stored history, and how each differs from the first. */
export interface Judged {
  readonly range: Interval;
  /** In the order of the settings. */
  readonly sides: readonly JudgedSide[];
  /** What there is to be shown; empty unless it was asked for. */
  readonly records: ReadonlyMap<string, IncidentRecord>;
  readonly containers: readonly ContainerRecord[];
  /** Rules of the first settings that looked at nobody, and whom the flags did not find: for people. */
  readonly unmatched: readonly string[];
  readonly noneText: string | null;
}

export interface JudgedSide {
  readonly settings: Settings;
  /** One for each host, with the incidents that were asked for. */
  readonly reviews: readonly HostReview[];
  readonly tally: Tally;
  /** Against the first; empty for the first itself. */
  readonly changes: readonly Change[];
}

/** What to judge. */
interface Asked {
  readonly range: Interval;
  readonly hosts: readonly string[] | null;
  readonly subjects: SubjectFlags;
  /** At least one; the first is what the others are compared with. */
  readonly settings: readonly Settings[];
  /** Whether to remember what charts need. */
  readonly record: boolean;
}

/** Threads that judge at most: this one reads for them, and more would wait for it. */
const MOST_THREADS = 3;

/** In as many threads as there are processors. `state` null: there are no checkpoints and marks. */
export async function judgeHistory(
  context: Context,
  store: Store,
  state: State | null,
  asked: Asked,
): Promise<Judged> {
  const sides = asked.settings.map(({ config }) => config.detectors);
  const marks = state ? await state.marks(null) : [];
  const count = Math.min(availableParallelism(), MOST_THREADS);
  if (count > 1 && sides.every(canShare)) {
    const threads = new Threads({ count, sides, marks, drawn: asked.record });
    try {
      return await judgeIn(context, { store, state, marks, threads }, asked);
    } catch (error) {
      if (!(error instanceof NotShareable)) throw error;
    } finally {
      await threads.close();
    }
  }
  return judgeIn(context, { store, state, marks }, asked);
}

/** What to judge with. */
interface Means {
  readonly store: Store;
  readonly state: State | null;
  readonly marks: readonly Mark[];
  readonly threads?: Threads;
}

async function judgeIn(
  context: Context,
  { store, state, marks, threads }: Means,
  { range, hosts, subjects, settings, record }: Asked,
): Promise<Judged> {
  const { config, clock, zone } = context;
  const filter = new SubjectFilter(subjects);
  const isNarrow = subjects.container !== undefined || subjects.service !== undefined;
  const coverage = new RuleCoverage(settings[0]?.config.detectors ?? []);
  const recorders = settings.map(() => (record ? new Recorder(range) : null));
  const whole = record ? new RangeRecorder(range) : null;
  const progress = new Progress(process.stderr, clock);
  const sides = settings.map((one, i) => {
    const recorder = recorders[i];
    const fold = makeFold({ ...config, ...one.config }, { detections: false });
    return recorder ? { fold, onStep: recorder.add.bind(recorder) } : { fold };
  });
  const byHost = await reviewSides(sides, store, range, {
    ...(state
      ? { checkpoint: (host, before, fingerprint) => state.loadCheckpoint(host, fingerprint, before) }
      : {}),
    marksOf: limitsByHost(marks),
    ...(threads ? { threads } : {}),
    ...(hosts === null ? {} : { hosts }),
    onFrame: (frame, begin) => {
      if (frame.start >= range.from) coverage.see(frame);
      if (isNarrow)
        for (const { name, service } of frame.containers)
          filter.takes({ host: frame.host, service, container: name });
      whole?.add(frame);
      progress.step(() => {
        const share = (frame.start - begin) / (Math.min(range.to, clock.now()) - begin);
        return `${progressBar(share)} folding ${zone.seconds(frame.start)}`;
      });
    },
  });
  progress.end();
  return {
    range,
    sides: sidesOf(settings, byHost, range, incident => filter.takes(incident)),
    records: new Map(recorders.flatMap(recorder => [...(recorder?.records() ?? [])]).reverse()),
    containers: (whole?.result() ?? []).filter(one => filter.takes(one)),
    unmatched: coverage.unmatched().map(({ text }) => text),
    noneText: isNarrow ? filter.noneText() : null,
  };
}

function sidesOf(
  settings: readonly Settings[],
  byHost: readonly (readonly HostReview[])[],
  range: Interval,
  takes: (incident: Incident) => boolean,
): JudgedSide[] {
  const reviews = settings.map((_, i) =>
    byHost
      .flatMap(host => host[i] ?? [])
      .map(review => ({ ...review, incidents: review.incidents.filter(takes) })),
  );
  const [first = []] = reviews;
  return settings.map((one, i) => {
    const own = reviews[i] ?? [];
    return {
      settings: one,
      reviews: own,
      tally: tally(own, range),
      changes: i === 0 ? [] : changesBetween(incidentsOf(first), incidentsOf(own)),
    };
  });
}

/** Of all hosts, by start. */
export const incidentsOf = (reviews: readonly HostReview[]): Incident[] =>
  reviews.flatMap(({ incidents }) => incidents).sort((a, b) => a.start - b.start);
