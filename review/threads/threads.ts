import { compareText } from '../../core/compare.ts';
import type { Rule } from '../../core/config/config.ts';
import type { Mark } from '../../core/incident/mark.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import type { FoldState } from '../../detector/contract.ts';
import { DEFAULT_LIMITS } from '../../detector/fold/subjects.ts';
import { DETECTORS } from '../../detector/index.ts';
import { BatchWriter } from './batch.ts';
import { JudgeThread } from './judge-thread.ts';
import { type Answer, PLACES, type Told } from './messages.ts';
import { Members, Shares } from './shares.ts';

/** Batches that are under way while others are read. */
const AHEAD = 2;
const LIMITS = {
  /** Containers that are sent at once, of all frames together. */
  batch: 2000,
  /** Containers, of all frames together, that are judged before threads are worth their start: about a second. */
  alone: 30_000,
};

/** By what threads judge. */
export interface ThreadSettings {
  /** How many, at least two. */
  readonly count: number;
  /** Rules of each side, none of them on the host (`canShare`). */
  readonly sides: readonly (readonly Rule[])[];
  /** What people said of incidents. */
  readonly marks: readonly Mark[];
  /** Whether verdicts that charts draw are asked for, besides alarms. */
  readonly drawn: boolean;
  /** Others than LIMITS. */
  readonly limits?: { readonly batch: number; readonly alone: number };
}

/** A frame and what the threads say of it by each side, as far as it goes further; null: it is to be judged yet. */
export interface Seen {
  readonly frame: Frame;
  readonly verdicts: readonly (readonly Judged[])[] | null;
}

/**
 * Something that only one thread can tell has happened: a detector has failed, or so many subjects are known that some are
 * forgotten. All is to be judged again by one thread.
 */
export class NotShareable extends Error {}

/** Whether these rules can be judged service by service: those on the host look at all containers at once. */
export const canShare = (rules: readonly Rule[]): boolean =>
  !rules.some(({ use }) => DETECTORS.find(({ name }) => name === use)?.scope === 'host');

/** Judges frames in several threads, each of which has some of the services of a host. What it says is what one fold says. */
export class Threads {
  readonly #settings: ThreadSettings;
  #threads: readonly JudgeThread[] = [];

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
  }

  /**
   * The frames of one host in their order, with what is said of them. The first ones are to be judged by who asks, who
   * tells by `statesOf` what each side knows after all that it was given. Throws NotShareable, or a TidegaugeError when a
   * thread has ended.
   */
  async *judge(
    host: string,
    frames: AsyncIterable<Frame>,
    statesOf: () => readonly FoldState[],
  ): AsyncIterable<Seen> {
    const limits = this.#settings.limits ?? LIMITS;
    const underWay: Promise<Seen[]>[] = [];
    let writer = this.#threads.length > 0 ? this.#begin(host, statesOf()) : null;
    let batch: Frame[] = [];
    let [judged, size] = [0, 0];
    for await (const frame of frames) {
      if (!writer && judged < limits.alone) {
        yield { frame, verdicts: null };
        judged += frame.containers.length;
        continue;
      }
      writer ??= this.#begin(host, statesOf());
      batch.push(frame);
      // A frame without containers is a little work, too.
      size += frame.containers.length + 1;
      if (size < limits.batch) continue;
      underWay.push(this.#ask(batch, writer));
      [batch, size] = [[], 0];
      if (underWay.length > AHEAD) yield* (await underWay.shift()) ?? [];
    }
    if (writer && batch.length > 0) underWay.push(this.#ask(batch, writer));
    for (const answered of underWay) yield* await answered;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.close()));
  }

  #begin(host: string, states: readonly FoldState[]): BatchWriter {
    const { count, limits: _, ...setup } = this.#settings;
    if (this.#threads.length === 0)
      this.#threads = Array.from(
        { length: count },
        (_, i) => new JudgeThread({ ...setup, judgesAbsence: i === 0 }),
      );
    const shares = new Shares(count);
    const parts = states.map(state => shares.split(state));
    for (const [i, thread] of this.#threads.entries())
      thread.begin({ kind: 'host', host, states: parts.flatMap(part => part[i] ?? []) });
    return new BatchWriter(new Members(shares), count);
  }

  #ask(frames: readonly Frame[], writer: BatchWriter): Promise<Seen[]> {
    const batches = writer.write(frames);
    const answers = this.#threads.flatMap((thread, i) => {
      const batch = batches[i];
      return batch ? [thread.judge(batch)] : [];
    });
    const seen = Promise.all(answers).then(all => this.#seen(frames, all));
    // It is waited for later: until then a failure is nobody's.
    seen.catch(() => undefined);
    return seen;
  }

  #seen(frames: readonly Frame[], answers: readonly Answer[]): Seen[] {
    const sides = this.#settings.sides.map((_, side) => side);
    const said = answers.map(answer => {
      if ('failure' in answer) throw new NotShareable(answer.failure);
      return answer;
    });
    for (const side of sides) {
      const subjects = said.reduce((sum, one) => sum + (one.subjects[side] ?? 0), 0);
      if (subjects > DEFAULT_LIMITS.subjects) throw new NotShareable(`${subjects} subjects`);
    }
    const byFrame = Map.groupBy(
      said.flatMap(({ told }) => told),
      ({ frame }) => frame,
    );
    return frames.map((frame, i) => {
      const told = (byFrame.get(i) ?? []).sort((a, b) => compareTold(a, b, frame));
      const verdicts = sides.map(side => told.filter(one => one.side === side).map(one => one.verdict));
      return { frame, verdicts };
    });
  }
}

/** As a single fold says it: containers in their order, services by name, those who are absent. */
function compareTold(a: Told, b: Told, { containers }: Frame): number {
  if (a.place !== b.place || a.place !== containers.length + PLACES.services) return a.place - b.place;
  return compareText(a.verdict.scope.service ?? '', b.verdict.scope.service ?? '');
}
