/**
 * What a host feels of `tidegauge run` while nothing happens, and with the light traffic of 40 containers: the real
 * program with everything embedded, and a program in place of bpftrace that prints what it would.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import { MAP_KEYS } from '../capture/lines.ts';
import { standInBpftrace } from '../capture/stand-in.ts';
import type { BenchTable } from '../measure.ts';
import { costOf } from '../process-cost.ts';

const INTERVAL_MS = 5000;
/** Until the program is loaded and compiled, and how long it is watched, ms: roll-ups and checkpoints are in it. */
const SETTLE_MS = 60_000;
const WATCH_MS = 120_000;
/** Promised milliseconds of processor time a second. */
const HOSTS = [
  { name: 'no container', containers: 0, promised: 10 },
  { name: '40 containers with traffic', containers: 40, promised: 15 },
];

export async function idleBench(): Promise<BenchTable[]> {
  const rows = await Promise.all(HOSTS.map(rowOf));
  return [{ title: 'Processor time of `tidegauge run`, against what is promised', rows }];
}

async function rowOf({ name, containers, promised }: (typeof HOSTS)[number]) {
  const perSecond = await measure(containers);
  return {
    name,
    value: `${perSecond.toFixed(1)} ms/s`,
    ratio: (perSecond / promised).toFixed(2),
    spread: '',
  };
}

/** Milliseconds of processor time a second, without the program in place of bpftrace. */
async function measure(containers: number): Promise<number> {
  const folder = temporaryFolder();
  writeConfig(folder.path, {
    host: 'bench',
    data: join(folder.path, 'data'),
    capture: {
      probe: 'flows',
      map_keys: MAP_KEYS,
      docker: 'off',
      bpftrace: standInBpftrace(folder.path, { probe: 'flows', containers, intervalMs: INTERVAL_MS }),
    },
    http: { listen: 'off' },
    log: { level: 'warn' },
  });
  const program = tidegauge(['run', '--quiet'], { cwd: folder.path });
  const { pid } = program.process;
  try {
    await sleep(SETTLE_MS);
    const before = costOf(pid);
    await sleep(WATCH_MS);
    const after = costOf(pid);
    if (!before || !after) throw new Error(`tidegauge run ended: ${program.output}`);
    return (after.cpuMs - before.cpuMs) / (WATCH_MS / 1000);
  } finally {
    await program.stop();
    folder.remove();
  }
}
