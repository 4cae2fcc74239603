/** Programs in perl for `perl -e` that talk over sockets; hosts are IPv4 or IPv6 addresses. Failures end them with a word. */
export const SOCKETS = `use Socket qw(:all); use strict; $| = 1;
  sub at { my ($host, $port) = @_;
    return $host =~ /:/ ? sockaddr_in6($port, inet_pton(AF_INET6, $host)) : sockaddr_in($port, inet_aton($host)) }
  sub sock { my ($host, $type) = @_; socket(my $s, $host =~ /:/ ? PF_INET6 : PF_INET, $type, 0) or die "socket $!"; $s }
  sub await { my ($s, $size) = @_; my $all = 0; while ($all < $size) { my $n = sysread($s, my $b, $size - $all);
    $n or die "read $!"; $all += $n } }`;

/** Accepts for ever; answers each request of `asked` bytes with `answer` bytes. */
export const tcpServer = (host: string, port: number, asked: number, answer: number): string => `${SOCKETS}
  my $l = sock("${host}", SOCK_STREAM); setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($l, at("${host}", ${port})) && listen($l, 10) or die "listen $!"; print "ready\\n";
  while (accept(my $s, $l)) { await($s, ${asked}); syswrite($s, "y" x ${answer}) == ${answer} or die; close $s }`;

/** `times` connections, one request each. */
export const tcpClient = (
  host: string,
  port: number,
  times: number,
  asked: number,
  answer: number,
): string => `${SOCKETS}
  for (1..${times}) { my $s = sock("${host}", SOCK_STREAM); connect($s, at("${host}", ${port})) or die "connect $!";
    syswrite($s, "x" x ${asked}) == ${asked} or die; await($s, ${answer}); close $s }`;

/** Answers every datagram with 30 bytes. */
export const udpServer = (host: string, port: number): string => `${SOCKETS}
  my $s = sock("${host}", SOCK_DGRAM); bind($s, at("${host}", ${port})) or die "bind $!"; print "ready\\n";
  while (my $from = recv($s, my $b, 65536, 0)) { send($s, "y" x 30, 0, $from) == 30 or die "send $!" }`;

/** `times` datagrams, each answered before the next. */
export const udpTalk = (
  host: string,
  port: number,
  times: number,
  size: number,
  connected: boolean,
): string =>
  `${SOCKETS}
  my $s = sock("${host}", SOCK_DGRAM); my $to = at("${host}", ${port});
  ${connected ? 'connect($s, $to) or die "connect $!";' : ''}
  for (1..${times}) { ${connected ? `send($s, "x" x ${size}, 0)` : `send($s, "x" x ${size}, 0, $to)`} or die "send $!";
    defined(recv($s, my $b, 99, 0)) or die "recv $!" }`;

/** The same, and lives on, so that its network can be read. */
export const udpClient = (...args: Parameters<typeof udpTalk>): string =>
  `${udpTalk(...args)} print "done\\n"; sleep 600`;
