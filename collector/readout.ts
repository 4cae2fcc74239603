import { DIRECTIONS, type Direction } from '../core/frame.ts';
import type { CgroupId, Counts } from './contract.ts';

/** Traffic in one direction, still being added up. */
export interface Tally {
  bytes: number;
  /** Messages by lower bound of their size's bucket. */
  readonly sizes: Map<number, number>;
}

/** One cgroup's traffic. */
export type Tallies = Readonly<Record<Direction, Tally>>;

export const newTallies = (): Tallies => ({ send: newTally(), receive: newTally() });
const newTally = (): Tally => ({ bytes: 0, sizes: new Map() });

/** Add `from` to `to`. */
export function addTallies(to: Tallies, from: Tallies): void {
  for (const direction of DIRECTIONS) {
    to[direction].bytes += from[direction].bytes;
    for (const [bound, count] of from[direction].sizes) add(to[direction].sizes, bound, count);
  }
}

function add(sizes: Map<number, number>, bound: number, count: number): void {
  sizes.set(bound, (sizes.get(bound) ?? 0) + count);
}

/** What was read out of one set of maps. */
export class Readout {
  readonly cgroups = new Map<CgroupId, Tallies>();
  /** Entries of the fullest map. */
  entries = 0;
  readonly #maps = new Set<string>();

  /** Take a map's content; false when this map has been read already. */
  take(counts: Counts): boolean {
    if (this.#maps.has(counts.map)) return false;
    this.#maps.add(counts.map);
    this.entries = Math.max(this.entries, counts.entries);
    for (const { cgroup, bound, count } of counts.sizes) {
      add(this.#tally(cgroup, counts.direction).sizes, bound, count);
    }
    for (const { cgroup, bytes } of counts.bytes) this.#tally(cgroup, counts.direction).bytes += bytes;
    return true;
  }

  #tally(cgroup: CgroupId, direction: Direction): Tally {
    const known = this.cgroups.get(cgroup);
    if (known) return known[direction];
    const tallies = newTallies();
    this.cgroups.set(cgroup, tallies);
    return tallies[direction];
  }
}
