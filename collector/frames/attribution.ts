import {
  type Container,
  compareText,
  DIRECTIONS,
  type Frame,
  type Window,
} from '../../core/traffic/frame.ts';
import type { CgroupId } from '../contract.ts';
import type { FrameMember } from '../identity/cgroup-registry.ts';
import { compareCgroups, OTHER } from '../identity/naming.ts';
import type { MapSnapshot } from './map-snapshot.ts';

interface Entry {
  container: Container;
  started: boolean;
  ended: boolean;
  /** Of its cgroups that had traffic, in the snapshot. */
  readonly rows: number[];
}

/** The traffic of a frame by container, and how many members were aggregated as `other`. */
export interface Attribution extends Pick<Frame, 'containers' | 'started' | 'ended' | 'windows'> {
  readonly aggregated: number;
  /** Names of the members' cgroups; any other cgroup is `other`. */
  readonly names: ReadonlyMap<CgroupId, string>;
}

/**
 * Attribute traffic to containers. Cgroups of one name are merged; the newest gives the container's details. Traffic of
 * unknown cgroups goes to `other`, and so do members beyond the first `limit` names; containers and the oldest come first.
 */
export function attribute(
  members: readonly FrameMember[],
  snapshot: Pick<MapSnapshot, 'cgroups' | 'window'>,
  limit: number,
): Attribution {
  const entries = new Map<string, Entry>();
  const named = new Map<CgroupId, string>();
  let aggregated = 0;
  for (const member of [...members].sort(compareMembers)) {
    const { cgroup, container } = member;
    let entry = entries.get(container.name);
    if (!entry && entries.size < limit) entry = addEntry(entries, container);
    named.set(cgroup, entry ? container.name : OTHER.name);
    if (entry) merge(entry, member, snapshot.cgroups.get(cgroup));
    else {
      aggregated++;
      addOther(entries, snapshot.cgroups.get(cgroup));
    }
  }
  for (const [cgroup, row] of snapshot.cgroups) if (!named.has(cgroup)) addOther(entries, row);

  const sorted = [...entries.values()].sort((a, b) => compareText(a.container.name, b.container.name));
  const namesOf = (list: readonly Entry[]) => list.map(entry => entry.container.name);
  return {
    containers: sorted.map(entry => entry.container),
    started: namesOf(sorted.filter(entry => entry.started)),
    ended: namesOf(sorted.filter(entry => entry.ended)),
    windows: windowsOf(sorted, snapshot),
    aggregated,
    names: named,
  };
}

/** Containers first, then the oldest: a name that is in the frame stays while others come and go. */
function compareMembers(a: FrameMember, b: FrameMember): number {
  const rank = (member: FrameMember) => (member.container.kind === 'container' ? 0 : 1);
  return rank(a) - rank(b) || compareCgroups(a.cgroup, b.cgroup);
}

function addEntry(entries: Map<string, Entry>, container: Container): Entry {
  const entry = { container, started: false, ended: false, rows: [] };
  entries.set(container.name, entry);
  return entry;
}

function merge(entry: Entry, { container, started, ended }: FrameMember, row: number | undefined): void {
  entry.container = container;
  entry.started ||= started;
  entry.ended ||= ended;
  if (row !== undefined) entry.rows.push(row);
}

/** Traffic without a container in the frame, if there is any. */
function addOther(entries: Map<string, Entry>, row: number | undefined): void {
  if (row === undefined) return;
  const entry = entries.get(OTHER.name) ?? addEntry(entries, OTHER);
  entry.rows.push(row);
}

function windowsOf(entries: readonly Entry[], snapshot: Pick<MapSnapshot, 'window'>): Window[] {
  const windows: Window[] = [];
  for (const { container, rows } of entries) {
    for (const direction of DIRECTIONS) {
      const window = snapshot.window(container.name, direction, rows);
      if (window) windows.push(window);
    }
  }
  return windows;
}
