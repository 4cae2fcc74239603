/**
 * What it takes to judge history again: `tidegauge review` over the simulated fleet of docs/quality.md, 47 containers of
 * 13 kinds, stored in SQLite. Memory is that of the whole process at its greatest; it must not depend on the range.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareText } from '../../../core/compare.ts';
import { formatSize } from '../../../core/config/units.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { type Child, temporaryFolder } from '../../../test/parts/process.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import { fleet } from '../../quality/simulator/fleet.ts';
import { Random } from '../../quality/simulator/random.ts';
import { EPOCH, ServiceRun } from '../../quality/simulator/run.ts';
import { FRAME_S } from '../../quality/simulator/sources.ts';
import type { BenchTable } from '../measure.ts';
import { type Cost, costOf } from '../process-cost.ts';

const HOURS = [6, 24];
const FRAME_MS = FRAME_S * 1000;
const FRAMES_PER_HOUR = 3600 / FRAME_S;
/** Frames that are written at once. */
const BATCH = 60;
const SAMPLE_MS = 50;

export async function reviewBench(): Promise<BenchTable[]> {
  const folder = temporaryFolder();
  writeConfig(folder.path, { host: 'fleet', data: folder.path });
  const store = new SqliteStore(join(folder.path, 'tidegauge.db'));
  await store.open();
  const history = frames();
  const rows: BenchTable['rows'][number][] = [];
  let first: Cost | null = null;
  let stored = 0;
  try {
    for (const hours of HOURS) {
      for (; stored < hours * FRAMES_PER_HOUR; stored += BATCH)
        await store.writeFrames(Array.from({ length: BATCH }, () => history.next().value));
      const from = new Date(EPOCH).toISOString();
      const child = tidegauge(['review', '--from', from, '--json'], { cwd: folder.path });
      const cost = await costUntilEnd(child);
      first ??= cost;
      rows.push({
        name: `${hours} hours`,
        value: `${(cost.cpuMs / 1000).toFixed(1)} s of processor time, ${formatSize(cost.mostBytes)}`,
        ratio: (cost.mostBytes / first.mostBytes).toFixed(2),
        spread: '',
      });
    }
  } finally {
    await store.close();
    folder.remove();
  }
  return [{ title: 'Review of 47 containers; ratio: memory, against the shortest range', rows }];
}

/** Of a child, when it was last seen. Throws with its output when it fails. */
async function costUntilEnd(child: Child): Promise<Cost> {
  let last: Cost | null = null;
  while (child.process.exitCode === null && child.process.signalCode === null) {
    last = costOf(child.process.pid) ?? last;
    await sleep(SAMPLE_MS);
  }
  await child.ended(0);
  if (!last) throw new Error(`it ended before it was seen: ${child.output}`);
  return last;
}

/** What the fleet does, without end. */
function* frames(): Generator<Frame, never> {
  const random = new Random(1);
  const runs = fleet(random).map(service => new ServiceRun(service, random.fork()));
  for (let n = 0; ; n++) {
    const inputs = runs.flatMap(run => run.next());
    inputs.sort((a, b) => compareText(a.container.name, b.container.name));
    const start = EPOCH + n * FRAME_MS;
    yield {
      host: 'fleet',
      start,
      durationMs: FRAME_MS,
      previous: n === 0 ? null : start - FRAME_MS,
      faults: [],
      lost: 0,
      occupancy: 0.1,
      containers: inputs.map(({ container }) => container),
      started: [],
      ended: [],
      windows: inputs.flatMap(({ send, receive }) => [send ?? [], receive ?? []].flat()),
      flows: [],
      connections: [],
    };
  }
}
