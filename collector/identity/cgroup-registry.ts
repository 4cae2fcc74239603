import { type Container, compareText, type Exit, MAX_EXITS } from '../../core/traffic/frame.ts';
import type { CgroupId, Description } from '../contract.ts';
import { type ContainerRef, containerOf, containerRefOf, mayBeDocker } from './naming.ts';

/** A cgroup that exists, or existed a moment ago. Times are kernel time, ns; null: unknown, or not yet. */
interface Cgroup {
  path: string;
  ref: ContainerRef | null;
  /** Its container as of `description`; null: not computed yet. */
  container: Container | null;
  description: Description | undefined;
  born: number | null;
  died: number | null;
  /** Whether a frame has reported it. */
  birthReported: boolean;
  deathReported: boolean;
  /** Had traffic: a cgroup that is not a container is in frames from then on. */
  hadTraffic: boolean;
  /** Frames since its death was reported. */
  framesSinceDeath: number;
}

/** Which containers without a description are asked for: all, or those that Docker may know. */
export type Undescribed = 'all' | 'docker';

/** A cgroup in a frame. */
export interface FrameMember {
  readonly cgroup: CgroupId;
  readonly container: Container;
  /** Born, died inside the interval. */
  readonly started: boolean;
  readonly ended: boolean;
}

/** Frames for which a dead cgroup is remembered: its last traffic is read out after its death. */
const DEAD_FRAMES = 2;

/**
 * All cgroups of the host: id -> path -> container. Fed by events alone, deterministic, no I/O. It grows with the host
 * only: living cgroups, those dead for `DEAD_FRAMES`, and the containers that Docker has.
 */
export class CgroupRegistry {
  readonly #cgroups = new Map<CgroupId, Cgroup>();
  readonly #descriptions = new Map<string, Description>();
  /** Removed by Docker, with the time at which that was heard; forgotten once no cgroup refers to them. */
  readonly #removed = new Map<string, number>();
  /** Ends that no frame has told of, with the time at which each was heard; the newest ones. */
  #exits: { readonly id: string; readonly code: number; readonly oom: boolean; readonly ns: number }[] = [];

  /** A cgroup was made at `ns`. */
  birth(cgroup: CgroupId, path: string, ns: number): void {
    const known = this.#cgroups.get(cgroup);
    // An id that comes again after a death is another cgroup.
    if (known && (known.died === null || known.died >= ns)) {
      // A scan was faster than the event.
      if (known.born === null) {
        known.born = ns;
        known.birthReported = false;
      }
      return;
    }
    this.#cgroups.set(cgroup, newCgroup(path, ns, false));
  }

