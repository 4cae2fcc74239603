import { afterEach, expect, it } from '@jest/globals';
import { CAPTURE_RULE, captureAlarms } from '../../../alert/data-loss.ts';
import { PROBES } from '../../../bpf/index.ts';
import type { Config } from '../../../core/config/config.ts';
import { DIRECTIONS, type Frame, isComplete } from '../../../core/traffic/frame.ts';
import { breaks, captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup, type TestCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { NEWER_BPFTRACE } from '../../parts/typecheck.ts';

/** Number of the system call. */
const SPLICE = process.arch === 'arm64' ? 76 : 275;

/**
 * Perl: messages of pseudo-random sizes, every bucket in reach among them, over UDP (0 to 60,000 B) and TCP (up to
 * 200,000 B, in as many calls as it takes), every other one of which is spliced out of its socket.
 */
const mixture = (seed: number, messages: number) => `
  use Socket qw(:all); srand(${seed}); my ($a, $b, $l, $c, $s, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  socket($l, PF_INET, SOCK_STREAM, 0) && bind($l, sockaddr_in(0, INADDR_LOOPBACK)) && listen($l, 1) or die;
  socket($c, PF_INET, SOCK_STREAM, 0) && connect($c, getsockname($l)) && accept($s, $l) && pipe(my $r, my $w) or die;
  for (1 .. ${messages}) {
    my $n = int(exp(rand(11)) - 1) % 60000; defined send($a, "x" x $n, 0) or die; recv($b, $buf, 65536, 0);
    if ($_ % 20 == 0) { my $left = int(rand(200000)) + 1; while ($left > 0) {
      my $sent = syswrite($c, "x" x ($left > 70000 ? 70000 : $left)) or die; $left -= $sent;
      my $got = 0; while ($got < $sent) {
        if ($_ % 40 == 0) { my $n = syscall(${SPLICE}, fileno($s), 0, fileno($w), 0, 4000, 0); $n > 0 or die "splice $!";
          $got += $n; while ($n > 0) { $n -= sysread($r, $buf, $n) } }
        else { $got += sysread($s, $buf, $sent - $got) } } } } }`;

/** Perl: one message of each of the sizes of 100 B and more, each bucket a key of its own. */
const manyKeys = (buckets: number, times: number) => `
  use Socket qw(:all); my ($a, $b, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  for (1 .. ${times}) { for my $i (1 .. ${buckets}) { send($a, "x" x ($i * 64), 0) or die; recv($b, $buf, 65536, 0) } }`;

const INTERVAL = { interval: 400 } satisfies Partial<Config['capture']>;
const EVERYWHERE = PROBES.flatMap(({ name }) =>
  ['bpftrace', NEWER_BPFTRACE].map(bpftrace => ({ probe: name as Config['capture']['probe'], bpftrace })),
);
const OTHERS = EVERYWHERE.filter(({ probe, bpftrace }) => probe !== 'lhist' || bpftrace !== 'bpftrace');

describeWith(['ebpf', 'newer-bpftrace'], 'probes', () => {
  const running: TestCapture[] = [];
  const cgroups: TestCgroup[] = [];
  const cgroup = async (what: string) => {
    const made = await makeCgroup(`tidegauge-${what}-${process.pid}`);
    cgroups.push(made);
    return made;
  };
  const capture = async (config: Partial<Config['capture']>) => {
    const one = await captureFrames({ ...INTERVAL, ...config });
    running.push(one);
    return one;
  };
  afterEach(async () => {
    await Promise.all(running.splice(0).map(one => one.capture.stop()));
    for (const one of cgroups.splice(0)) await one.remove();
  });

  it.each(OTHERS)('$probe of $bpftrace gives what the reference gives', async ({ probe, bpftrace }) => {
    const makers = await Promise.all(['one', 'two', 'three'].map(cgroup));
    const [reference, other] = await Promise.all([
      capture({ probe: 'lhist', account: 'exact' }),
      capture({ probe, bpftrace, account: 'exact' }),
    ]);
    for (let round = 0; round < 4; round++) {
      const from = [reference.frames.length, other.frames.length] as const;
      await Promise.all(makers.map((maker, i) => maker.perl(mixture(10 * round + i, 400))));
      await Promise.all([reference.settled(), other.settled()]);
      for (const maker of makers) {
        for (const direction of DIRECTIONS) {
          const expected = trafficOf(reference.frames.slice(from[0]), maker.path, direction);
          expect(expected.messages).toBeGreaterThan(400);
          expect(trafficOf(other.frames.slice(from[1]), maker.path, direction)).toEqual(expected);
        }
      }
    }
    for (const { capture, frames } of [reference, other]) {
      expect(capture.status().counters).toMatchObject({ lastGarbage: null, lost: 0, restarts: 0 });
      expect(losses(frames)).toEqual([]);
    }
  });

  it.each(EVERYWHERE)(
    '$probe of $bpftrace loses nothing when two processors count for one container',
    async config => {
      const maker = await cgroup('shared');
      const { frames, settled } = await capture({ ...config, interval: 200, account: 'exact' });
      await Promise.all([1, 2].map(() => maker.perl(manyKeys(40, 1000))));
      await settled();
      expect(losses(frames)).toEqual([]);
      for (const direction of DIRECTIONS) {
        expect(trafficOf(frames, maker.path, direction).messages).toBe(2 * 40 * 1000);
      }
    },
  );

  it.each(EVERYWHERE)('$probe of $bpftrace says how many messages a full map has lost', async config => {
    const maker = await cgroup('full');
    // The large one sees all that the small one may lose of others, so it begins first and ends last.
    const large = await capture({ probe: 'packed', account: 'exact' });
    const small = await capture({ ...config, account: 'exact', map_keys: 32 });
    await maker.perl(manyKeys(63, 50));
    await maker.perl(mixture(1, 300));
    await Promise.all([small.settled(), large.settled()]);
    await small.capture.stop();
    await large.capture.stop();
    const messages = (frames: readonly Frame[]) =>
      DIRECTIONS.reduce((sum, direction) => sum + trafficOf(frames, maker.path, direction).messages, 0);
    const missing = messages(large.frames) - messages(small.frames);
    const lost = small.frames.reduce((sum, frame) => sum + frame.lost, 0);
    // What others on this machine sent meanwhile may be lost as well.
    const others = large.frames
      .flatMap(frame => frame.windows)
      .reduce((sum, window) => sum + (window.container === maker.path ? 0 : window.messages), 0);
    expect(missing).toBeGreaterThan(0);
    expect(lost).toBeGreaterThanOrEqual(missing);
    expect(lost).toBeLessThanOrEqual(missing + others);
    for (const frame of small.frames.filter(({ lost }) => lost > 0)) {
      expect([frame.faults, frame.occupancy]).toEqual([expect.arrayContaining(['saturated']), 1]);
      expect(captureAlarms(frame)).toMatchObject([{ rule: CAPTURE_RULE, evidence: { seen: frame.lost } }]);
    }
    expect(losses(large.frames.slice(0, -1))).toEqual([]);
  });
});

/** Frames with losses, or with faults that a complete capture of its own does not have. */
function losses(frames: readonly Frame[]): unknown[] {
  const wrong = frames.slice(1).filter(frame => !isComplete(frame) && !frame.faults.includes('late-flip'));
  const lossy = [...wrong, ...frames.filter(frame => frame.lost > 0)];
  return [...lossy.map(({ windows: _windows, flows: _flows, ...rest }) => rest), ...breaks(frames)];
}
