import { execFileSync } from 'node:child_process';
import { PROBES } from '../bpf/index.ts';
import { bpftraceVersionOf } from '../bpf/quirks.ts';
import { bpftraceVersion } from '../collector/bpftrace.ts';
import { chooseHook } from '../collector/hooks.ts';
import { Child, until } from '../test/parts/process.ts';
import { ENVIRONMENT, MAP_KEYS, nsInPrograms, withBpfStats } from './kernel.ts';
import { type BenchTable, inTurn, median, middle } from './measure.ts';

/**
 * What a load over TCP on loopback has left of its throughput while a probe counts it; the processor is its limit. Two
 * measurements: what the load gets done in each second of processor time, which takes in everything and is noisy; and
 * what part of that time the kernel spends in the probe's programs, which is sharp and leaves out what surrounds them.
 */

const SIZES = [65_536, 100];
const SECONDS = 1.5;
const ROUNDS = 9;
/** Short, so that the first readout, which says that all is attached, comes soon. */
const INTERVAL_MS = 1000;

/** A bpftrace that attaches to no socket: its start leaves the machine in the same state before each measurement. */
const IDLE = `interval:ms:${INTERVAL_MS} { printf("end %llu\\n", nsecs); }`;

interface Load {
  readonly bytes: number;
  /** Processor time of both processes, seconds. */
  readonly cpu: number;
}

/**
 * What one process gets through to another in writes of that size. Both are on one core: where the scheduler happens
 * to put them would decide more than a probe does.
 */
function load(size: number): Load {
  const script = `
    use Socket qw(:all); use Time::HiRes 'time'; my ($l, $c, $s, $buf);
    socket($l, PF_INET, SOCK_STREAM, 0) && bind($l, sockaddr_in(0, INADDR_LOOPBACK)) && listen($l, 1) or die;
    socket($c, PF_INET, SOCK_STREAM, 0) && connect($c, getsockname($l)) && accept($s, $l) or die;
    setsockopt($c, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!fork) { close $s; close $l; my $x = "x" x ${size}; while (1) { syswrite($c, $x) or exit } }
    close $c; my ($start, $bytes) = (time, 0);
    while (time - $start < ${SECONDS}) { $bytes += sysread($s, $buf, 1 << 20) }
    close $s; wait; my $cpu = 0; $cpu += $_ for times; print "$bytes $cpu";`;
  const text = execFileSync('taskset', ['-c', '0', 'perl', '-e', script], { encoding: 'utf8' });
  const [bytes = Number.NaN, cpu = Number.NaN] = text.split(' ').map(Number);
  return { bytes, cpu };
}

const throughput = (size: number): number => {
  const { bytes, cpu } = load(size);
  return bytes / cpu;
};

/** The action's result while bpftrace runs the program; the action gets its process id. */
async function during<T>(program: string, action: (pid: number) => T): Promise<T> {
  const bpftrace = new Child('bpftrace', ['-B', 'line', '-f', 'json', '-e', program], { env: ENVIRONMENT });
  try {
    await until(`a readout: ${bpftrace.output}`, () => bpftrace.output.includes('"end '));
    return action(bpftrace.process.pid ?? 0);
  } finally {
    await bpftrace.stop('SIGKILL');
  }
}

/** Part of the load's processor time that is spent in the programs of a bpftrace. */
function share(pid: number, size: number): number {
  const before = nsInPrograms(pid);
  const { cpu } = load(size);
  return (nsInPrograms(pid) - before) / 1e9 / cpu;
}

export async function throughputTable(): Promise<BenchTable> {
  const { hook, kernel } = await chooseHook({ hook: 'auto', probe: 'auto' });
  const bpftrace = bpftraceVersionOf(await bpftraceVersion('bpftrace'));
  const parameters = { intervalMs: INTERVAL_MS, mapKeys: MAP_KEYS, hook: hook.name, kernel, bpftrace };
  const programs = PROBES.map(
    probe => [probe.name, probe.render({ ...parameters, account: 'exact' })] as const,
  );
  const rows: BenchTable['rows'][number][] = [];
  for (const size of SIZES) {
    const rates = await inTurn(ROUNDS, {
      'no probe': () => during(IDLE, () => throughput(size)),
      ...Object.fromEntries(
        programs.map(([name, text]) => [name, () => during(text, () => throughput(size))]),
      ),
    });
    const shares = await withBpfStats(() =>
      inTurn(
        3,
        Object.fromEntries(
          programs.map(([name, text]) => [name, () => during(text, pid => share(pid, size))]),
        ),
      ),
    );
    const bare = rates['no probe'] ?? [];
    for (const [name, values] of Object.entries(rates)) {
      const ratios = values.map((value, round) => value / (bare[round] ?? Number.NaN));
      const inside = shares[name];
      rows.push({
        name: `writes of ${size} B, ${name}`,
        value: `${(median(values) / 1e6).toFixed(0)} MB per CPU second${inside ? `, ${(100 * median(inside)).toFixed(1)} % of it in the probe` : ''}`,
        ratio: median(ratios).toFixed(3),
        spread: middle(ratios),
      });
    }
  }
  return {
    title: 'One TCP connection over loopback, bytes for each second of processor time, against no probe',
    rows,
  };
}
