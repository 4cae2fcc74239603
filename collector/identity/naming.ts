import { type Container, isNameless, shortId } from '../../core/traffic/frame.ts';
import type { CgroupId, Description } from '../contract.ts';

/**
 * Where container runtimes put their containers in the cgroup tree: one path component holds the id. The first
 * pattern that fits any component (from the root down) decides, so that cgroups inside a container are its own.
 */
const RUNTIMES: readonly {
  readonly runtime: string;
  readonly component: RegExp;
  readonly parent?: RegExp;
}[] = [
  { runtime: 'docker', component: /^docker-([0-9a-f]{64})\.scope$/ },
  { runtime: 'docker', component: /^([0-9a-f]{64})$/, parent: /^docker$/ },
  { runtime: 'podman', component: /^libpod-([0-9a-f]{64})(?:\.scope)?$/ },
  { runtime: 'containerd', component: /^cri-containerd-([0-9a-f]{64})\.scope$/ },
  { runtime: 'crio', component: /^crio-([0-9a-f]{64})(?:\.scope)?$/ },
  { runtime: 'kubernetes', component: /^([0-9a-f]{64})$/, parent: /^pod[0-9a-f-]+$/ },
  // Docker with another cgroup parent, nerdctl, and the like.
  { runtime: 'container', component: /^([0-9a-f]{64})$/ },
];

/** A container's cgroup, recognised by its path. */
export interface ContainerRef {
  readonly runtime: string;
  /** The runtime's id, 64 hex digits. */
  readonly id: string;
  /** True for a cgroup inside the container's own one. */
  readonly nested: boolean;
}

/** The container that a cgroup's path belongs to; null when it is not a container's. */
export function containerRefOf(path: string): ContainerRef | null {
  const components = path.split('/');
  for (const [i, component] of components.entries()) {
    for (const { runtime, component: pattern, parent } of RUNTIMES) {
      const id = pattern.exec(component)?.[1];
      if (id === undefined || (parent && !parent.test(components[i - 1] ?? ''))) continue;
      return { runtime, id, nested: i < components.length - 1 };
    }
  }
  return null;
}

/** True when Docker may know the container. */
export const mayBeDocker = (ref: ContainerRef): boolean =>
  ref.runtime === 'docker' || ref.runtime === 'container';

/** Traffic that could not be attributed to a container or cgroup. */
export const OTHER: Container = plain('other', 'other');

/** The container that a cgroup's traffic belongs to; `description` is Docker's, if there is one. */
export function containerOf(
  path: string,
  ref: ContainerRef | null,
  description: Description | undefined,
): Container {
  if (ref === null) return plain(path, 'cgroup');
  const { runtime, id } = ref;
  const fallback = `${runtime}:${shortId(id)}`;
  if (!description) return { ...plain(fallback, 'container'), id };
  const name = isUsable(description.name) ? description.name : fallback;
  const { project, service, number, image, labels } = description;
  return {
    name,
    kind: 'container',
    service: service ? (project ? `${project}/${service}` : service) : withoutTag(image) || name,
    replica: service && number ? number : name,
    image,
    id,
    ...(labels === undefined ? {} : { labels }),
  };
}

function plain(name: string, kind: Container['kind']): Container {
  return { name, kind, service: name, replica: name, image: '', id: '' };
}

/** A name that cannot be mistaken for a cgroup's path, for `other`, or for the fallback name of a container. */
function isUsable(name: string): boolean {
  return name !== '' && name !== OTHER.name && !name.startsWith('/') && !isNameless({ name });
}

/** `registry:5000/team/web:1.2@sha256:…` is `registry:5000/team/web`; a bare image id says nothing, ''. */
export function withoutTag(image: string): string {
  if (image.startsWith('sha256:')) return '';
  return image.replace(/@sha256:[0-9a-f]*$/, '').replace(/:[^:/]*$/, '');
}

/** Oldest first, as far as ids tell: the kernel assigns them in ascending order. */
export function compareCgroups(a: CgroupId, b: CgroupId): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
