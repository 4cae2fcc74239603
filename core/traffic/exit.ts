import type { Exit } from './frame.ts';

/** How a container ended, for people: `killed by signal 9 (exit code 137)`. */
export function exitText({ code, oom }: Pick<Exit, 'code' | 'oom'>): string {
  // Of a process that did not take the container with it nobody knows whether it matters.
  if (oom && code !== 0) return `out of memory (exit code ${code})`;
  if (code === 0) return 'it ended by itself (exit code 0)';
  return code > 128 ? `killed by signal ${code - 128} (exit code ${code})` : `it failed (exit code ${code})`;
}
