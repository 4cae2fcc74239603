import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PROBES } from '../../../bpf/index.ts';
import type { BenchTable } from '../measure.ts';

/** What the collector costs, a process for each probe: a collector never has another one, and is compiled for it. */
export async function collectorBench(): Promise<BenchTable[]> {
  const script = join(import.meta.dirname, 'collector-rows.ts');
  const rows = PROBES.flatMap(probe => {
    const printed = execFileSync(process.execPath, [script, probe.name], { encoding: 'utf8' });
    return JSON.parse(printed) as BenchTable['rows'];
  });
  return [{ title: 'CPU from lines to frames, against JSON.parse of the same lines', rows }];
}
