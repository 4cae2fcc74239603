import { userInfo } from 'node:os';

/** Who types: the user, also through sudo. In a container, the user of a process often has no name. */
export function personHere(): string {
  if (process.env.SUDO_USER !== undefined) return process.env.SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
