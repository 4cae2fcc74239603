import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureBench } from './capture/capture.ts';
import { collectorBench } from './capture/collector.ts';
import { exactBench } from './capture/exact.ts';
import { memoryBench } from './capture/memory.ts';
import { dashboardsBench } from './dashboards/dashboards.ts';
import type { BenchTable } from './measure.ts';
import { diskBench } from './pipeline/disk.ts';
import { drainBench } from './pipeline/drain.ts';
import { foldBench } from './pipeline/fold.ts';
import { growthBench } from './pipeline/growth.ts';
import { idleBench } from './pipeline/idle.ts';
import { pageBench } from './pipeline/page.ts';
import { pipelineBench } from './pipeline/pipeline.ts';
import { policyBench } from './pipeline/policy.ts';
import { queueBench } from './pipeline/queue.ts';
import { spoolBench } from './pipeline/spool.ts';
import { storeBench } from './pipeline/store.ts';
import { workersBench } from './pipeline/workers.ts';
import { machine, markdown, rewrite } from './report.ts';
import { reviewBench } from './review/review.ts';

/** `npm run bench` runs all benchmarks, `npm run bench -- fold store` some; their tables go into docs/benchmarks.md. */

const BENCHES: Readonly<Record<string, () => Promise<BenchTable[]>>> = {
  capture: captureBench,
  collector: collectorBench,
  memory: memoryBench,
  exact: exactBench,
  fold: foldBench,
  spool: spoolBench,
  store: storeBench,
  disk: diskBench,
  queue: queueBench,
  policy: policyBench,
  pipeline: pipelineBench,
  drain: drainBench,
  workers: workersBench,
  idle: idleBench,
  review: reviewBench,
  page: pageBench,
  dashboards: dashboardsBench,
  growth: growthBench,
};

const DOCUMENT = join(import.meta.dirname, '../../docs/benchmarks.md');

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
const unknown = names.find(name => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) {
  console.error(`no benchmark ${unknown}: there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
for (const name of names) {
  const tables = (await BENCHES[name]?.()) ?? [];
  for (const { title, rows } of tables) {
    console.log(`\n${title}`);
    console.table(rows);
  }
  const content = [machine(), ...tables.map(markdown)].join('\n\n');
  writeFileSync(DOCUMENT, rewrite(readFileSync(DOCUMENT, 'utf8'), name, content));
}
execFileSync('biome', ['format', '--write', DOCUMENT], { stdio: 'ignore' });
