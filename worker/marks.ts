import { describeError } from '../core/errors.ts';
import type { Mark } from '../core/incident/mark.ts';
import type { RaisedLimits } from '../detector/contract.ts';
import { MarkedLimits, NO_MARKS } from '../detector/fold/marks.ts';
import type { Lease, Marks } from '../state/contract.ts';
import { LeaseLost, leaseLost, type RetryDeps, retryUnderLease } from './retry-under-lease.ts';

/**
 * What people said of the incidents of one host, as its worker has heard of it. A new mark counts from the first frame
 * that is not judged yet, and that is written down before the frame is judged: whoever judges it again, after a crash or
 * in a review, judges it by the same marks.
 */
export class HeardMarks {
  readonly #host: string;
  readonly #lease: Lease;
  readonly #deps: RetryDeps & { readonly state: Marks };
  #marks: readonly Mark[] = [];
  #limits: MarkedLimits = NO_MARKS;
  /** Start of the last frame that was judged, epoch ms. */
  #judged = 0;
  /** Whether the log was told that they cannot be read. */
  #told = false;

  constructor(host: string, lease: Lease, deps: RetryDeps & { readonly state: Marks }) {
    this.#host = host;
    this.#lease = lease;
    this.#deps = deps;
  }

  /** Limits in a frame that starts at `start`, epoch ms. */
  at(start: number): RaisedLimits {
    return this.#limits.at(start);
  }

  /** Hear what was said before; waits for a state that is away. Throws LeaseLost as `listen` does. */
  async open(judged: number | null): Promise<void> {
    await this.#hear(judged, () => retryUnderLease(this.#deps, () => this.#news()));
  }

  /**
   * Hear what was said since. `judged`: start of the last frame of which something may have been said, epoch ms. While
   * marks cannot be read it goes on by those it has heard: what is said meanwhile begins later. Throws LeaseLost when the
   * host belongs to another worker.
   */
  async listen(judged: number | null): Promise<void> {
    await this.#hear(judged, () => this.#news());
  }

  async #hear(judged: number | null, news: () => Promise<Mark[]>): Promise<void> {
    this.#judged = Math.max(this.#judged, judged ?? 0);
    try {
      await this.#take(await news());
      this.#told = false;
    } catch (error) {
      if (error instanceof LeaseLost || this.#deps.signal.aborted) throw error;
      if (!this.#told)
        this.#deps.log.warn(
          { host: this.#host, error: describeError(error) },
          'marks of incidents cannot be read, going on with those known',
        );
      this.#told = true;
    }
  }

  #news(): Promise<Mark[]> {
    return this.#deps.state.marks(this.#host, this.#marks.at(-1)?.seq ?? 0);
  }

  async #take(news: readonly Mark[]): Promise<void> {
    if (news.length === 0) return;
    const { state } = this.#deps;
    let begun = news;
    if (news.some(({ from }) => from === null)) {
      // From here on there is no way around it: an answer that is lost may have been carried out.
      const from = this.#judged + 1;
      const held = await retryUnderLease(this.#deps, () => state.beginMarks(this.#lease, this.#host, from));
      if (!held) throw leaseLost(this.#lease.name);
      // One that was made since has not begun: it is heard next time.
      const known = await retryUnderLease(this.#deps, () => this.#news());
      begun = known.filter(mark => mark.from !== null);
    }
    this.#marks = [...this.#marks, ...begun];
    this.#limits = new MarkedLimits(this.#marks);
  }
}
