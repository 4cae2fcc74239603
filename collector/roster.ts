import { type Container, compareText, DIRECTIONS, type Frame, type Window } from '../core/frame.ts';
import type { CgroupId } from './contract.ts';
import type { Member } from './identity.ts';
import { compareCgroups, OTHER } from './naming.ts';
import type { Readout } from './readout.ts';

interface Entry {
  container: Container;
  started: boolean;
  ended: boolean;
  /** Of its cgroups that had traffic, in the readout. */
  readonly rows: number[];
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
  readout: Pick<Readout, 'cgroups' | 'window'>,
  limit: number,
): Roster {
  const entries = new Map<string, Entry>();
  const named = new Map<CgroupId, string>();
  let folded = 0;
  for (const member of [...members].sort(compareMembers)) {
    const row = readout.cgroups.get(member.cgroup);
    const fits = entries.has(member.container.name) || entries.size < limit;
    named.set(member.cgroup, fits ? member.container.name : OTHER.name);
    if (fits) merge(entries, member, row);
    else {
      folded++;
      if (row !== undefined) mergeOther(entries, row);
    }
  }
  for (const [cgroup, row] of readout.cgroups) if (!named.has(cgroup)) mergeOther(entries, row);

  const sorted = [...entries.values()].sort((a, b) => compareText(a.container.name, b.container.name));
  const namesOf = (list: readonly Entry[]) => list.map(entry => entry.container.name);
  return {
    containers: sorted.map(entry => entry.container),
    started: namesOf(sorted.filter(entry => entry.started)),
    ended: namesOf(sorted.filter(entry => entry.ended)),
    windows: sorted.flatMap(entry => windowsOf(entry, readout)),
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
  row: number | undefined,
): void {
  const { container, started, ended } = member;
  const entry = entries.get(container.name) ?? { container, started: false, ended: false, rows: [] };
  entry.container = container;
  entry.started ||= started;
  entry.ended ||= ended;
  if (row !== undefined) entry.rows.push(row);
  entries.set(container.name, entry);
}

const mergeOther = (entries: Map<string, Entry>, row: number): void =>
  merge(entries, { container: OTHER, started: false, ended: false }, row);

function windowsOf({ container, rows }: Entry, readout: Pick<Readout, 'window'>): Window[] {
  return DIRECTIONS.flatMap(direction => {
    const window = readout.window(direction, rows);
    return window ? [{ container: container.name, direction, ...window }] : [];
  });
}
