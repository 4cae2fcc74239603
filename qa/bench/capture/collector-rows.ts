import type { Probe } from '../../../bpf/contract.ts';
import { findProbe } from '../../../bpf/index.ts';
import type { Input } from '../../../collector/contract.ts';
import { Pipeline } from '../../../collector/frames/pipeline.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';
import { beginning, MAP_KEYS, mapsOf, networks, READ_AT, readout } from './lines.ts';

/** `collector-rows.ts PROBE` prints the rows of a probe: what the collector costs for each line of bpftrace. */

const WARM_UP_ROUNDS = 5;

/** What the collector is given, in the order in which it is. */
interface Given {
  readonly probe: Probe;
  readonly containers: number;
  readonly intervals: number;
  readonly before: readonly Input[];
  /** Lines of all intervals. */
  readonly lines: readonly string[];
}

async function rowsOf(probe: Probe): Promise<BenchTable['rows']> {
  const rows: BenchTable['rows'][number][] = [];
  for (const [containers, intervals] of [
    [1000, 20],
    [3000, 10],
    [10_000, 6],
  ] as const) {
    const given = give(probe, containers, intervals);
    const { lines } = given;
    const bytes = lines.reduce((sum, text) => sum + text.length, 0);
    const things = {
      collector: () => toFrames(given),
      bare: () => seconds(() => lines.forEach(text => void JSON.parse(text))),
    };
    // A collector runs for weeks: its code is compiled, which takes a processor for as long as the first rounds do.
    await inTurn(WARM_UP_ROUNDS, things);
    const { collector, bare } = await inTurn(7, things);
    const ratios = collector.map((value, round) => value / (bare[round] ?? Number.NaN));
    rows.push({
      name: `${probe.name}, ${containers} containers, ${(bytes / intervals / 1024).toFixed(0)} KiB an interval`,
      value: `${((1000 * median(collector)) / intervals).toFixed(1)} ms an interval`,
      ratio: median(ratios).toFixed(2),
      spread: spread(ratios),
    });
  }
  return rows;
}

function give(probe: Probe, containers: number, intervals: number): Given {
  const before = [...beginning(probe, containers).map(lineInput), ...networks(containers)];
  const maps = { a: mapsOf(probe, 'a', containers), b: mapsOf(probe, 'b', containers) };
  const lines = Array.from({ length: intervals }, (_, i) => readout(i + 1, maps)).flat();
  return { probe, containers, intervals, before, lines };
}

const lineInput = (text: string): Input => ({ kind: 'line', text, wall: 1_800_000_000_000, boot: READ_AT });

/** Lines to frames: seconds. Fails unless every interval became a frame with all windows in it. */
function toFrames({ probe, containers, intervals, before, lines }: Given): number {
  const pipeline = new Pipeline(probe, {
    host: 'bench',
    intervalMs: 5000,
    mapKeys: MAP_KEYS,
    maxContainers: 10_000,
    previous: null,
  });
  for (const input of before) pipeline.feed(input);
  let windows = 0;
  const taken = seconds(() => {
    for (const text of lines) {
      for (const frame of pipeline.feed(lineInput(text))) windows += frame.windows.length;
    }
  });
  const expected = 2 * intervals * containers;
  if (windows !== expected) throw new Error(`expected ${expected} windows, made ${windows}`);
  return taken;
}

/** CPU seconds of this process. */
function seconds(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const probe = findProbe(process.argv[2] ?? '');
if (!probe) throw new Error(`expected the name of a probe, found ${process.argv[2]}`);
process.stdout.write(JSON.stringify(await rowsOf(probe)));
