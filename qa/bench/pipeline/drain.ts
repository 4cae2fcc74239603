/** An hour in which the store was away is worked off: more than the queue holds, and than the spool keeps in memory. */
import { temporaryFolder } from '../../../test/parts/process.ts';
import type { BenchTable } from '../measure.ts';
import { backlogRow } from './pipeline.ts';
import { CONTAINERS, INTERVAL_MS, onBoth, workOff } from './way.ts';

const HOUR_FRAMES = 3_600_000 / INTERVAL_MS;

/** Ratios are to real time. */
export async function drainBench(): Promise<BenchTable[]> {
  const rows = await onBoth(async (name, settings) => {
    const folder = temporaryFolder();
    const { running, seconds } = await workOff(folder.path, settings, HOUR_FRAMES);
    await running.stop();
    folder.remove();
    return backlogRow(name, HOUR_FRAMES, seconds);
  });
  return [
    { title: `An hour of ${CONTAINERS} containers, stored and judged; ratio: real time / time taken`, rows },
  ];
}