  /** A cgroup was removed at `ns`; with an empty `path` an unknown one is ignored. */
  death(cgroup: CgroupId, path: string, ns: number): void {
    if (path === '' && !this.#cgroups.has(cgroup)) return;
    const known = this.#cgroups.get(cgroup) ?? newCgroup(path, null, true);
    known.died ??= ns;
    this.#cgroups.set(cgroup, known);
  }

  /** The full path of a cgroup whose path had been cut. */
  located(cgroup: CgroupId, path: string): void {
    const known = this.#cgroups.get(cgroup);
    if (!known) return;
    known.path = path;
    known.ref = containerRefOf(path);
    known.container = null;
  }

  /** Everything that existed at `ns` or a little later. What was born before and is not in the list is dead. */
  scanned(cgroups: readonly (readonly [CgroupId, string])[], ns: number): void {
    const found = new Map(cgroups);
    for (const [cgroup, path] of found) {
      if (!this.#cgroups.has(cgroup)) this.#cgroups.set(cgroup, newCgroup(path, null, true));
    }
    for (const [id, cgroup] of this.#cgroups) {
      if (!found.has(id) && (cgroup.born ?? 0) < ns) cgroup.died ??= ns;
    }
  }

  described(description: Description): void {
    this.#descriptions.set(description.id, description);
    this.#removed.delete(description.id);
  }

  /** Docker has removed a container, as was heard at `ns`. */
  forgotten(id: string, ns: number): void {
    this.#removed.set(id, ns);
  }

  /** A container has ended, as was heard at `ns`. */
  exited({ id, code, oom }: Pick<Exit, 'code' | 'oom'> & { id: string }, ns: number): void {
    this.#exits.push({ id, code, oom, ns });
    if (this.#exits.length > MAX_EXITS) this.#exits.shift();
  }

  /**
   * What was heard up to `endNs`, sorted by name, each container's last end; those whose container has no cgroup here are
   * left out. It is not told again.
   */
  takeExits(endNs: number): Exit[] {
    if (this.#exits.length === 0) return [];
    const nameOf = this.namesOfContainers();
    const told = new Map<string, Exit>();
    for (const { id, code, oom, ns } of this.#exits) {
      const container = ns <= endNs ? nameOf(id) : null;
      if (container !== null) told.set(container, { container, code, oom });
    }
    this.#exits = this.#exits.filter(({ ns }) => ns > endNs);
    return [...told.values()].sort((a, b) => compareText(a.container, b.container));
  }

  /** Name of the container that a cgroup belongs to, or null when the cgroup is unknown. */
  nameOf(cgroup: CgroupId): string | null {
    const known = this.#cgroups.get(cgroup);
    return known ? this.#containerOf(known).name : null;
  }

  /**
   * Names of containers by their ids, as they are now; null for those that have no cgroup here, such as the containers of
   * a Docker on another machine.
   */
  namesOfContainers(): (id: string) => string | null {
    let names: Map<string, string> | null = null;
    return id => {
      names ??= new Map(
        [...this.#cgroups.values()].flatMap((cgroup): [string, string][] =>
          cgroup.ref ? [[cgroup.ref.id, this.#containerOf(cgroup).name]] : [],
        ),
      );
      return names.get(id) ?? null;
    };
  }

  /** Living cgroups, and whether each belongs to a container. */
  living(): [CgroupId, isContainer: boolean][] {
    return [...this.#cgroups].flatMap(([id, { ref, died }]) => (died === null ? [[id, ref !== null]] : []));
  }

  /** Path of a living cgroup, or null. */
  pathOf(cgroup: CgroupId): string | null {
    const known = this.#cgroups.get(cgroup);
    return known && known.died === null ? known.path : null;
  }

  /** Ids of living containers without a description. */
  undescribed(which: Undescribed): string[] {
    const ids = new Set<string>();
    for (const { ref, died } of this.#cgroups.values()) {
      if (ref === null || died !== null || this.#descriptions.has(ref.id)) continue;
      if (which === 'all' || mayBeDocker(ref)) ids.add(ref.id);
    }
    return [...ids];
  }

  /**
   * Cgroups alive at any moment up to `endNs` whose death was not reported before: containers, and other cgroups that
   * had traffic (`active`, or earlier). Ids in `active` that are not known are left out.
   */
  members(active: Pick<ReadonlySet<CgroupId>, 'has'>, endNs: number): FrameMember[] {
    return [...this.#cgroups].flatMap(([id, cgroup]) => {
      const isActive = active.has(id);
      const isListed = (cgroup.hadTraffic || cgroup.ref !== null) && isPresent(cgroup, endNs);
      if (!isActive && !isListed) return [];
      const changes = cgroup.ref?.nested ? { started: false, ended: false } : changesOf(cgroup, endNs);
      return { cgroup: id, container: this.#containerOf(cgroup), ...changes };
    });
  }

  /** A frame has reported the `members` of these arguments: their births and deaths are not reported again. */
  markReported(active: Pick<ReadonlySet<CgroupId>, 'has'>, endNs: number): void {
    for (const [id, cgroup] of this.#cgroups) {
      if (active.has(id)) cgroup.hadTraffic = true;
      else if (!isPresent(cgroup, endNs)) continue;
      const { started, ended } = changesOf(cgroup, endNs);
      cgroup.birthReported ||= started;
      cgroup.deathReported ||= ended;
    }
  }

  /**
   * The frame that ended at `endNs` is done: forget cgroups that have been dead for long enough. Docker's events may be
   * ahead of the frames: a removed container keeps its description until the frame of its removal is done.
   */
  age(endNs: number): void {
    const unused = new Set<string>();
    for (const [id, ns] of this.#removed) if (ns <= endNs) unused.add(id);
    for (const [id, cgroup] of this.#cgroups) {
      if (cgroup.deathReported && ++cgroup.framesSinceDeath > DEAD_FRAMES) this.#cgroups.delete(id);
      else if (cgroup.ref) unused.delete(cgroup.ref.id);
    }
    for (const id of unused) {
      this.#descriptions.delete(id);
      this.#removed.delete(id);
    }
  }

  /** The same object as long as the description stays the same. */
  #containerOf(cgroup: Cgroup): Container {
    const description = cgroup.ref ? this.#descriptions.get(cgroup.ref.id) : undefined;
    if (!cgroup.container || cgroup.description !== description) {
      cgroup.container = containerOf(cgroup.path, cgroup.ref, description);
      cgroup.description = description;
    }
    return cgroup.container;
  }
}

/** Whether a cgroup belongs to a frame that ends at `endNs`, with or without traffic. */
const isPresent = ({ deathReported, born }: Cgroup, endNs: number): boolean =>
  !deathReported && (born ?? 0) <= endNs;

/** Whether a birth and a death up to `endNs` are still to be reported. */
const changesOf = ({ born, died, birthReported, deathReported }: Cgroup, endNs: number) => ({
  started: !birthReported && born !== null && born <= endNs,
  ended: !deathReported && died !== null && died <= endNs,
});

/** `birthReported`: true where the time of birth is unknown. */
function newCgroup(path: string, born: number | null, birthReported: boolean): Cgroup {
  const ref = containerRefOf(path);
  return {
    path,
    ref,
    container: null,
    description: undefined,
    born,
    died: null,
    birthReported,
    deathReported: false,
    hadTraffic: false,
    framesSinceDeath: 0,
  };
}
