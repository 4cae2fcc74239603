import { printable } from '../../core/errors.ts';
import { ROOT_CGROUP } from '../../core/traffic/frame.ts';

/** A container's or cgroup's name for people, in at most `length` characters; the one that says nothing is explained. */
export const shownName = (name: string, length: number): string =>
  name === ROOT_CGROUP ? '/ (the host itself)' : printable(name, length);
