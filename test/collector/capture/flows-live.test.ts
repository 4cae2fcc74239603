import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type LiveConnection, watchConnections } from '../../../collector/capture/live-connections.ts';
import { localTracer } from '../../../collector/capture/tracer.ts';
import { systemClock } from '../../../core/clock.ts';
import { EXCHANGE_KEYS, type Flow } from '../../../core/traffic/flow.ts';
import { DIRECTIONS, type Frame } from '../../../core/traffic/frame.ts';
import { serviceMap } from '../../../core/traffic/service-map.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import {
  captureConfig,
  captureFrames,
  silentLog,
  type TestCapture,
  trafficOf,
} from '../../parts/kernel/capture.ts';
import { makeCgroup, type TestCgroup } from '../../parts/kernel/cgroup.ts';
import { makeNetwork, type TestNamespace, type TestNetwork } from '../../parts/kernel/netns.ts';
import { SOCKETS, tcpClient, tcpServer, udpClient, udpServer, udpTalk } from '../../parts/kernel/sockets.ts';
import { describeWith } from '../../parts/need.ts';
import type { Child } from '../../parts/process.ts';
import { temporaryFolder, until } from '../../parts/process.ts';

/** Not those of another run on this machine: an address that two have in one frame leads to neither. */
const TAG = 1 + (process.pid % 250);
const NET = `10.77.${TAG}`;
const NET6 = `fd77:${TAG}`;

/** The sum over frames of each flow of these containers, without its address. */
function flowsOf(frames: readonly Frame[], ...containers: readonly string[]): Partial<Flow>[] {
  const sums = new Map<string, Record<string, unknown>>();
  for (const { address: _, ...flow } of frames.flatMap(frame => frame.flows)) {
    if (!containers.includes(flow.container)) continue;
    const { container, protocol, role, peerKind, peer, port } = flow;
    const id = [container, protocol, role, peerKind, peer, port].join('|');
    const known = sums.get(id);
    sums.set(
      id,
      known
        ? { ...known, ...Object.fromEntries(EXCHANGE_KEYS.map(k => [k, Number(known[k]) + flow[k]])) }
        : flow,
    );
  }
  return [...sums.values()].map(flow =>
    Object.fromEntries(Object.entries(flow).filter(([, value]) => value !== 0)),
  );
}

