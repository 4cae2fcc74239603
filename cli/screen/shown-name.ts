import { printable } from '../../core/errors.ts';

/** The root of all cgroups: what runs on the host outside of all containers and services. */
const ROOT = '/';

/** A container's or cgroup's name for people, in at most `length` characters; the one that says nothing is explained. */
export const shownName = (name: string, length: number): string =>
  name === ROOT ? '/ (the host itself)' : printable(name, length);
