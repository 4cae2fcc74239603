import { execFileSync } from 'node:child_process';
import { type BenchTable, inTurn, mapValues, median, middle } from '../measure.ts';
import { during, IDLE, type Measured } from './kernel.ts';

/**
 * What a load over TCP on loopback, as iperf makes it, has left of its throughput while a probe counts it. The processor
 * is its limit: what it gets done in each second of processor time is what it would get done in a second on a machine
 * that does nothing else.
 */

/** Size of a write in bytes, and how many make a load: some 0.1 s of processor time. */
const LOADS = [
  { size: 65_536, writes: 5000 },
  { size: 100, writes: 300_000 },
] as const;
type Size = (typeof LOADS)[number];

/** iperf's buffer, bytes. */
const READ_SIZE = 131_072;
const ROUNDS = 5;
/** Loads of one measurement: what disturbs one makes it slower, so that the best tells most. */
const REPEATS = 6;

/**
 * Processor time of both ends of one load, seconds. They share a core, and neither takes it from the other just because
 * that wakes up (SCHED_BATCH): where and when the scheduler happens to let them run would decide more than a probe does.
 */
function load({ size, writes }: Size): number {
  const script = `
    use Socket qw(:all); use Time::HiRes 'clock'; my ($l, $c, $s, $buf, $sender); pipe(my $r, my $w) or die;
    socket($l, PF_INET, SOCK_STREAM, 0) && bind($l, sockaddr_in(0, INADDR_LOOPBACK)) && listen($l, 1) or die;
    socket($c, PF_INET, SOCK_STREAM, 0) && connect($c, getsockname($l)) && accept($s, $l) or die;
    if (!fork) {
      close $s; my $x = "x" x ${size}; my $start = clock;
      for (1 .. ${writes}) { syswrite($c, $x) == ${size} or die } syswrite($w, clock() - $start); exit }
    close $c; close $w; my $start = clock; 1 while sysread($s, $buf, ${READ_SIZE}); my $used = clock() - $start;
    sysread($r, $sender, 99) or die; print $used + $sender`;
  return Number(execFileSync('chrt', ['-b', '0', 'taskset', '-c', '0', 'perl', '-e', script]));
}

/** Bytes for each second of processor time. */
const throughput = (one: Size): number =>
  (one.size * one.writes) / Math.min(...Array.from({ length: REPEATS }, () => load(one)));

/** Every probe as that bpftrace has it, against none. */
export async function throughputTable({ command, version, probes }: Measured): Promise<BenchTable> {
  const rows: BenchTable['rows'][number][] = [];
  for (const one of LOADS) {
    const rates = await inTurn(
      ROUNDS,
      mapValues({ 'no probe': IDLE, ...probes }, text => () => during(command, text, () => throughput(one))),
    );
    const bare = rates['no probe'] ?? [];
    for (const [name, values] of Object.entries(rates)) {
      const ratios = values.map((value, round) => value / (bare[round] ?? Number.NaN));
      rows.push({
        name: `writes of ${one.size} B, ${name}`,
        value: `${(median(values) / 1e6).toFixed(0)} MB per CPU second`,
        ratio: median(ratios).toFixed(3),
        spread: middle(ratios),
      });
    }
  }
  return {
    title: `With bpftrace ${version}, one TCP connection over loopback: bytes for each second of processor time, against no probe`,
    rows,
  };
}
