import { type Container, DIRECTIONS, type Direction, type Frame } from '../../core/traffic/frame.ts';
import { upperBound } from '../../core/traffic/histogram.ts';

/** Bounds of the size histogram of a container in bytes, exclusive: ours, at every doubling. */
const BOUNDS: readonly number[] = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

/** Sizes are whole: what is below 64 is at most 63, and `le` of Prometheus is inclusive. The last one is everything. */
export const SIZE_LIMITS: readonly number[] = [...BOUNDS.map(bound => bound - 1), Number.POSITIVE_INFINITY];

/** Who is gone keeps its numbers for so long, that the last of them are scraped, ms. */
const KEPT_MS = 600_000;

/** The name of all who have none of their own. */
const OTHER = 'other';

/** What one container has sent or received since it has numbers of its own. */
export interface Total {
  readonly container: string;
  readonly service: string;
  readonly direction: Direction;
  readonly messages: number;
  readonly bytes: number;
  /** Messages by size, for each of SIZE_LIMITS those that are no larger. */
  readonly sizes: readonly number[];
}

/** Of one direction; changes as frames come. `sizes` is not cumulative here. */
interface Sums {
  messages: number;
  bytes: number;
  readonly sizes: number[];
}

interface Entry {
  readonly service: string;
  readonly kind: Container['kind'];
  readonly sums: Readonly<Record<Direction, Sums>>;
  /** On the monotonic clock, ms. */
  seen: number;
}

/**
 * What containers have sent and received since the start, for metrics that may only grow. At most `limit` have numbers of
 * their own, first come, except that a container takes the place of a cgroup that is none; the sum of all others is `other`.
 * Whoever loses its numbers counts as `other` from then on: nothing is counted twice, and nothing ever falls.
 */
export class ContainerTotals {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #other: Entry['sums'] = noSums();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `came`: now, on the monotonic clock, ms. */
  add(frame: Pick<Frame, 'containers' | 'windows'>, came: number): void {
    const containers = new Map(frame.containers.map(container => [container.name, container]));
    for (const [name, entry] of this.#entries) {
      if (containers.has(name)) entry.seen = came;
      else if (came - entry.seen > KEPT_MS) this.#entries.delete(name);
    }
    for (const { container, direction, messages, bytes, sizes } of frame.windows) {
      const sums = (this.#entryOf(containers.get(container), came)?.sums ?? this.#other)[direction];
      sums.messages += messages;
      sums.bytes += bytes;
      for (const [bound, count] of sizes) {
        const i = BOUNDS.findIndex(limit => upperBound(bound) <= limit);
        const at = i === -1 ? BOUNDS.length : i;
        sums.sizes[at] = (sums.sizes[at] ?? 0) + count;
      }
    }
  }

  /** Those with numbers of their own, then `other`. */
  get totals(): Total[] {
    const named = [...this.#entries].flatMap(([container, { service, sums }]) =>
      DIRECTIONS.map(direction => totalOf({ container, service, direction }, sums[direction])),
    );
    const rest = DIRECTIONS.map(direction =>
      totalOf({ container: OTHER, service: OTHER, direction }, this.#other[direction]),
    );
    return [...named, ...rest];
  }

  /** The numbers of a container, made if there is room; null: it counts as `other`. */
  #entryOf(container: Container | undefined, came: number): Entry | null {
    if (container === undefined || container.kind === 'other' || container.name === OTHER) return null;
    const { name, service, kind } = container;
    const known = this.#entries.get(name);
    if (known?.service === service) return known;
    if (known === undefined && !this.#hasRoom(kind)) return null;
    const entry = { service, kind, sums: noSums(), seen: came };
    this.#entries.set(name, entry);
    return entry;
  }

  #hasRoom(kind: Container['kind']): boolean {
    if (this.#entries.size < this.#limit) return true;
    if (kind !== 'container') return false;
    const cgroup = [...this.#entries].find(([, entry]) => entry.kind === 'cgroup');
    return cgroup !== undefined && this.#entries.delete(cgroup[0]);
  }
}

const noSums = (): Entry['sums'] => ({ send: emptySums(), receive: emptySums() });
const emptySums = (): Sums => ({ messages: 0, bytes: 0, sizes: SIZE_LIMITS.map(() => 0) });

function totalOf(of: Pick<Total, 'container' | 'service' | 'direction'>, sums: Sums): Total {
  let below = 0;
  const sizes = sums.sizes.map(count => {
    below += count;
    return below;
  });
  return { ...of, messages: sums.messages, bytes: sums.bytes, sizes };
}
