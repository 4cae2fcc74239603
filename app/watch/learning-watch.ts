import type { HostFold } from '../../alert/host.ts';
import type { Clock } from '../../core/clock.ts';
import { type Learning, learnedAt, learningIn } from '../../core/incident/learning.ts';
import { frameEnd } from '../../core/traffic/frame.ts';

/** Frames that ended longer ago than this say nothing about the present. */
const RECENT_MS = 600_000;

/** Who is still being learned, in the newest frames of the hosts that this process folds. */
export class LearningWatch {
  readonly #clock: Clock;
  readonly #hosts = new Map<string, { readonly end: number; readonly learning: Learning }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same fold, with this watching its verdicts. */
  over(fold: HostFold): HostFold {
    return {
      ...fold,
      step: (state, frame, raised) => {
        const step = fold.step(state, frame, raised);
        const end = frameEnd(frame);
        if (this.#clock.now() - end <= RECENT_MS)
          this.#hosts.set(frame.host, { end, learning: learningIn(step.verdicts) });
        return step;
      },
    };
  }

  /** Null: nothing was judged there of late. */
  of(host: string): Learning | null {
    return this.#recent().get(host)?.learning ?? null;
  }

  /** Series, containers, services and hosts that each of the rules is still learning; empty before the first frame. */
  counts(rules: readonly string[]): (readonly [rule: string, count: number])[] {
    const all = this.#all();
    if (all === null) return [];
    const counts = Map.groupBy(all, ({ rule }) => rule);
    return rules.map(rule => [rule, counts.get(rule)?.length ?? 0] as const);
  }

  /** Until when the last of them is learned, epoch ms; null: nobody is, or it is not known. */
  until(): number | null {
    return learnedAt((this.#all() ?? []).filter(({ until }) => until !== null));
  }

  #all(): Learning | null {
    const hosts = [...this.#recent().values()];
    return hosts.length === 0 ? null : hosts.flatMap(({ learning }) => learning);
  }

  /** Hosts without recent frames are dropped: their lane may have moved to another process. */
  #recent(): ReadonlyMap<string, { readonly learning: Learning }> {
    const now = this.#clock.now();
    for (const [host, { end }] of this.#hosts) if (now - end > RECENT_MS) this.#hosts.delete(host);
    return this.#hosts;
  }
}
