import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program in place of bpftrace prints (bpftrace.ts). */
interface Host {
  readonly probe: string;
  /** All of them have traffic in every interval. */
  readonly containers: number;
  readonly intervalMs: number;
}

/** A program that is started like bpftrace, and prints what it would on such a host; returns its path. */
export function standInBpftrace(folder: string, { probe, containers, intervalMs }: Host): string {
  const file = join(folder, 'bpftrace');
  const script = join(import.meta.dirname, 'bpftrace.ts');
  writeFileSync(
    file,
    `#!/bin/sh\nexec '${process.execPath}' '${script}' ${probe} ${containers} ${intervalMs} "$@"\n`,
  );
  chmodSync(file, 0o755);
  return file;
}
