import { type Container, compareText, DIRECTIONS, type Frame, type Window } from '../core/frame.ts';
import { countOf } from '../core/histogram.ts';
import type { CgroupId } from './contract.ts';
import type { Member } from './identity.ts';
import { compareCgroups, OTHER } from './naming.ts';
import { addTallies, newTallies, sizesOf, type Tallies } from './readout.ts';

interface Entry {
  container: Container;
  started: boolean;
  ended: boolean;
  readonly tallies: Tallies;
}

/** The part of a frame that says who did what, and how many members had no place of their own in it. */
export interface Roster extends Pick<Frame, 'containers' | 'started' | 'ended' | 'windows'> {
  readonly folded: number;
  /** Names of the members' cgroups; any other cgroup is `other`. */
  readonly names: ReadonlyMap<CgroupId, string>;
}

/**
 * Put names to traffic. Cgroups of one name are merged, the newest gives the container's details. Traffic of unknown
 * cgroups goes to `other`; so do the members beyond the first `limit` names, containers and the oldest first.
 */
export function rosterOf(
  members: readonly Member[],
  traffic: ReadonlyMap<CgroupId, Tallies>,
  limit: number,
): Roster {
  const entries = new Map<string, Entry>();
  const named = new Map<CgroupId, string>();
  let folded = 0;
  for (const member of [...members].sort(compareMembers)) {
    const tallies = traffic.get(member.cgroup);
    const fits = entries.has(member.container.name) || entries.size < limit;
    named.set(member.cgroup, fits ? member.container.name : OTHER.name);
    if (fits) merge(entries, member, tallies);
    else {
      folded++;
      if (tallies) mergeOther(entries, tallies);
    }
  }
  for (const [cgroup, tallies] of traffic) if (!named.has(cgroup)) mergeOther(entries, tallies);

  const sorted = [...entries.values()].sort((a, b) => compareText(a.container.name, b.container.name));
  const namesOf = (list: readonly Entry[]) => list.map(entry => entry.container.name);
  return {
    containers: sorted.map(entry => entry.container),
    started: namesOf(sorted.filter(entry => entry.started)),
    ended: namesOf(sorted.filter(entry => entry.ended)),
    windows: sorted.flatMap(windowsOf),
    folded,
    names: named,
  };
}

/** Containers first, then the oldest: who has a place in the frame keeps it while others come and go. */
function compareMembers(a: Member, b: Member): number {
  const rank = (member: Member) => (member.container.kind === 'container' ? 0 : 1);
  return rank(a) - rank(b) || compareCgroups(a.cgroup, b.cgroup);
}

function merge(
  entries: Map<string, Entry>,
  member: Pick<Member, 'container' | 'started' | 'ended'>,
  tallies: Tallies | undefined,
): void {
  const { container, started, ended } = member;
  const entry = entries.get(container.name) ?? {
    container,
    started: false,
    ended: false,
    tallies: newTallies(),
  };
  entry.container = container;
  entry.started ||= started;
  entry.ended ||= ended;
  if (tallies) addTallies(entry.tallies, tallies);
  entries.set(container.name, entry);
}

const mergeOther = (entries: Map<string, Entry>, tallies: Tallies): void =>
  merge(entries, { container: OTHER, started: false, ended: false }, tallies);

function windowsOf({ container, tallies }: Entry): Window[] {
  return DIRECTIONS.flatMap(direction => {
    const { bytes } = tallies[direction];
    const sizes = sizesOf(tallies[direction]);
    const messages = countOf(sizes);
    return messages > 0 ? [{ container: container.name, direction, messages, bytes, sizes }] : [];
  });
}
