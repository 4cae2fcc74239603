/** What a review of history in InfluxDB takes, against reading the same frames and doing nothing with them. */
import { join } from 'node:path';
import { makeStore, SCHEMA } from '../../../app/wire.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { formatSize } from '../../../core/config/units.ts';
import { startInflux } from '../../../test/parts/influx.ts';
import { Child, temporaryFolder } from '../../../test/parts/process.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import { NO_LOG } from '../../lab/install.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';
import { costUntilEnd } from '../process-cost.ts';
import { FRAMES_PER_HOUR, fleetFrames } from './fleet-frames.ts';

const CONTAINERS = 100;
const HOURS = 4;
const ROUNDS = 3;
/** Frames that are written at once. */
const BATCH = 20;
const READ = join(import.meta.dirname, 'read-stored.ts');

export async function influxReviewBench(): Promise<BenchTable> {
  const influx = await startInflux();
  const folder = temporaryFolder();
  const config = {
    ...{ host: 'fleet', data: folder.path },
    store: { kind: 'influx', influx: { url: influx.url } },
  };
  writeConfig(folder.path, config);
  // InfluxDB refuses what is older than its retention.
  const from = clock.now() - HOURS * 3_600_000;
  try {
    await write(config, from);
    let mostBytes = 0;
    const seconds = await inTurn(ROUNDS, {
      'merely reading': async () => {
        const child = new Child(process.execPath, [READ, JSON.stringify(config)], { cwd: folder.path });
        return (await costUntilEnd(child)).wallMs / 1000;
      },
      review: async () => {
        const flags = ['--from', new Date(from).toISOString(), '--json', '--html', 'report.html', '--force'];
        const cost = await costUntilEnd(tidegauge(['review', ...flags], { cwd: folder.path }));
        mostBytes = cost.mostBytes;
        return cost.wallMs / 1000;
      },
    });
    const ratios = seconds.review.map((taken, i) => taken / (seconds['merely reading'][i] ?? Number.NaN));
    return {
      title: `Review of ${HOURS} hours of ${CONTAINERS} containers in InfluxDB 1.x, with a report; ratio: time, against merely reading the frames`,
      rows: [
        {
          name: 'merely reading',
          value: `${median(seconds['merely reading']).toFixed(1)} s`,
          ratio: '1.00',
          spread: '',
        },
        {
          name: 'review',
          value: `${median(seconds.review).toFixed(1)} s, ${formatSize(mostBytes)}`,
          ratio: median(ratios).toFixed(2),
          spread: spread(ratios),
        },
      ],
    };
  } finally {
    await influx.stop();
    folder.remove();
  }
}

async function write(config: object, from: number): Promise<void> {
  const store = makeStore(SCHEMA.parse(config), NO_LOG);
  await store.open();
  const history = fleetFrames(CONTAINERS, from);
  for (let stored = 0; stored < HOURS * FRAMES_PER_HOUR; stored += BATCH)
    await store.writeFrames(Array.from({ length: BATCH }, () => history.next().value));
  await store.close();
}
