import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { NEWER_BPFTRACE } from '../../parts/typecheck.ts';

const NOTHING = { messages: 0, bytes: 0, sizes: [] };

/** Two connected UDP sockets $a and $b of a family, on loopback. */
const udpPair = (family: 'INET' | 'INET6') => `
  use Socket qw(:all); use strict; my ($a, $b);
  socket($a, PF_${family}, SOCK_DGRAM, 0) or die; socket($b, PF_${family}, SOCK_DGRAM, 0) or die;
  my $any = ${family === 'INET' ? 'sockaddr_in(0, INADDR_LOOPBACK)' : 'pack_sockaddr_in6(0, IN6ADDR_LOOPBACK)'};
  bind($a, $any) or die "bind $!"; bind($b, $any) or die;
  connect($a, getsockname($b)) or die; connect($b, getsockname($a)) or die; my $buf;
`;
/** A TCP (262: MPTCP) connection with ends $a and $b. */
const tcpPair = (protocol: 6 | 262) => `
  use Socket qw(:all); use strict; my ($l, $a, $b, $buf);
  socket($l, PF_INET, SOCK_STREAM, ${protocol}) or die "socket $!"; bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die;
  listen($l, 1) or die; socket($a, PF_INET, SOCK_STREAM, ${protocol}) or die; connect($a, getsockname($l)) or die;
  accept($b, $l) or die;
`;

