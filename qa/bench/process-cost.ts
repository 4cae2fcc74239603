import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock as clock } from '../../core/clock.ts';
import type { Child } from '../../test/parts/process.ts';

/** What a process has cost so far. */
export interface Cost {
  /** Processor time of all its threads, user and system, ms. */
  readonly cpuMs: number;
  /** Resident memory at its greatest, bytes. */
  readonly mostBytes: number;
}

/** Of the kernel's unit of processor time (USER_HZ), which is fixed in its interface. */
const TICK_MS = 10;

/** Of a process that runs, without its children; null: it is gone. */
export function costOf(pid: number | undefined): Cost | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    if (kilobytes === undefined) return null;
    return {
      cpuMs: TICK_MS * (Number(fields[11]) + Number(fields[12])),
      mostBytes: 1024 * Number(kilobytes),
    };
  } catch {
    return null;
  }
}

const SAMPLE_MS = 50;

/** Of a child, when it was last seen, and how long it ran, ms. Throws with its output when it fails. */
export async function costUntilEnd(child: Child): Promise<Cost & { readonly wallMs: number }> {
  const begun = clock.monotonic();
  let last: Cost | null = null;
  while (child.process.exitCode === null && child.process.signalCode === null) {
    last = costOf(child.process.pid) ?? last;
    await sleep(SAMPLE_MS);
  }
  const wallMs = clock.monotonic() - begun;
  await child.ended(0);
  if (!last) throw new Error(`it ended before it was seen: ${child.output}`);
  return { ...last, wallMs };
}
