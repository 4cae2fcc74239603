/** Bugs of some versions of bpftrace, and how a program works around them. */

interface Quirk {
  /** Minor version `0.N` of the first and the last that have it. */
  readonly since: number;
  readonly until: number;
  /** The same program for these versions. */
  readonly mend: (text: string) => string;
}

const QUIRKS: readonly Quirk[] = [
  { since: 20, until: 23, mend: guardKeys },
  { since: 23, until: 23, mend: findPaths },
];

/** Version of bpftrace. */
export type BpftraceVersion = readonly [major: number, minor: number];

/** `0.23.2` -> [0, 23]; null when it is no version. */
export function bpftraceVersionOf(text: string | null): BpftraceVersion | null {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})(?!\d)/.exec(text ?? '') ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

/** The same program for that version of bpftrace; one that is not known has no quirks. */
export function adapt(text: string, version: BpftraceVersion | null): string {
  const [major, minor] = version ?? [Number.NaN, Number.NaN];
  const quirks = QUIRKS.filter(({ since, until }) => major === 0 && since <= minor && minor <= until);
  return quirks.reduce((mended, { mend }) => mend(mended), text);
}

/**
 * 0.20 to 0.23 make a new key only if it is still absent: of two processors that count their first message under one
 * key at the same time, one loses it (bpftrace#4068, mended in 0.24). With 5 s between two resets that is seldom, yet
 * not never. So before a sum grows, a sum of 0 makes its key; who is late with that loses 0. A histogram has no such 0:
 * where a cgroup is the whole key, the processor becomes a part of it, so that no two can make the same one.
 */
function guardKeys(text: string): string {
  return text
    .replace(/^(\s*)(@\w+\[(?!cgroup\]).*\]) = sum\(.*\);$/gm, '$1$2 = sum((uint64)0);\n$&')
    .replaceAll('[cgroup]', '[cgroup, cpu]');
}

/**
 * 0.23 takes the distance of a text from the start of the record four times (it counts words of 4 bytes, not bytes):
 * what it reads there is empty. A path is the only text in its record, so that it begins right behind its own
 * descriptor of 4 bytes.
 */
function findPaths(text: string): string {
  return text.replace(/tracepoint:cgroup:(cgroup_\w+)[^{]*\{[^}]*\}/g, (probe, name: string) =>
    probe.replaceAll(
      'str(args->path)',
      `str((uint64)args->path - 3 * (offsetof(struct _tracepoint_cgroup_${name}, path) + 4))`,
    ),
  );
}
