import { bpftraceVersion } from '../../../collector/capture/bpftrace.ts';
import { NEWER_BPFTRACE } from '../../../test/parts/typecheck.ts';
import { type BenchTable, inTurn, mapValues, median, middle } from '../measure.ts';
import { attached, IDLE, type Measured, programsOf, withBpfStats } from './kernel.ts';
import { costPerSend, timePerSend } from './sends.ts';
import { throughputTable } from './throughput.ts';

/** What capture costs in the kernel, for each event and for a whole load; with each bpftrace that there is here. */
export async function captureBench(): Promise<BenchTable[]> {
  if (process.getuid?.() !== 0) return [];
  const tables: BenchTable[] = [];
  for (const command of ['bpftrace', NEWER_BPFTRACE]) {
    const version = await bpftraceVersion(command);
    if (version === null) continue;
    const probes = await programsOf(version);
    const one = { command, version, probes };
    tables.push(await insideTable(one), await wholeTable(one), await throughputTable(one));
  }
  return tables;
}

const ROUNDS = 5;
/** Sends that a program is measured with in a round. */
const MESSAGES = 30_000;

/** The cheapest program that records anything, which the probes are compared with, and one that does nothing. */
const CHEAPEST = attached('tracepoint:sock:sock_send_length { @x = 1; }');
const NOTHING = attached('tracepoint:sock:sock_send_length { }');

/** What the programs themselves take, by the kernel's own account. */
async function insideTable({ command, version, probes }: Measured): Promise<BenchTable> {
  const programs = { nothing: NOTHING, '@x = 1': CHEAPEST, ...probes };
  const costs = await withBpfStats(() => measured(programs, text => costPerSend(command, text, MESSAGES)));
  return {
    title: `In the program, with bpftrace ${version}, for each counted send, against a program that only does \`@x = 1\``,
    rows: rowsOf(costs),
  };
}

/** What a send takes longer than without any program: the way into the program is in it. */
async function wholeTable({ command, version, probes }: Measured): Promise<BenchTable> {
  const programs = { none: IDLE, nothing: NOTHING, '@x = 1': CHEAPEST, ...probes };
  const { none = [], ...times } = await measured(programs, text => timePerSend(command, text, MESSAGES));
  const more = Object.entries(times).map(([name, ns]) => [
    name,
    ns.map((value, round) => value - (none[round] ?? Number.NaN)),
  ]);
  return {
    title: `In all, with bpftrace ${version}: what a send takes longer, on ${Math.round(median(none))} ns without a program`,
    rows: rowsOf(Object.fromEntries(more)),
  };
}

const measured = (
  programs: Readonly<Record<string, string>>,
  measure: (text: string) => Promise<number>,
): Promise<Record<string, number[]>> =>
  inTurn(
    ROUNDS,
    mapValues(programs, text => () => measure(text)),
  );

function rowsOf(costs: Readonly<Record<string, readonly number[]>>): BenchTable['rows'] {
  const cheapest = costs['@x = 1'] ?? [];
  return Object.entries(costs).map(([name, ns]) => {
    const ratios = ns.map((value, round) => value / (cheapest[round] ?? Number.NaN));
    return {
      name,
      value: `${Math.round(median(ns))} ns`,
      ratio: median(ratios).toFixed(2),
      spread: middle(ratios),
    };
  });
}
