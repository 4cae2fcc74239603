import { execFileSync } from 'node:child_process';
import { PROBES } from '../bpf/index.ts';
import { chooseHook } from '../collector/hooks.ts';
import { Child, until } from '../test/parts/process.ts';
import { type BenchTable, inTurn, median, spread } from './measure.ts';

/** What a load over TCP on loopback has left of its throughput while a probe counts it; the processor is its limit. */

const SIZES = [65_536, 100];
const SECONDS = 1;

/**
 * Bytes that one process gets through to another in writes of that size, for each second of processor time that the
 * two spend. Both are on one core: where the scheduler happens to put them would decide more than a probe does.
 */
function throughput(size: number): number {
  const script = `
    use Socket qw(:all); use Time::HiRes 'time'; my ($l, $c, $s, $buf);
    socket($l, PF_INET, SOCK_STREAM, 0) && bind($l, sockaddr_in(0, INADDR_LOOPBACK)) && listen($l, 1) or die;
    socket($c, PF_INET, SOCK_STREAM, 0) && connect($c, getsockname($l)) && accept($s, $l) or die;
    setsockopt($c, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!fork) { close $s; close $l; my $x = "x" x ${size}; while (1) { syswrite($c, $x) or exit } }
    close $c; my ($start, $bytes) = (time, 0);
    while (time - $start < ${SECONDS}) { $bytes += sysread($s, $buf, 1 << 20) }
    close $s; wait; my $cpu = 0; $cpu += $_ for times; print $bytes / $cpu;`;
  return Number(execFileSync('taskset', ['-c', '0', 'perl', '-e', script], { encoding: 'utf8' }));
}

/** The action's result while a bpftrace program runs. */
async function during<T>(program: string, action: () => T): Promise<T> {
  const bpftrace = new Child('bpftrace', ['-B', 'line', '-f', 'json', '-e', program]);
  try {
    await until(`bpftrace to start: ${bpftrace.output}`, () => bpftrace.output.includes('begin'));
    return action();
  } finally {
    await bpftrace.stop('SIGINT');
  }
}

export async function throughputTable(): Promise<BenchTable> {
  const { hook, kernel } = await chooseHook({ hook: 'auto', probe: 'auto' });
  const parameters = {
    intervalMs: 5000,
    mapKeys: 65_536,
    hook: hook.name,
    kernel,
    account: 'fast',
    bpftrace: null,
  } as const;
  const rows: BenchTable['rows'][number][] = [];
  for (const size of SIZES) {
    const rates = await inTurn(5, {
      'no probe': () => throughput(size),
      ...Object.fromEntries(
        PROBES.map(probe => [probe.name, () => during(probe.render(parameters), () => throughput(size))]),
      ),
    });
    const bare = rates['no probe'] ?? [];
    for (const [name, values] of Object.entries(rates)) {
      const ratios = values.map((value, round) => value / (bare[round] ?? Number.NaN));
      rows.push({
        name: `writes of ${size} B, ${name}`,
        value: `${(median(values) / 1e6).toFixed(0)} MB per CPU second`,
        ratio: median(ratios).toFixed(3),
        spread: spread(ratios),
      });
    }
  }
  return {
    title: 'One TCP connection over loopback, bytes for each second of processor time, against no probe',
    rows,
  };
}
