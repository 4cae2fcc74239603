import type { Probe } from '../bpf/contract.ts';
import { PROBES } from '../bpf/index.ts';
import { chooseHook } from '../collector/hooks.ts';
import { Pipeline } from '../collector/pipeline.ts';
import { BUCKETS, upperBound } from '../core/histogram.ts';
import { costPerSend, withBpfStats } from './kernel.ts';
import { type BenchTable, inTurn, median, spread } from './measure.ts';
import { throughputTable } from './throughput.ts';

/** What capture costs: in the kernel for each event, and in the collector for each line of bpftrace. */
export async function captureBench(): Promise<BenchTable[]> {
  const kernel = process.getuid?.() === 0 ? [await kernelTable(), await throughputTable()] : [];
  return [...kernel, await collectorTable()];
}

const MAP_KEYS = 65_536;

/** The cheapest program that records anything, which the probes are compared with, and one that does nothing. */
const CHEAPEST = 'tracepoint:sock:sock_send_length { @x = 1; }';
const NOTHING = 'tracepoint:sock:sock_send_length { }';

async function kernelTable(): Promise<BenchTable> {
  const messages = 50_000;
  const { hook, kernel } = await chooseHook({ hook: 'auto', probe: 'auto' });
  const parameters = {
    intervalMs: 60_000,
    mapKeys: MAP_KEYS,
    hook: hook.name,
    kernel,
    account: 'fast',
    racyKeys: false,
  } as const;
  const programs = new Map([
    ['nothing', NOTHING],
    ['@x = 1', CHEAPEST],
    ...PROBES.map(probe => [probe.name, probe.render(parameters)] as const),
    ...PROBES.map(
      probe => [`${probe.name}, account exact`, probe.render({ ...parameters, account: 'exact' })] as const,
    ),
  ]);
  const costs = await withBpfStats(() =>
    inTurn(
      5,
      Object.fromEntries([...programs].map(([name, text]) => [name, () => costPerSend(text, messages)])),
    ),
  );
  const cheapest = costs['@x = 1'] ?? [];
  return {
    title: 'In the kernel, nanoseconds for each counted send, against a program that only does `@x = 1`',
    rows: Object.entries(costs).map(([name, ns]) => {
      const ratios = ns.map((value, round) => value / (cheapest[round] ?? Number.NaN));
      return {
        name,
        value: `${Math.round(median(ns))} ns`,
        ratio: median(ratios).toFixed(2),
        spread: spread(ratios),
      };
    }),
  };
}

/** Kernel time at which all lines are read, milliseconds: after all of them were written. */
const READ_AT = 10_000_000;

/** Size buckets that each container uses in each direction. */
const USED = 8;

/** A line of bpftrace: `": "` and `", "` as it writes them. */
const line = (type: string, data: unknown): string =>
  JSON.stringify({ type, data }).replaceAll('":', '": ').replaceAll(',"', ', "');

/** What a probe prints of the maps of one set and direction, when these cgroups have had traffic. */
const MAPS: Readonly<Record<string, (direction: string, set: string, ids: readonly string[]) => string[]>> = {
  lhist(direction, set, ids) {
    const map = (name: string, value: unknown) => ({
      [name]: Object.fromEntries(ids.map(id => [id, value])),
    });
    const hist = (bounds: readonly number[], width: number): unknown[] =>
      bounds.map(min => ({
        min,
        ...(Number.isFinite(upperBound(min)) ? { max: min + width - 1 } : {}),
        count: 1 + (min % 97),
      }));
    return [
      line('hist', map(`@${direction}_fine_${set}`, hist(BUCKETS.slice(1, 1 + USED / 2), 64))),
      line('hist', map(`@${direction}_coarse_${set}`, hist(BUCKETS.slice(64, 64 + USED / 2), 4096))),
      line('map', map(`@${direction}_bytes_${set}`, 1_234_567)),
    ];
  },
  packed: (direction, set, ids) => [sums(direction, set, ids, (id, bucket) => `${id},${bucket}`)],
  flows: (direction, set, ids) => [
    // A TCP client of 10.0.0.1:80.
    sums(direction, set, ids, (id, bucket) => `${id},${80 * 2 ** 24 + bucket},72339073326448650,0`),
  ],
};

/** A map of packed sums, in the order of a hash. */
function sums(
  direction: string,
  set: string,
  ids: readonly string[],
  key: (id: string, bucket: number) => string,
): string {
  const buckets = Array.from({ length: USED }, (_, i) => i * 9);
  const entries = buckets.flatMap(bucket =>
    ids.map((id, i) => [key(id, bucket), (bucket < 64 ? 2 ** 35 : 2 ** 38) * (1 + (i % 97))]),
  );
  return line('map', { [`@${direction}_${set}`]: Object.fromEntries(entries) });
}

/** Lines of the probe for intervals in which each of `containers` has traffic. */
function readouts(probe: Probe, intervals: number, containers: number): string[] {
  const ids = Array.from({ length: containers }, (_, i) => String(1000 + i));
  const at = (n: number): number => 1_000_000_000_000 + n * 5_000_000_000;
  const lines = [line('printf', `begin ${at(0)} ${probe.name} 5000 ${MAP_KEYS}\n`)];
  for (const id of ids) lines.push(line('printf', `mkdir ${at(0)} ${id} /docker/${id.padEnd(64, 'a')}\n`));
  for (let n = 1; n <= intervals; n++) {
    const set = n % 2 === 1 ? 'a' : 'b';
    lines.push(line('printf', `flip ${at(n)} ${set}\n`));
    for (const direction of ['send', 'receive']) {
      lines.push(...(MAPS[probe.name]?.(direction, set, ids) ?? []));
    }
    lines.push(line('printf', `end ${at(n)}\n`));
  }
  return lines;
}

async function collectorTable(): Promise<BenchTable> {
  const rows: BenchTable['rows'][number][] = [];
  for (const probe of PROBES) {
    for (const [containers, intervals] of [
      [1000, 10],
      [3000, 4],
      [10_000, 2],
    ] as const) {
      const lines = readouts(probe, intervals, containers);
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
  return { title: 'In the collector, CPU from lines to frames, against JSON.parse of the same lines', rows };
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
