/** How much memory a collector takes: the real program, with a bpftrace that prints what a large host would. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CAPS } from '../../../core/caps.ts';
import { freePort, temporaryFolder, until } from '../../../test/parts/process.ts';
import { startRedis } from '../../../test/parts/redis/server.ts';
import { tidegauge, writeConfig } from '../../../test/parts/tidegauge.ts';
import { type BenchTable, median } from '../measure.ts';
import { MAP_KEYS } from './lines.ts';
import { standInBpftrace } from './stand-in.ts';

const CONTAINERS = CAPS.containers.limit;
const INTERVAL_MS = 5000;
const INTERVALS = 30;
/** What is promised, MiB. */
const PROMISED = 300;
const SAMPLE_MS = 250;

export async function memoryBench(): Promise<BenchTable[]> {
  const redis = await startRedis();
  try {
    const rows = [];
    for (const probe of ['packed', 'flows']) {
      const settings = {
        queue: { kind: 'bullmq' },
        state: { kind: 'redis' },
        redis: { url: redis.url, prefix: probe },
      };
      rows.push(rowOf(probe, await residentMemory(probe, settings)));
    }
    return [
      {
        title: `Resident memory of \`tidegauge collect\` at ${CONTAINERS} containers, against ${PROMISED} MiB`,
        rows,
      },
    ];
  } finally {
    await redis.stop();
  }
}

function rowOf(probe: string, samples: readonly number[]): BenchTable['rows'][number] {
  const most = Math.max(...samples);
  return {
    name: `${probe}, ${INTERVALS} intervals into SQLite and Redis`,
    value: `${median(samples).toFixed(0)} MiB, ${most.toFixed(0)} MiB at most`,
    ratio: (most / PROMISED).toFixed(2),
    spread: '',
  };
}

/** Of the process, MiB, several times an interval. Fails unless every frame was stored and queued. */
async function residentMemory(probe: string, settings: object): Promise<number[]> {
  const folder = temporaryFolder();
  const port = await freePort();
  writeConfig(folder.path, {
    host: 'bench',
    data: join(folder.path, 'data'),
    capture: {
      interval: `${INTERVAL_MS}ms`,
      probe,
      map_keys: MAP_KEYS,
      docker: 'off',
      bpftrace: standInBpftrace(folder.path, { probe, containers: CONTAINERS, intervalMs: INTERVAL_MS }),
    },
    http: { listen: `127.0.0.1:${port}` },
    log: { level: 'warn' },
    ...settings,
  });
  const collector = tidegauge(['collect', '--quiet'], { cwd: folder.path });
  const samples: number[] = [];
  const isDone = async () => {
    await sleep(SAMPLE_MS);
    samples.push(residentOf(collector.process.pid));
    return (await metric(port, 'tidegauge_shipped_frames_total{to="queue"}')) >= INTERVALS;
  };
  try {
    await until(`${INTERVALS} frames`, isDone, 2 * INTERVALS * INTERVAL_MS);
    return samples;
  } catch (error) {
    throw new Error(collector.output, { cause: error });
  } finally {
    await collector.stop();
    folder.remove();
  }
}

/** MiB. */
function residentOf(pid: number | undefined): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

async function metric(port: number, name: string): Promise<number> {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    response => response.text(),
    () => '',
  );
  const line = text.split('\n').find(one => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}
