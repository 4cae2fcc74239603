import { PROBES } from '../bpf/index.ts';
import { chooseHook } from '../collector/hooks.ts';
import { costPerSend, withBpfStats } from './kernel.ts';
import { type BenchTable, inTurn, median, spread } from './measure.ts';
import { throughputTable } from './throughput.ts';

/** What capture costs in the kernel, for each event. */
export async function captureBench(): Promise<BenchTable[]> {
  return process.getuid?.() === 0 ? [await kernelTable(), await throughputTable()] : [];
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
    bpftrace: null,
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
      Object.fromEntries(
        [...programs].map(([name, text]) => [name, () => costPerSend('bpftrace', text, messages)]),
      ),
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
