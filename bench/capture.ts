import type { ProbeParameters } from '../bpf/contract.ts';
import { PROBES } from '../bpf/index.ts';
import { bpftraceVersionOf } from '../bpf/quirks.ts';
import { bpftraceVersion } from '../collector/bpftrace.ts';
import { chooseHook } from '../collector/hooks.ts';
import { NEWER_BPFTRACE } from '../test/parts/typecheck.ts';
import { costPerSend, MAP_KEYS, withBpfStats } from './kernel.ts';
import { type BenchTable, inTurn, median, middle } from './measure.ts';
import { throughputTable } from './throughput.ts';

/** What capture costs in the kernel, for each event and for a whole load; with each bpftrace that there is here. */
export async function captureBench(): Promise<BenchTable[]> {
  if (process.getuid?.() !== 0) return [];
  const tables: BenchTable[] = [];
  for (const command of ['bpftrace', NEWER_BPFTRACE]) {
    const version = await bpftraceVersion(command);
    if (version !== null) tables.push(await kernelTable(command, version));
  }
  return [...tables, await throughputTable()];
}

const ROUNDS = 9;
/** Sends that a program is measured with in a round. */
const MESSAGES = 30_000;

/** The cheapest program that records anything, which the probes are compared with, and one that does nothing. */
const CHEAPEST = 'tracepoint:sock:sock_send_length { @x = 1; }';
const NOTHING = 'tracepoint:sock:sock_send_length { }';

async function kernelTable(command: string, version: string): Promise<BenchTable> {
  const programs = await programsFor(version);
  const costs = await withBpfStats(() =>
    inTurn(
      ROUNDS,
      Object.fromEntries(
        [...programs].map(([name, text]) => [name, () => costPerSend(command, text, MESSAGES)]),
      ),
    ),
  );
  const cheapest = costs['@x = 1'] ?? [];
  return {
    title: `In the kernel with bpftrace ${version}, for each counted send, against a program that only does \`@x = 1\``,
    rows: Object.entries(costs).map(([name, ns]) => {
      const ratios = ns.map((value, round) => value / (cheapest[round] ?? Number.NaN));
      return {
        name,
        value: `${Math.round(median(ns))} ns`,
        ratio: median(ratios).toFixed(2),
        spread: middle(ratios),
      };
    }),
  };
}

/** Every probe as that bpftrace gets it, and as it would be without what bpf/quirks.ts does for that version. */
async function programsFor(version: string): Promise<ReadonlyMap<string, string>> {
  const { hook, kernel } = await chooseHook({ hook: 'auto', probe: 'auto' });
  const programs = new Map([
    ['nothing', NOTHING],
    ['@x = 1', CHEAPEST],
  ]);
  for (const probe of PROBES) {
    const render = (account: ProbeParameters['account'], bpftrace: ProbeParameters['bpftrace']) =>
      probe.render({ intervalMs: 60_000, mapKeys: MAP_KEYS, hook: hook.name, kernel, account, bpftrace });
    const known = bpftraceVersionOf(version);
    programs.set(`${probe.name}, account fast`, render('fast', known));
    programs.set(`${probe.name}, account exact`, render('exact', known));
    const unguarded = render('exact', null);
    if (unguarded !== render('exact', known)) programs.set(`${probe.name}, keys unguarded`, unguarded);
  }
  return programs;
}