describeWith(['ebpf'], 'flows between network namespaces', () => {
  let network: TestNetwork;
  let left: TestNamespace;
  let right: TestNamespace;
  /** Of all tests but those that want other settings: to begin takes longer than any of them. */
  let shared: TestCapture;
  let running: TestCapture;
  const cgroups: TestCgroup[] = [];
  const servers: Child[] = [];
  let made = 0;

  const cgroup = async (what: string) => {
    const one = await makeCgroup(`tidegauge-flows-${process.pid}-${++made}-${what}`);
    cgroups.push(one);
    return one;
  };
  const perl = (where: TestNamespace, who: TestCgroup, script: string): Child =>
    who.start(...(where.words as [string, ...string[]]), 'perl', '-e', script);
  const serve = async (where: TestNamespace, who: TestCgroup, script: string, word = 'ready') => {
    const child = perl(where, who, script);
    servers.push(child);
    await child.until(`the word ${word}`, output => output.includes(word));
    return child;
  };
  const run = async (where: TestNamespace, who: TestCgroup, script: string) => {
    const child = perl(where, who, script);
    expect([await child.exited, child.output]).toEqual([0, '']);
  };

  beforeAll(async () => {
    network = makeNetwork(`t${process.pid % 100_000}`);
    left = network.join('l', `${NET}.1/24`, `${NET6}::1/64`);
    right = network.join('r', `${NET}.2/24`, `${NET6}::2/64`);
    shared = await captureFrames({ probe: 'flows' });
  });
  beforeEach(() => {
    running = shared;
    shared.frames.length = 0;
  });
  afterEach(async () => {
    if (running !== shared) await running.capture.stop();
    for (const server of servers.splice(0)) await server.stop('SIGKILL');
    for (const one of cgroups.splice(0)) await one.remove();
    // Their last traffic may be read out after their end: then the names are forgotten.
    for (let frame = 0; frame < 3; frame++) await shared.settled();
  });
  afterAll(async () => {
    await shared.capture.stop();
    network.remove();
  });

  it.each([
    ['IPv4', `${NET}.2`],
    ['IPv6', `${NET6}::2`],
  ])('over TCP and %s: both ends know each other, with exact numbers', async (_, host) => {
    const [client, server] = [await cgroup('client'), await cgroup('server')];
    await serve(right, server, tcpServer(host, 7001, 100, 5000));
    await run(left, client, tcpClient(host, 7001, 50, 100, 5000));
    await running.settled();
    const [asked, answered] = [
      { messages: 50, bytes: 5000 },
      { messages: 50, bytes: 250_000 },
    ];
    expect(flowsOf(running.frames, client.path)).toEqual([
      expect.objectContaining({
        container: client.path,
        protocol: 'tcp',
        role: 'client',
        peerKind: 'container',
        peer: server.path,
        port: 7001,
        sentMessages: asked.messages,
        sentBytes: asked.bytes,
        receivedBytes: answered.bytes,
        connections: 50,
      }),
    ]);
    expect(flowsOf(running.frames, server.path)).toEqual([
      expect.objectContaining({
        role: 'server',
        peerKind: 'container',
        peer: client.path,
        port: 7001,
        sentMessages: answered.messages,
        sentBytes: answered.bytes,
        receivedBytes: asked.bytes,
        connections: 50,
      }),
    ]);
    const ends = (container: string) =>
      running.frames
        .flatMap(frame => frame.connections)
        .filter(row => row.container === container)
        .map(({ kind, own, peer, port }) => `${kind} ${own} ${peer} ${port}`);
    const own = host.replace(/2$/, '1');
    expect(new Set(ends(client.path))).toEqual(new Set([`opened ${own} ${host} 7001`]));
    expect(new Set(ends(server.path))).toEqual(new Set([`accepted ${host} ${own} 7001`]));
    const counts = running.frames.flatMap(frame => frame.connections);
    for (const { path } of [client, server]) {
      const theirs = counts.filter(row => row.container === path);
      expect(theirs.reduce((sum, row) => sum + row.count, 0)).toBe(50);
    }
  });

  it('over TCP have the client port at both ends, also when refused; of several connections that of the latest', async () => {
    const [client, server] = [await cgroup('client'), await cgroup('server')];
    await serve(right, server, tcpServer(`${NET}.2`, 7012, 10, 10));
    // Asks as the server expects it: one that closes without a word ends the server, and the next would be refused.
    const from = (port: number, to: number) =>
      `my $s = sock("${NET}.1", SOCK_STREAM); bind($s, at("${NET}.1", ${port})) or die "bind $!";
       my $is = connect($s, at("${NET}.2", ${to}));
       if ($is) { syswrite($s, "x" x 10) == 10 or die; await($s, 10) } close $s;`;
    const ports = [7101, 7102, 7103];
    await run(
      left,
      client,
      `${SOCKETS} ${ports.map(port => `{ ${from(port, 7012)} $is or die }`).join('\n')}`,
    );
    await run(left, client, `${SOCKETS} ${from(7104, 9)} $is and die`);
    await running.settled();
    const rows = running.frames.flatMap(frame => frame.connections);
    for (const { path } of [client, server]) {
      const ours = rows.filter(row => row.container === path && row.port === 7012);
      // They may be of one interval or of several: a row tells the last one that it counts.
      let counted = 0;
      for (const { clientPort, count } of ours) {
        counted += count;
        expect(clientPort).toBe(ports[counted - 1]);
      }
      expect(counted).toBe(3);
    }
    expect(rows.filter(row => row.container === client.path && row.kind === 'failed')).toMatchObject([
      { own: `${NET}.1`, peer: `${NET}.2`, port: 9, clientPort: 7104, count: 1 },
    ]);
  });

  it.each([
    ['connected', 'IPv4', `${NET}.2`, true],
    ['unconnected', 'IPv4', `${NET}.2`, false],
    ['connected', 'IPv6', `${NET6}::2`, true],
    ['unconnected', 'IPv6', `${NET6}::2`, false],
  ])(
    'over %s UDP and %s: who is sent to is known, of receives only the sum',
    async (_, _6, host, connected) => {
      const [client, server] = [await cgroup('client'), await cgroup('server')];
      await serve(right, server, udpServer(host, 7002));
      // It lives on, so that its network can be read.
      await serve(left, client, udpClient(host, 7002, 40, 70, connected), 'done');
      await running.settled();
      const there = { container: client.path, protocol: 'udp', role: 'client', peerKind: 'container' };
      const sent = { sentMessages: 40, sentBytes: 2800 };
      const received = { receivedMessages: 40, receivedBytes: 1200 };
      const unseen = {
        container: client.path,
        protocol: 'udp',
        role: 'client',
        peerKind: 'unknown',
        peer: '',
      };
      const known = { ...there, peer: server.path, port: 7002, ...sent };
      expect(flowsOf(running.frames, client.path)).toEqual(
        connected ? [{ ...known, ...received }] : [known, { ...unseen, ...received }],
      );
      const back = { container: server.path, protocol: 'udp', role: 'server', port: 7002 };
      expect(flowsOf(running.frames, server.path)).toEqual([
        { ...back, peerKind: 'container', peer: client.path, sentMessages: 40, sentBytes: 1200 },
        { ...back, peerKind: 'unknown', peer: '', receivedMessages: 40, receivedBytes: 2800 },
      ]);
    },
  );

  it.each([
    ['IPv4', `${NET}.2`],
    ['IPv6', `${NET6}::2`],
  ])(
    'over unconnected UDP and %s where nobody listens: who is sent to is known all the same',
    async (_, host) => {
      const [client, other] = [await cgroup('client'), await cgroup('other')];
      await serve(right, other, '$| = 1; print "ready\\n"; sleep 600');
      await serve(
        left,
        client,
        `${SOCKETS} my $s = sock("${host}", SOCK_DGRAM);
      for (1..12) { send($s, "x" x 9, 0, at("${host}", 7010)) or die "send $!" } print "done\\n"; sleep 600`,
        'done',
      );
      await running.settled();
      const sent = { sentMessages: 12, sentBytes: 108 };
      expect(flowsOf(running.frames, client.path)).toMatchObject([{ peer: other.path, port: 7010, ...sent }]);
    },
  );

  it.each([
    ['IPv4', `${NET}.2`],
    ['IPv6', `${NET6}::2`],
  ])(
    'over unconnected UDP and %s after more threads than the maps hold have come and gone: who is sent to is known',
    async (_, host) => {
      running = await captureFrames({ probe: 'flows', map_keys: 1024 });
      const [client, other] = [await cgroup('client'), await cgroup('other')];
      await serve(right, other, '$| = 1; print "ready\\n"; sleep 600');
      const connected = `my $s = sock("${host}", SOCK_DGRAM); connect($s, at("${host}", 7012)) or die`;
      await serve(
        left,
        client,
        `${SOCKETS} for (1..1100) { if (!fork) { ${connected}; exit } wait }
      my $s = sock("${host}", SOCK_DGRAM); send($s, "x" x 9, 0, at("${host}", 7011)) or die "send $!";
      print "done\\n"; sleep 600`,
        'done',
      );
      await running.settled();
      const sent = { sentMessages: 1, sentBytes: 9 };
      expect(flowsOf(running.frames, client.path)).toMatchObject([{ peer: other.path, port: 7011, ...sent }]);
    },
  );

  it.each([
    ['IPv4', `${NET}.2`, `${NET}.200`],
    ['IPv6', `${NET6}::2`, `${NET6}::200`],
    ['IPv6 after IPv4', `${NET}.2`, `${NET6}::200`],
    ['IPv4 after IPv6', `${NET6}::2`, `${NET}.200`],
  ])(
    'over unconnected UDP and %s, both on one port: what could not be sent to one is not taken for what another is sent',
    async (_, host, nobody) => {
      const [client, other] = [await cgroup('client'), await cgroup('other')];
      await serve(right, other, '$| = 1; print "ready\\n"; sleep 600');
      await serve(
        left,
        client,
        `${SOCKETS} my ($four, $six) = (sock("0.0.0.0", SOCK_DGRAM), sock("::", SOCK_DGRAM));
      setsockopt($six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      bind($four, at("0.0.0.0", 7013)) && bind($six, at("::", 7013)) or die "bind $!";
      sub to { my ($host, $size) = @_; send($host =~ /:/ ? $six : $four, "x" x $size, 0, at($host, 7013)) }
      to("${host}", 65530) and die "sent"; for (1..3) { to("${nobody}", 9) or die "send $!" }
      print "done\\n"; sleep 600`,
        'done',
      );
      await running.settled();
      expect(flowsOf(running.frames, client.path)).toMatchObject([
        { peerKind: 'private', port: 7013, sentMessages: 3, sentBytes: 27 },
      ]);
    },
  );

  it('over unconnected UDP through VXLAN have their destination, though the tunnel looks up its own route later', async () => {
    const [first, client, other] = [await cgroup('first'), await cgroup('client'), await cgroup('other')];
    left.tunnel(`${NET}.1`, `${NET}.2`, '10.79.0.1/24');
    right.tunnel(`${NET}.2`, `${NET}.1`, '10.79.0.2/24');
    await serve(right, other, udpServer('10.79.0.2', 7014));
    await serve(right, other, udpServer('10.79.0.2', 7015));
    const socket = `${SOCKETS} my $s = sock("0.0.0.0", SOCK_DGRAM);
      sub to { send($s, "x" x 9, 0, at("10.79.0.2", $_[0])) or die "send $!" }`;
    // Both ends find out where the other one is.
    await run(left, first, `${socket} to(7014)`);
    // Of marked packets (SO_MARK, 36) a tunnel looks up the route each time.
    await serve(
      left,
      client,
      `${socket} setsockopt($s, SOL_SOCKET, 36, 1) or die "mark $!"; bind($s, at("0.0.0.0", 7014)) or die "bind $!";
      for (1..10) { to(7014); to(7015) } print "done\\n"; sleep 600`,
      'done',
    );
    await running.settled();
    const sent = { sentMessages: 20, sentBytes: 180 };
    expect(flowsOf(running.frames, client.path)).toMatchObject([{ peer: other.path, port: 7014, ...sent }]);
  });

  it('over loopback stay in the namespace', async () => {
    const [one, two] = [await cgroup('one'), await cgroup('two')];
    await serve(left, one, tcpServer('127.0.0.1', 7003, 10, 10));
    await serve(right, two, tcpServer('127.0.0.1', 7003, 10, 10));
    await run(left, one, tcpClient('127.0.0.1', 7003, 3, 10, 10));
    await run(right, two, tcpClient('127.0.0.1', 7003, 4, 10, 10));
    await running.settled();
    for (const [who, connections] of [
      [one, 3],
      [two, 4],
    ] as const) {
      const flows = flowsOf(running.frames, who.path);
      expect(flows.map(({ role, peer, connections }) => [role, peer, connections])).toEqual([
        ['client', who.path, connections],
        ['server', who.path, connections],
      ]);
    }
  });

  it.each(['TCP', 'UDP'] as const)(
    'over loopback and %s to a process of another cgroup that has entered the namespace: never to itself',
    async kind => {
      const [owner, guest] = [await cgroup('owner'), await cgroup('guest')];
      // The guest has sockets of its own network first, as a resolver or proxy of the engine does.
      await serve(right, guest, tcpServer(`${NET}.2`, 7021, 10, 10));
      await run(left, owner, tcpClient(`${NET}.2`, 7021, 1, 10, 10));
      await running.settled();
      const talk = kind === 'TCP' ? tcpServer('127.0.0.1', 7022, 10, 10) : udpServer('127.0.0.1', 7022);
      await serve(left, guest, talk);
      const asking =
        kind === 'TCP' ? tcpClient('127.0.0.1', 7022, 3, 10, 10) : udpTalk('127.0.0.1', 7022, 3, 10, true);
      await run(left, owner, asking);
      await running.settled();
      const peers = (who: TestCgroup) =>
        flowsOf(running.frames, who.path)
          .filter(({ port }) => port === 7022)
          .map(({ role, peer }) => [role, peer]);
      expect(peers(owner)).toContainEqual(['client', guest.path]);
      for (const [, peer] of peers(owner)) expect([guest.path, '']).toContain(peer);
      for (const [, peer] of peers(guest)) expect([owner.path, '']).toContain(peer);
    },
  );

  it('over loopback of a namespace that two containers share: each end is who it is', async () => {
    const [one, two] = [await cgroup('one'), await cgroup('two')];
    await serve(left, one, tcpServer('127.0.0.1', 7023, 10, 10));
    await serve(left, two, udpServer('127.0.0.1', 7024));
    await run(left, two, tcpClient('127.0.0.1', 7023, 3, 10, 10));
    await serve(left, one, udpClient('127.0.0.1', 7024, 3, 10, true), 'done');
    await run(left, two, `${SOCKETS} connect(sock("127.0.0.1", SOCK_STREAM), at("127.0.0.1", 9)) and die`);
    await running.settled();
    const of = (who: TestCgroup) =>
      flowsOf(running.frames, who.path).filter(({ peerKind }) => peerKind === 'container');
    expect(of(one)).toMatchObject([
      { role: 'server', peer: two.path, port: 7023, connections: 3 },
      { role: 'client', peer: two.path, port: 7024, sentMessages: 3 },
    ]);
    expect(of(two)).toMatchObject([
      { role: 'client', peer: one.path, port: 7023, connections: 3 },
      { role: 'server', peer: one.path, port: 7024, sentMessages: 3 },
    ]);
  });

  it('of a process that was moved to another cgroup after it had opened its socket never lead to a third', async () => {
    const [client, opener, mover] = [await cgroup('client'), await cgroup('opener'), await cgroup('mover')];
    const server = await serve(right, opener, tcpServer(`${NET}.2`, 7025, 10, 10));
    await run(left, client, tcpClient(`${NET}.2`, 7025, 1, 10, 10));
    await running.settled();
    const [from] = [running.frames.length];
    writeFileSync(join(mover.folder, 'cgroup.procs'), String(server.process.pid));
    await run(left, client, tcpClient(`${NET}.2`, 7025, 5, 10, 10));
    await running.settled();
    const frames = running.frames.slice(from);
    // Its socket is the opener's still, its messages are the mover's.
    for (const { peer } of flowsOf(frames, client.path))
      expect([opener.path, mover.path, '']).toContain(peer);
    expect(trafficOf(frames, mover.path, 'receive').bytes).toBe(50);
    expect(flowsOf(frames, opener.path)).toMatchObject([{ role: 'server', port: 7025, connections: 5 }]);
  });

  it('of a port scan are few rows, and its failures are all counted', async () => {
    const [scanner, server] = [await cgroup('scanner'), await cgroup('victim')];
    await serve(right, server, tcpServer(`${NET}.2`, 7004, 10, 10));
    await run(left, scanner, tcpClient(`${NET}.2`, 7004, 1, 10, 10));
    await running.settled();
    await run(
      left,
      scanner,
      `${SOCKETS} for my $port (2001..7000) { my $s = sock("${NET}.2", SOCK_STREAM);
        connect($s, at("${NET}.2", $port)) and die; close $s }`,
    );
    await running.settled();
    const rows = flowsOf(running.frames, scanner.path);
    expect(rows.reduce((sum, row) => sum + (row.failures ?? 0), 0)).toBe(5000);
    expect(rows.length).toBeLessThanOrEqual(18);
    expect(rows).toContainEqual(expect.objectContaining({ peer: server.path, port: 7004, connections: 1 }));
    const aggregated = rows.find(row => row.port === undefined);
    expect(aggregated).toMatchObject({ peer: server.path, peerKind: 'container' });
    expect(aggregated?.failures).toBeGreaterThan(4900);
  });

  it('of a flood over more ports than the map holds: the frame is marked, and what is lost is known', async () => {
    running = await captureFrames({ probe: 'flows', account: 'exact', map_keys: 1024, interval: 1000 });
    const flooder = await cgroup('flooder');
    await run(
      left,
      flooder,
      `${SOCKETS} my $s = sock("${NET}.2", SOCK_DGRAM);
      for my $port (10001..15000) { send($s, "x" x 8, 0, at("${NET}.2", $port)) or die "send $!" }`,
    );
    await running.settled();
    const { frames } = running;
    const lost = frames.reduce((sum, frame) => sum + frame.lost, 0);
    const { messages, bytes } = trafficOf(frames, flooder.path, 'send');
    expect(lost).toBeGreaterThan(0);
    // Others on this machine may have lost as well: all that were sent are there or counted as lost.
    expect(messages + lost).toBeGreaterThanOrEqual(5000);
    expect(bytes).toBe(8 * messages);
    // The flood may meet the end of an interval: what is bounded is each frame.
    for (const frame of frames) {
      expect(frame.faults.includes('saturated')).toBe(frame.lost > 0);
      expect(trafficOf([frame], flooder.path, 'send').messages).toBeLessThanOrEqual(1024);
      expect(flowsOf([frame], flooder.path).length).toBeLessThanOrEqual(16 + 32 + 1);
    }
    const rows = flowsOf(frames, flooder.path);
    expect(rows.reduce((sum, row) => sum + (row.sentMessages ?? 0), 0)).toBe(messages);
  });

  it('never lead to the previous owner of an address', async () => {
    const [client, first, second] = [await cgroup('client'), await cgroup('first'), await cgroup('second')];
    const host = `${NET}.9`;
    for (const [who, times] of [
      [first, 3],
      [second, 5],
    ] as const) {
      const place = network.join('x', `${host}/24`);
      const server = await serve(place, who, tcpServer(host, 7005, 10, 10));
      await run(left, client, tcpClient(host, 7005, times, 10, 10));
      await running.settled();
      await server.stop('SIGKILL');
      place.leave();
      left.forget();
    }
    const edges = flowsOf(running.frames, client.path).map(({ peer, connections }) => [peer, connections]);
    expect(edges).toEqual([
      [first.path, 3],
      [second.path, 5],
    ]);
  });

  it('that nobody answers are failures, to an address of its kind', async () => {
    const client = await cgroup('client');
    await run(
      left,
      client,
      `${SOCKETS} for my $to ("${NET}.2", "${NET}.1") { connect(sock($to, SOCK_STREAM), at($to, 9)) and die }`,
    );
    await running.settled();
    const flows = flowsOf(running.frames, client.path);
    expect(flows.map(({ failures }) => failures).reduce((a = 0, b = 0) => a + b)).toBe(2);
  });

  it('make one map: exactly the edges that were made, with exact bytes, over TCP and UDP', async () => {
    const [client, server] = [await cgroup('client'), await cgroup('server')];
    await serve(right, server, tcpServer(`${NET}.2`, 7007, 100, 5000));
    await serve(right, server, udpServer(`${NET6}::2`, 7008));
    await run(left, client, tcpClient(`${NET}.2`, 7007, 20, 100, 5000));
    await serve(left, client, udpClient(`${NET6}::2`, 7008, 30, 70, false), 'done');
    await running.settled();
    const file = temporaryFolder();
    const store = new SqliteStore(join(file.path, 'map.db'));
    await store.open();
    await store.writeFrames(running.frames);
    const totals = await store.readFlows('test', { from: 0, to: Number.POSITIVE_INFINITY });
    await store.close();
    file.remove();
    const ours = totals.filter(({ container }) => [client.path, server.path].includes(container));
    const edge = { from: `container:${client.path}`, to: `container:${server.path}`, failures: 0 };
    expect(serviceMap(ours).edges.toSorted((a, b) => a.port - b.port)).toMatchObject([
      { ...edge, protocol: 'tcp', port: 7007, sentBytes: 2000, receivedBytes: 100_000, connections: 20 },
      { ...edge, protocol: 'udp', port: 7008, sentBytes: 2100, receivedBytes: 900, sentMessages: 30 },
    ]);
  });

  it('are shown live, from both ends, refused ones too', async () => {
    const [client, server] = [await cgroup('client'), await cgroup('server')];
    await serve(right, server, tcpServer(`${NET}.2`, 7009, 10, 10));
    const seen: LiveConnection[] = [];
    const end = new AbortController();
    let isReady = false;
    const warnings: unknown[] = [];
    const watching = watchConnections({
      config: { bpftrace: 'bpftrace', docker: 'off', pods: 'off' },
      tracer: localTracer(captureConfig(), systemClock),
      clock: systemClock,
      log: { ...silentLog, warn: (...said: unknown[]) => warnings.push(said) },
      signal: end.signal,
      onConnection: connection => seen.push(connection),
      onReady: () => {
        isReady = true;
      },
    });
    await until('the watch', () => isReady);
    await run(left, client, tcpClient(`${NET}.2`, 7009, 1, 10, 10));
    await run(left, client, `${SOCKETS} connect(sock("${NET}.2", SOCK_STREAM), at("${NET}.2", 9)) and die;`);
    const ours = () => seen.filter(({ container }) => [client.path, server.path].includes(container));
    await until('three connections', () => ours().length === 3);
    end.abort();
    await watching;
    expect(warnings).toEqual([]);
    expect(ours().map(({ container, kind, peer, peerPort }) => [container, kind, peer, peerPort])).toEqual(
      expect.arrayContaining([
        [client.path, 'opened', `${NET}.2`, 7009],
        [server.path, 'accepted', `${NET}.1`, expect.any(Number)],
        [client.path, 'failed', `${NET}.2`, 9],
      ]),
    );
  });

  it('add up to the windows, frame by frame', async () => {
    const [client, server] = [await cgroup('client'), await cgroup('server')];
    await serve(right, server, tcpServer(`${NET}.2`, 7006, 100, 100));
    await serve(right, server, udpServer(`${NET6}::2`, 7006));
    await run(left, client, tcpClient(`${NET}.2`, 7006, 20, 100, 100));
    await serve(left, client, udpClient(`${NET6}::2`, 7006, 20, 70, false), 'done');
    await running.settled();
    for (const frame of running.frames) {
      for (const { path } of [client, server]) {
        const flows = frame.flows.filter(flow => flow.container === path);
        const sum = (key: 'sentBytes' | 'sentMessages' | 'receivedBytes' | 'receivedMessages') =>
          flows.reduce((total, flow) => total + flow[key], 0);
        const [send, receive] = DIRECTIONS.map(direction => trafficOf([frame], path, direction));
        expect([sum('sentMessages'), sum('sentBytes')]).toEqual([send?.messages, send?.bytes]);
        expect([sum('receivedMessages'), sum('receivedBytes')]).toEqual([receive?.messages, receive?.bytes]);
      }
    }
  });
});