/** What counts, and what does not: one line a case. */
const CASES: {
  readonly name: string;
  readonly perl: string;
  readonly send: typeof NOTHING | { messages: number; bytes: number; sizes: number[][] };
  readonly receive: typeof NOTHING | { messages: number; bytes: number; sizes: number[][] };
}[] = [
  {
    name: 'UDP over IPv4',
    perl: `${udpPair('INET')} send($a, "x" x 100, 0) or die; recv($b, $buf, 4096, 0);`,
    send: { messages: 1, bytes: 100, sizes: [[64, 1]] },
    receive: { messages: 1, bytes: 100, sizes: [[64, 1]] },
  },
  {
    name: 'UDP over IPv6',
    perl: `${udpPair('INET6')} send($a, "x" x 63, 0) or die; recv($b, $buf, 4096, 0);`,
    send: { messages: 1, bytes: 63, sizes: [[0, 1]] },
    receive: { messages: 1, bytes: 63, sizes: [[0, 1]] },
  },
  {
    name: 'TCP',
    perl: `${tcpPair(6)} syswrite($a, "x" x 4096) == 4096 or die; sysread($b, $buf, 4096) == 4096 or die;`,
    send: { messages: 1, bytes: 4096, sizes: [[4096, 1]] },
    receive: { messages: 1, bytes: 4096, sizes: [[4096, 1]] },
  },
  {
    name: 'the largest UDP message, in the last coarse bucket',
    perl: `${udpPair('INET')} send($a, "x" x 65507, 0) or die; recv($b, $buf, 70000, 0);`,
    send: { messages: 1, bytes: 65_507, sizes: [[61_440, 1]] },
    receive: { messages: 1, bytes: 65_507, sizes: [[61_440, 1]] },
  },
  {
    name: 'a TCP message beyond 64 KiB, in the overflow bucket',
    perl: `${tcpPair(6)} setsockopt($a, SOL_SOCKET, SO_SNDBUF, pack("i", 1 << 20)) or die;
      setsockopt($b, SOL_SOCKET, SO_RCVBUF, pack("i", 1 << 20)) or die; my $p = fork();
      if (!$p) { recv($b, $buf, 1000, MSG_WAITALL) for 1..100; exit }
      send($a, "x" x 100000, MSG_WAITALL) == 100000 or die "short"; waitpid($p, 0);`,
    send: { messages: 1, bytes: 100_000, sizes: [[65_536, 1]] },
    receive: { messages: 100, bytes: 100_000, sizes: [[960, 100]] },
  },
  {
    name: 'an empty UDP message',
    perl: `${udpPair('INET')} defined(send($a, "", 0)) or die; recv($b, $buf, 4096, 0);`,
    send: { messages: 1, bytes: 0, sizes: [[0, 1]] },
    receive: { messages: 1, bytes: 0, sizes: [[0, 1]] },
  },
  {
    name: 'not AF_UNIX',
    perl: `use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die;
      for (1..100) { syswrite($a, "x" x 10) == 10 or die; sysread($b, my $buf, 10) == 10 or die }`,
    send: NOTHING,
    receive: NOTHING,
  },
  {
    name: 'not netlink, whose protocol 6 is not TCP',
    perl: `use Socket; socket(my $s, 16, SOCK_RAW, 6) or die "socket $!";
      my $message = pack("LSSLL", 16, 0, 5, 1, 0); send($s, $message, 0, pack("SSLL", 16, 0, 0, 0)) or die;
      defined(recv($s, my $buf, 999, 0)) or die;`,
    send: NOTHING,
    receive: NOTHING,
  },
  {
    name: 'not a peek',
    perl: `${udpPair('INET')} send($a, "x" x 10, 0) or die; recv($b, $buf, 99, MSG_PEEK) for 1..5; recv($b, $buf, 99, 0);`,
    send: { messages: 1, bytes: 10, sizes: [[0, 1]] },
    receive: { messages: 1, bytes: 10, sizes: [[0, 1]] },
  },
  {
    name: 'not a receive that found nothing (-EAGAIN)',
    perl: `${udpPair('INET')} for (1..5) { defined(recv($b, $buf, 99, MSG_DONTWAIT)) and die }
      send($a, "x", 0) or die; recv($b, $buf, 99, 0);`,
    send: { messages: 1, bytes: 1, sizes: [[0, 1]] },
    receive: { messages: 1, bytes: 1, sizes: [[0, 1]] },
  },
  {
    name: 'not a send that failed (-EMSGSIZE, -EPIPE)',
    perl: `${udpPair('INET')} defined(send($a, "x" x 70000, 0)) and die; send($a, "x", 0) or die; recv($b, $buf, 9, 0);
      { ${tcpPair(6)} $SIG{PIPE} = 'IGNORE'; shutdown($a, 1); defined(syswrite($a, "x")) and die }`,
    send: { messages: 1, bytes: 1, sizes: [[0, 1]] },
    receive: { messages: 1, bytes: 1, sizes: [[0, 1]] },
  },
  {
    name: 'not the end of a TCP stream',
    perl: `${tcpPair(6)} syswrite($a, "x" x 7) == 7 or die; close($a); sysread($b, $buf, 7) == 7 or die;
      for (1..5) { sysread($b, $buf, 7) == 0 or die }`,
    send: { messages: 1, bytes: 7, sizes: [[0, 1]] },
    receive: { messages: 1, bytes: 7, sizes: [[0, 1]] },
  },
  {
    name: 'not the error queue',
    perl: `${udpPair('INET')} setsockopt($a, 0, 11, pack("i", 1)) or die; close($b); send($a, "x" x 20, 0) or die;
      defined(recv($a, $buf, 99, 0x2040)) or die "no error queued";`,
    send: { messages: 1, bytes: 20, sizes: [[0, 1]] },
    receive: NOTHING,
  },
  {
    name: 'MPTCP',
    perl: `${tcpPair(262)} syswrite($a, "x" x 300) == 300 or die; sysread($b, $buf, 300) == 300 or die;`,
    send: { messages: 1, bytes: 300, sizes: [[256, 1]] },
    receive: { messages: 1, bytes: 300, sizes: [[256, 1]] },
  },
];

/** A newer bpftrace attaches in another way, and looks up what the other is told. */
describe.each([
  { of: 'the distribution', bpftrace: 'bpftrace', needs: ['ebpf'] },
  { of: 'Debian 13', bpftrace: NEWER_BPFTRACE, needs: ['ebpf', 'newer-bpftrace'] },
] as const)('bpftrace of $of', ({ bpftrace, needs }) => {
  describeWith(needs, 'counts', () => {
    let running: TestCapture;
    const nameOf = (of: (typeof CASES)[number]) => `tidegauge-filter-${process.pid}-${CASES.indexOf(of)}`;

    beforeAll(async () => {
      running = await captureFrames({ bpftrace });
      for (const one of CASES) {
        const cgroup = await makeCgroup(nameOf(one));
        await cgroup.perl(one.perl);
        await cgroup.remove();
      }
      await running.settled();
    });
    afterAll(() => running.capture.stop());

    it.each(CASES)('$name', one => {
      const path = `/${nameOf(one)}`;
      expect(trafficOf(running.frames, path, 'send')).toEqual(one.send);
      expect(trafficOf(running.frames, path, 'receive')).toEqual(one.receive);
    });
  });
});
