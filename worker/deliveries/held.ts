import type { Incident } from '../../core/incident/incident.ts';
import { dependsOnCourse, dependsOnMembers, type Silence } from '../../core/incident/silence.ts';
import type { Deliveries, Incidents } from '../../state/contract.ts';

/** Ends, or incidents, that are asked for at once. */
const PAGE = 1000;
/** Of so many of the newest it is asked in each review who has joined their incidents; of each other one in so many. */
const NEWEST = 500;
const TURNS = 12;

/** What is remembered of a held delivery from one review to the next. */
interface Known {
  /** Key of the message that its incident is over. */
  readonly end: string;
  /** The silence that holds it; null: something else does. */
  readonly by: Silence | null;
  /** Its incident, and of how many that was when it was judged. */
  readonly incident: string;
  readonly members: number;
}

/** A delivery that was judged. */
interface Judged extends Pick<Known, 'end' | 'by'> {
  readonly incident: Incident;
}

type HeldState = Pick<Deliveries, 'deliveriesOf'> & Pick<Incidents, 'incidentsOf'>;

/**
 * Which held deliveries a review has to look at. Of the others no more than the key is read: they are held by a silence that
 * is still in force, that nothing found of their incident can end, and that ends after all new ones; they are not over,
 * nobody has joined, and of those of several no silence has ended. Of each some 300 bytes are remembered, however large its incident is.
 */
export class HeldDeliveries {
  readonly #state: HeldState;
  #known = new Map<string, Known>();
  /** Silences in force when the last ones were looked at. */
  #inForce: ReadonlySet<Silence> = new Set();
  /** Number of the review, up to `TURNS`. */
  #turn = 0;

  constructor(state: HeldState) {
    this.#state = state;
  }

  /**
   * Of all that are held, by key, those to be judged again, in their order. `silences`: those in force, the same objects
   * each time.
   */
  async changed(keys: readonly string[], silences: readonly Silence[]): Promise<string[]> {
    const inForce = new Set(silences);
    const added = silences.filter(silence => !this.#inForce.has(silence));
    const latest = added.reduce((until, silence) => Math.max(until, silence.until), Number.NEGATIVE_INFINITY);
    const hasEnded = [...this.#inForce].some(silence => !inForce.has(silence));
    const isSettled = ({ by, members }: Known): boolean => {
      if (by === null || !inForce.has(by) || by.until < latest || dependsOnCourse(by)) return false;
      // Of several each needs one; the first of these to end is the one that is remembered.
      return members <= 1 || !hasEnded;
    };
    const settled = new Map<string, Known>();
    for (const key of keys) {
      const known = this.#known.get(key);
      if (known && isSettled(known)) settled.set(key, known);
    }
    for (const key of await this.#over(settled)) settled.delete(key);
    for (const key of await this.#joined(settled)) settled.delete(key);
    this.#known = settled;
    this.#inForce = inForce;
    return keys.filter(key => !settled.has(key));
  }

  /** It was judged, and stays held. */
  keep(key: string, { incident: { id, members = [] }, ...known }: Judged): void {
    this.#known.set(key, { ...known, incident: id, members: members.length });
  }

  /** How many each silence holds. */
  bySilence(): Map<Silence, number> {
    const counts = new Map<Silence, number>();
    for (const { by } of this.#known.values()) if (by) counts.set(by, (counts.get(by) ?? 0) + 1);
    return counts;
  }

  /** Keys of those whose incident somebody has joined, whom its silence may not cover. */
  async #joined(settled: ReadonlyMap<string, Known>): Promise<string[]> {
    this.#turn = (this.#turn + 1) % TURNS;
    const due = [...settled]
      .toReversed()
      .filter(([, { by }], i) => by && dependsOnMembers(by) && (i < NEWEST || i % TURNS === this.#turn));
    const found: string[] = [];
    for (let i = 0; i < due.length; i += PAGE) {
      const page = due.slice(i, i + PAGE);
      const now = await this.#state.incidentsOf([...new Set(page.map(([, { incident }]) => incident))]);
      for (const [key, { incident, members }] of page)
        if ((now.get(incident)?.members?.length ?? 0) > members) found.push(key);
    }
    return found;
  }

  /** Keys of those whose incident is over. */
  async #over(settled: ReadonlyMap<string, Known>): Promise<string[]> {
    const all = [...settled];
    const found: string[] = [];
    for (let i = 0; i < all.length; i += PAGE) {
      const page = all.slice(i, i + PAGE);
      const ends = await this.#state.deliveriesOf([...new Set(page.map(([, { end }]) => end))]);
      for (const [key, { end }] of page) if (ends.has(end)) found.push(key);
    }
    return found;
  }
}
