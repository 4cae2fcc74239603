/**
 * bpftrace 0.20 to 0.23 make a new key only if it is still absent: of two processors that count their first message
 * under one key at the same time, one loses it (bpftrace#4068, mended in 0.24). With 5 s between two resets that is
 * seldom, yet not never.
 */
export function hasRacyKeys(version: string | null): boolean {
  const [, minor] = /^0\.(\d+)(?!\d)/.exec(version ?? '') ?? [];
  return Number(minor) >= 20 && Number(minor) <= 23;
}

/**
 * Statements that lose nothing there: before a sum grows, a sum of 0 makes its key; who is late with that loses 0. A
 * histogram has no such 0: where a cgroup is the whole key, the processor becomes a part of it, so that no two can
 * make the same one.
 */
export function guardKeys(statements: string): string {
  return statements
    .replace(/^(\s*)(@\w+\[.*,.*\]) = sum\(.*\);$/gm, '$1$2 = sum((uint64)0);\n$&')
    .replaceAll('[cgroup]', '[cgroup, cpu]');
}
