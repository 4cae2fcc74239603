/**
 * What it takes to judge history again: `tidegauge review` over the simulated fleet of docs/quality.md, 47 containers of
 * 13 kinds, stored in SQLite, and over a day of a hundred containers of these kinds, with a report. Memory is that of the
 * whole process at its greatest; it must not depend on the range.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { formatSize } from '../../../core/config/units.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import { EPOCH } from '../../quality/simulator/run.ts';
import type { BenchTable } from '../measure.ts';
import { type Cost, costUntilEnd } from '../process-cost.ts';
import { FRAMES_PER_HOUR, fleetFrames } from './fleet-frames.ts';
import { influxReviewBench } from './influx.ts';

/** What is reviewed, and how. */
const REVIEWS = [
  { containers: 47, hours: [6, 24], flags: [] },
  { containers: 100, hours: [24], flags: ['--html', 'report.html'] },
] as const;
/** Frames that are written at once. */
const BATCH = 60;

export async function reviewBench(): Promise<BenchTable[]> {
  const tables: BenchTable[] = [];
  for (const review of REVIEWS) tables.push(await tableOf(review));
  if (spawnSync('influxd', ['version']).status === 0) tables.push(await influxReviewBench());
  return tables;
}

async function tableOf({ containers, hours: ranges, flags }: (typeof REVIEWS)[number]): Promise<BenchTable> {
  const folder = temporaryFolder();
  writeConfig(folder.path, { host: 'fleet', data: folder.path });
  const store = new SqliteStore(join(folder.path, 'tidegauge.db'));
  await store.open();
  const history = fleetFrames(containers);
  const rows: BenchTable['rows'][number][] = [];
  let first: Cost | null = null;
  let stored = 0;
  try {
    for (const hours of ranges) {
      for (; stored < hours * FRAMES_PER_HOUR; stored += BATCH)
        await store.writeFrames(Array.from({ length: BATCH }, () => history.next().value));
      const from = new Date(EPOCH).toISOString();
      const child = tidegauge(['review', '--from', from, '--json', ...flags], { cwd: folder.path });
      const cost = await costUntilEnd(child);
      first ??= cost;
      rows.push({
        name: `${hours} hours`,
        value: `${seconds(cost.wallMs)}, ${seconds(cost.cpuMs)} of processor time, ${formatSize(cost.mostBytes)}`,
        ratio: (cost.mostBytes / first.mostBytes).toFixed(2),
        spread: '',
      });
    }
  } finally {
    await store.close();
    folder.remove();
  }
  const how = flags.length > 0 ? ' with a report' : '';
  return {
    title: `Review of ${containers} containers${how}; ratio: memory, against the shortest range`,
    rows,
  };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
