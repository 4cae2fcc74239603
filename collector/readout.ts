import { DIRECTIONS, type Direction } from '../core/frame.ts';
import type { Sizes } from '../core/histogram.ts';
import type { CgroupId, ConnectionCount, Counts, EndCount, TalkCount } from './contract.ts';
import type { Talk } from './flows/talk.ts';

/** Traffic in one direction, still being added up. */
export interface Tally {
  bytes: number;
  /** Messages by lower bound of their size's bucket, in any order, a bucket possibly several times. */
  readonly sizes: (readonly [bound: number, count: number])[];
}

/** One cgroup's traffic. */
export type Tallies = Readonly<Record<Direction, Tally>>;

export const newTallies = (): Tallies => ({ send: newTally(), receive: newTally() });
const newTally = (): Tally => ({ bytes: 0, sizes: [] });

/** Add `from` to `to`. */
export function addTallies(to: Tallies, from: Tallies): void {
  for (const direction of DIRECTIONS) {
    to[direction].bytes += from[direction].bytes;
    for (const size of from[direction].sizes) to[direction].sizes.push(size);
  }
}

const newTalk = (talk: Talk): TalkTally => ({
  talk,
  send: { messages: 0, bytes: 0 },
  receive: { messages: 0, bytes: 0 },
});

/** The histogram of a tally. */
export function sizesOf({ sizes }: Tally): Sizes {
  const merged: [bound: number, count: number][] = [];
  let last: [bound: number, count: number] | undefined;
  for (const [bound, count] of sizes.toSorted((a, b) => a[0] - b[0])) {
    if (last?.[0] === bound) last[1] += count;
    else {
      last = [bound, count];
      merged.push(last);
    }
  }
  return merged;
}

/** What a cgroup exchanged with one peer, still being added up. */
export interface TalkTally {
  readonly talk: Talk;
  readonly send: { messages: number; bytes: number };
  readonly receive: { messages: number; bytes: number };
}

/** What was read out of one set of maps. */
export class Readout {
  readonly cgroups = new Map<CgroupId, Tallies>();
  /** Entries of the fullest map. */
  entries = 0;
  /** Messages in all cells. */
  #messages = 0;
  /** Messages counted a second time, or null where they are not. */
  #total: number | null = null;
  /** By cgroup and the talk's id. */
  readonly talks = new Map<CgroupId, Map<string, TalkTally>>();
  readonly ends: EndCount[] = [];
  readonly connections: ConnectionCount[] = [];
  readonly #maps = new Set<string>();

  /** Take a map's content; false when this map has been read already. */
  take(counts: Counts): boolean {
    if (this.#maps.has(counts.map)) return false;
    this.#maps.add(counts.map);
    this.entries = Math.max(this.entries, counts.entries);
    for (const { cgroup, bytes, sizes } of counts.traffic) {
      const tally = this.#tally(cgroup, counts.direction);
      tally.bytes += bytes;
      for (const size of sizes) {
        tally.sizes.push(size);
        this.#messages += size[1];
      }
    }
    for (const count of counts.talks) this.#talk(count, counts.direction);
    for (const end of counts.ends) this.ends.push(end);
    for (const count of counts.connections) {
      this.connections.push(count);
      // Who only tried to connect is part of the frame as well.
      this.#tally(count.cgroup, 'send');
    }
    return true;
  }

  /** Messages that no cell counted; 0 where they are not counted a second time. */
  get missing(): number {
    return this.#total === null ? 0 : Math.max(0, this.#total - this.#messages);
  }

  /** Another part of the same interval follows: its maps are new ones. */
  nextPart(): void {
    this.#maps.clear();
  }

  /** Take the count of all messages; false when it has been taken already. */
  count(messages: number): boolean {
    if (this.#maps.has('')) return false;
    this.#maps.add('');
    this.#total = (this.#total ?? 0) + messages;
    return true;
  }

  #talk({ cgroup, id, talk, messages, bytes }: TalkCount, direction: Direction): void {
    const talks = this.talks.get(cgroup) ?? new Map<string, TalkTally>();
    this.talks.set(cgroup, talks);
    const tally = talks.get(id) ?? newTalk(talk);
    talks.set(id, tally);
    tally[direction].messages += messages;
    tally[direction].bytes += bytes;
  }

  #tally(cgroup: CgroupId, direction: Direction): Tally {
    const known = this.cgroups.get(cgroup);
    if (known) return known[direction];
    const tallies = newTallies();
    this.cgroups.set(cgroup, tallies);
    return tallies[direction];
  }
}
