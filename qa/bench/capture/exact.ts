import { PROBES } from '../../../bpf/index.ts';
import { bpftraceVersion } from '../../../collector/capture/bpftrace.ts';
import type { Config } from '../../../core/config/config.ts';
import { captureFrames, trafficOf } from '../../../test/parts/kernel/capture.ts';
import { makeCgroup } from '../../../test/parts/kernel/cgroup.ts';
import { NEWER_BPFTRACE } from '../../../test/parts/typecheck.ts';
import type { BenchTable } from '../measure.ts';

/** Whether every message is counted: by every probe, on each bpftrace there is here, at full speed over many flips. */

const CONTAINERS = 3;
const SIZES = [10, 100, 1000, 5000, 20_000];

/** Perl: that many rounds of one datagram of each size to a socket that nobody reads. */
const flood = (rounds: number): string => `
  use Socket; socket(my $to, PF_INET, SOCK_DGRAM, 0) or die; bind($to, sockaddr_in(0, INADDR_LOOPBACK)) or die;
  socket(my $from, PF_INET, SOCK_DGRAM, 0) or die; connect($from, getsockname($to)) or die;
  my @messages = map { "x" x $_ } ${SIZES.join(', ')};
  for (1 .. ${rounds}) { for my $message (@messages) { send($from, $message, 0) or die } }`;

export async function exactBench(): Promise<BenchTable[]> {
  const messages = Number(process.env.TIDEGAUGE_BENCH_MESSAGES ?? 10_000_000);
  const rows: BenchTable['rows'][number][] = [];
  for (const bpftrace of ['bpftrace', NEWER_BPFTRACE]) {
    const version = await bpftraceVersion(bpftrace);
    if (version === null) continue;
    for (const { name } of PROBES) {
      const title = `${name}, bpftrace ${version}`;
      rows.push({ name: title, ...(await count(title, { probe: name, bpftrace }, messages)) });
    }
  }
  return [
    {
      title: 'Sends of three containers at full speed: how many were sent, and what part of them was counted',
      rows,
    },
  ];
}

/** How often it is said how far a run is, milliseconds. */
const PROGRESS_MS = 5000;

async function count(title: string, which: { probe: string; bpftrace: string }, messages: number) {
  const rounds = Math.round(messages / CONTAINERS / SIZES.length);
  const each = {
    messages: rounds * SIZES.length,
    bytes: rounds * SIZES.reduce((sum, size) => sum + size, 0),
  };
  const sent = CONTAINERS * each.messages;
  const makers = await Promise.all(
    Array.from({ length: CONTAINERS }, (_, i) => makeCgroup(`tidegauge-exact-${process.pid}-${i}`)),
  );
  const probe = which.probe as Config['capture']['probe'];
  const { capture, frames, settled } = await captureFrames({ ...which, probe, account: 'exact' });
  const counted = () => makers.map(maker => trafficOf(frames, maker.path, 'send'));
  const messagesCounted = () => counted().reduce((sum, one) => sum + one.messages, 0);
  const progress = setInterval(
    () => console.error(`${title}: ${messagesCounted()} of ${sent} counted`),
    PROGRESS_MS,
  );
  try {
    await Promise.all(makers.map(maker => maker.perl(flood(rounds))));
    await settled();
  } finally {
    clearInterval(progress);
    await capture.stop();
    for (const maker of makers) await maker.remove();
  }
  const bytesOff = counted().reduce((sum, one) => sum + Math.abs(one.bytes - each.bytes), 0);
  const busy = frames.filter(({ windows }) => windows.some(one => one.container === makers[0]?.path));
  const lost = frames.reduce((total, frame) => total + frame.lost, 0);
  return {
    value: `${sent} sends, ${busy.length} flips`,
    ratio: `${messagesCounted() / sent}`,
    spread: `${bytesOff} B off, ${lost} lost`,
  };
}
