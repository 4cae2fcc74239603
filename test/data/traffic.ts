import { bucketOf, type Sizes, sizesFrom } from '../../core/traffic/histogram.ts';

/**
 * Perl scripts that make traffic of known sizes inside a container, on its own loopback. Every send is one system
 * call of one size; receivers wait for all of it, so each receive is one event of the same size.
 */

const SOCKETS = `
use Socket; $| = 1;
sub pair {
  socket(my $l, PF_INET, SOCK_STREAM, 0) or die; bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($l, 1);
  socket(my $c, PF_INET, SOCK_STREAM, 0) or die; connect($c, getsockname($l)) or die; accept(my $s, $l) or die;
  setsockopt($c, 6, 1, 1); return ($c, $s);
}
sub udp { socket(my $u, PF_INET, SOCK_DGRAM, 0) or die; bind($u, sockaddr_in(0, INADDR_LOOPBACK)) or die; return $u; }
my $go = 0; $SIG{USR1} = sub { $go++ };
sub wait_for { my $n = shift; select(undef, undef, undef, 0.02) while $go < $n; }
`;

/** After SIGUSR1 sends each size once over TCP, in order, while a forked child receives. Then sleeps. */
export function tcpScript(sizes: readonly number[]): string {
  return `${SOCKETS}
my @sizes = (${compact(sizes)}); my ($c, $s) = pair(); wait_for(1);
if (!fork) { for (@sizes) { my $b; recv($s, $b, $_, MSG_WAITALL); length($b) == $_ or die; } exit 0; }
for (@sizes) { syswrite($c, "x" x $_) == $_ or die; }
wait; print "done\\n"; sleep 3600;`;
}

/**
 * A steady trickle of about 50 messages a second; SIGUSR1 starts a burst of about a hundred times that for
 * `burstSeconds`, after which the trickle goes on.
 */
export function trickleScript(burstSeconds: number): string {
  return `${SOCKETS}
my ($a, $b) = (udp(), udp()); my $to = getsockname($b); my $end = 0; my $seen = 0;
while (1) {
  if ($go > $seen) { $seen = $go; $end = time + ${burstSeconds}; }
  my $n = time < $end ? 100 : 1; my $size = 400 + int(rand(200));
  for (1 .. $n) { my $m; send($a, "x" x $size, 0, $to); recv($b, $m, 65536, 0); }
  select(undef, undef, undef, 0.02);
}`;
}

/** Perl list with repetitions folded: `(1000) x 10000, (1, 2) x 1`. */
function compact(sizes: readonly number[]): string {
  const runs: [size: number, times: number][] = [];
  for (const size of sizes) {
    const last = runs.at(-1);
    if (last?.[0] === size) last[1]++;
    else runs.push([size, 1]);
  }
  return runs.map(([size, times]) => `(${size}) x ${times}`).join(', ');
}

/** What must be counted for events of these sizes. */
export function expected(sizes: readonly number[]): { messages: number; bytes: number; sizes: Sizes } {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(bucketOf(size), (counts.get(bucketOf(size)) ?? 0) + 1);
  return {
    messages: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    sizes: sizesFrom(counts),
  };
}

/** Rules that see the trickle's burst, in both directions, and nothing below: the trickle goes up and down with the machine. */
export const JUMP_RULES = [
  { name: 'sent', metric: 'bytes', direction: 'send', floor: '100KiB/s' },
  { name: 'received', metric: 'messages', direction: 'receive', floor: '300msg/s' },
].map(rule => ({ use: 'rolling-zscore', ...rule, warm_up: '8s', for: '1s' }));
