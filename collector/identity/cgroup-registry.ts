import type { Container } from '../../core/traffic/frame.ts';
import type { CgroupId, Description } from '../contract.ts';
import { type ContainerRef, containerOf, containerRefOf, mayBeDocker } from './naming.ts';

/** A cgroup that exists, or did until a moment ago. Times are kernel time, ns; null: not known, or not yet. */
interface Cgroup {
  path: string;
  ref: ContainerRef | null;
  /** Who it is according to `description`; null: not asked yet. */
  container: Container | null;
  description: Description | undefined;
  born: number | null;
  died: number | null;
  /** Whether a frame has said so. */
  birthTold: boolean;
  deathTold: boolean;
  /** Had traffic: what is no container is in the roster from then on. */
  seen: boolean;
  /** Frames since its death was told. */
  framesDead: number;
}

/** A cgroup in a frame. */
export interface FrameMember {
  readonly cgroup: CgroupId;
  readonly container: Container;
  /** Born, died inside the interval. */
  readonly started: boolean;
  readonly ended: boolean;
}

/** Frames for which a dead cgroup's name is kept: its last traffic is read out after its death. */
const REMEMBERED_FRAMES = 2;

/**
 * Who is who: cgroup id -> path -> container. Fed by events alone, deterministic, no I/O. Its size is that of the
 * host: living cgroups, those dead for `REMEMBERED_FRAMES`, and the containers that Docker has.
 */
export class CgroupRegistry {
  readonly #cgroups = new Map<CgroupId, Cgroup>();
  readonly #descriptions = new Map<string, Description>();
  /** Removed by Docker, with the time at which that was heard; forgotten once no cgroup refers to them. */
  readonly #removed = new Map<string, number>();

  /** A cgroup was made at `ns`. */
  birth(cgroup: CgroupId, path: string, ns: number): void {
    const known = this.#cgroups.get(cgroup);
    // An id that comes again after a death is somebody else's.
    if (known && (known.died === null || known.died >= ns)) {
      // A scan was faster than the event.
      if (known.born === null) {
        known.born = ns;
        known.birthTold = false;
      }
      return;
    }
    this.#cgroups.set(cgroup, newCgroup(path, ns, false));
  }

  /** A cgroup was removed at `ns`; `path` may be empty, which says nothing of one that is not known. */
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

  /** Whom a cgroup's traffic belongs to, or null when nobody knows it. */
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

  /** Ids of living containers that Docker may know and has not described. */
  undescribed(): string[] {
    const ids = new Set<string>();
    for (const { ref, died } of this.#cgroups.values()) {
      if (ref && mayBeDocker(ref) && died === null && !this.#descriptions.has(ref.id)) ids.add(ref.id);
    }
    return [...ids];
  }

  /**
   * Everyone alive at any moment up to `endNs` who was not told dead before: containers, and other cgroups that had
   * traffic (`active`, or earlier). Ids in `active` that nobody knows are left out. Marks births and deaths as told.
   */
  roster(active: Pick<ReadonlySet<CgroupId>, 'has'>, endNs: number): FrameMember[] {
    const members: FrameMember[] = [];
    for (const [id, cgroup] of this.#cgroups) {
      if (active.has(id)) cgroup.seen = true;
      else if (cgroup.deathTold || (cgroup.born ?? 0) > endNs) continue;
      const started = !cgroup.birthTold && cgroup.born !== null && cgroup.born <= endNs;
      const ended = !cgroup.deathTold && cgroup.died !== null && cgroup.died <= endNs;
      cgroup.birthTold ||= started;
      cgroup.deathTold ||= ended;
      if (!cgroup.seen && !cgroup.ref) continue;
      const own = !cgroup.ref?.nested;
      const container = this.#containerOf(cgroup);
      members.push({ cgroup: id, container, started: started && own, ended: ended && own });
    }
    return members;
  }

  /**
   * The frame that ended at `endNs` has passed: forget those who have been dead for long enough. News of Docker may come
   * before frames that wait to be read: what it removed is described until its own time has passed.
   */
  age(endNs: number): void {
    const unused = new Set<string>();
    for (const [id, ns] of this.#removed) if (ns <= endNs) unused.add(id);
    for (const [id, cgroup] of this.#cgroups) {
      if (cgroup.deathTold && ++cgroup.framesDead > REMEMBERED_FRAMES) this.#cgroups.delete(id);
      else if (cgroup.ref) unused.delete(cgroup.ref.id);
    }
    for (const id of unused) {
      this.#descriptions.delete(id);
      this.#removed.delete(id);
    }
  }

  /** The same object for as long as nothing else is known. */
  #containerOf(cgroup: Cgroup): Container {
    const description = cgroup.ref ? this.#descriptions.get(cgroup.ref.id) : undefined;
    if (!cgroup.container || cgroup.description !== description) {
      cgroup.container = containerOf(cgroup.path, cgroup.ref, description);
      cgroup.description = description;
    }
    return cgroup.container;
  }
}

/** `birthTold`: true where nobody knows when it was born. */
function newCgroup(path: string, born: number | null, birthTold: boolean): Cgroup {
  const ref = containerRefOf(path);
  return {
    path,
    ref,
    container: null,
    description: undefined,
    born,
    died: null,
    birthTold,
    deathTold: false,
    seen: false,
    framesDead: 0,
  };
}
