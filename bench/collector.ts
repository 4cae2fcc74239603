import type { Probe } from '../bpf/contract.ts';
import { PROBES } from '../bpf/index.ts';
import { Pipeline } from '../collector/pipeline.ts';
import { beginning, MAP_KEYS, READ_AT, readout } from './lines.ts';
import { type BenchTable, inTurn, median, spread } from './measure.ts';

/** What the collector costs for each line of bpftrace. */
export async function collectorBench(): Promise<BenchTable[]> {
  return [await linesTable()];
}

async function linesTable(): Promise<BenchTable> {
  const rows: BenchTable['rows'][number][] = [];
  for (const probe of PROBES) {
    for (const [containers, intervals] of [
      [1000, 10],
      [3000, 4],
      [10_000, 2],
    ] as const) {
      const lines = beginning(probe, containers);
      for (let n = 1; n <= intervals; n++) lines.push(...readout(probe, n, containers));
      const bytes = lines.reduce((sum, text) => sum + text.length, 0);
      const { collector, bare } = await inTurn(7, {
        collector: () => seconds(() => toFrames(lines, probe, intervals, containers)),
        bare: () => seconds(() => lines.forEach(text => void JSON.parse(text))),
      });
      const ratios = collector.map((value, round) => value / (bare[round] ?? Number.NaN));
      rows.push({
        name: `${probe.name}, ${containers} containers, ${(bytes / intervals / 1024).toFixed(0)} KiB an interval`,
        value: `${((1000 * median(collector)) / intervals).toFixed(1)} ms an interval`,
        ratio: median(ratios).toFixed(2),
        spread: spread(ratios),
      });
    }
  }
  return { title: 'CPU from lines to frames, against JSON.parse of the same lines', rows };
}

/** Lines to frames; fails unless every interval became a frame with all windows in it. */
function toFrames(lines: readonly string[], probe: Probe, intervals: number, containers: number): void {
  const pipeline = new Pipeline(probe, {
    host: 'bench',
    intervalMs: 5000,
    mapKeys: MAP_KEYS,
    maxContainers: 10_000,
    previous: null,
  });
  let windows = 0;
  for (const text of lines) {
    const frames = pipeline.feed({ kind: 'line', text, wall: 1_800_000_000_000, boot: READ_AT });
    for (const frame of frames) windows += frame.windows.length;
  }
  const expected = 2 * intervals * containers;
  if (windows !== expected) throw new Error(`expected ${expected} windows, made ${windows}`);
}

/** CPU seconds of this process. */
function seconds(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
