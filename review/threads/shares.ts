import type { Container, Frame } from '../../core/traffic/frame.ts';
import type { FoldState, Subject } from '../../detector/contract.ts';

/**
 * Which of several shares each service of a host is in. A service stays in its share: what is known of it is there. New
 * ones go to the share with the fewest containers, so that all have about as much to do.
 */
export class Shares {
  readonly #ofService = new Map<string, number>();
  /** Containers of each share, as they were when their services came. */
  readonly #loads: number[];

  constructor(count: number) {
    this.#loads = Array.from({ length: count }, () => 0);
  }

  /** The share of each of these containers. */
  of(containers: readonly Container[]): Uint8Array {
    if (containers.some(({ service }) => !this.#ofService.has(service))) this.#assign(containers);
    return Uint8Array.from(containers, ({ service }) => this.#ofService.get(service) ?? 0);
  }

  /** The parts of a state that the shares have. */
  split(state: FoldState): FoldState[] {
    const parts = this.#loads.map((): Record<string, Subject> => ({}));
    for (const [key, subject] of Object.entries(state.subjects.byKey)) {
      const part = parts[this.#shareOf(serviceIn(key))];
      if (part) part[key] = subject;
    }
    return parts.map(byKey => {
      const subjects = { ...state.subjects, byKey, count: Object.keys(byKey).length };
      return { ...state, subjects };
    });
  }

  /** The largest services first: small ones even out what these leave. */
  #assign(containers: readonly Container[]): void {
    const counts = new Map<string, number>();
    for (const { service } of containers)
      if (!this.#ofService.has(service)) counts.set(service, (counts.get(service) ?? 0) + 1);
    for (const [service, count] of [...counts].sort((a, b) => b[1] - a[1])) this.#put(service, count);
  }

  #shareOf(service: string): number {
    return this.#ofService.get(service) ?? this.#put(service, 1);
  }

  #put(service: string, containers: number): number {
    const share = this.#loads.indexOf(Math.min(...this.#loads));
    this.#ofService.set(service, share);
    this.#loads[share] = (this.#loads[share] ?? 0) + containers;
    return share;
  }
}

/** All keys of subjects are JSON: of replicas, slots and services with the service as their second part. */
const serviceIn = (key: string): string => String((JSON.parse(key) as unknown[])[1] ?? '');

/** Who is in which share, frame after frame: most frames have the same containers as the one before. */
export class Members {
  readonly #shares: Shares;
  #containers: readonly Container[] = [];
  #places = new Map<string, number>();
  #lastPlace = -1;
  #shareOf: Readonly<Uint8Array> = new Uint8Array();

  constructor(shares: Shares) {
    this.#shares = shares;
  }

  /** Of each container its share. */
  get shareOf(): Readonly<Uint8Array> {
    return this.#shareOf;
  }

  /** Where in the frame the container of this name is; -1: nowhere. */
  placeOf(name: string): number {
    // Rows come in the order of the containers: most are of the same one as before, or of the next.
    const last = this.#lastPlace;
    if (this.#containers[last]?.name === name) return last;
    if (this.#containers[last + 1]?.name === name) this.#lastPlace = last + 1;
    else this.#lastPlace = this.#places.get(name) ?? -1;
    return this.#lastPlace;
  }

  /** What is said from now on is of this frame. Returns whether others are in it than in the one before. */
  see({ containers }: Pick<Frame, 'containers'>): boolean {
    this.#lastPlace = -1;
    const known = this.#containers;
    if (known.length === containers.length && known.every((one, i) => one === containers[i])) return false;
    this.#containers = containers;
    this.#places = new Map(containers.map(({ name }, i) => [name, i]));
    this.#shareOf = this.#shares.of(containers);
    return true;
  }
}
