import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { flows as probe } from '../../../bpf/flows.ts';
import { decodeFlowKey, readAddress } from '../../../collector/decode/flow-key.ts';
import { parseLine } from '../../../collector/decode/parse.ts';
import { RowBudget } from '../../../collector/frames/row-budget.ts';
import { PeerResolver, type SocketObservation } from '../../../collector/identity/peer-resolver.ts';
import { addressClass } from '../../../core/traffic/address-class.ts';
import { EXCHANGE_KEYS, type Flow, flowId } from '../../../core/traffic/flow.ts';

describe('a key of the flows probe', () => {
  it('has protocol, role, port and addresses, as bpftrace printed them', () => {
    const talk = { protocol: 'tcp', port: 33_335, own: '127.0.0.1', peer: '127.0.0.1', netns: null };
    const none = [0, 0] as const;
    const both = [0x0100_007f, 0x0100_007f] as const;
    expect(decodeFlowKey([0, 0x8237_0201], both, none)).toEqual({ ...talk, role: 'server' });
    expect(decodeFlowKey([0, 0x3782_0001], both, none)).toEqual({ ...talk, role: 'client' });
    expect(decodeFlowKey([0, 0x3500_0182], none, [0x0100_0000, 0])).toMatchObject({
      ...{ protocol: 'udp', role: 'client', port: 53, own: null, peer: '::1' },
    });
    const mapped = decodeFlowKey([0, 0x0050_0280], none, [0x0200_000a, 0xffff_0000]);
    expect(mapped).toMatchObject({ peer: '10.0.0.2', port: 80 });
    expect(decodeFlowKey([0xf000_0001, 0x3500_0100], none, none)).toMatchObject({ netns: 4_026_531_841 });
    expect(decodeFlowKey([0, 0x0050_0300], none, none)).toMatchObject({ own: null, peer: null });
    expect(decodeFlowKey([0, 0x0050_0380], none, none)).toMatchObject({ own: null, peer: null });
  });

  it('adds up messages and bytes by bucket, beyond what a double holds', () => {
    const line =
      '{"type": "map", "data": {"@send_a": {"243,3020423681,72058139515551871,0": 3435973836900000}}}\n';
    expect(parseLine(probe, line)).toMatchObject([
      { kind: 'counts', map: '@send_a', entries: 1, flows: { messages: [100_000] } },
    ]);
  });

  it('of any other shape is garbage, never an error', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1,2,3', '1,2,3,4,5', '-1,2,3,4', ''),
    );
    const maps = fc.constantFrom('@send_a', '@receive_b', '@ends_a', '@clients_b', '@conns_b');
    fc.assert(
      fc.property(maps, text, fc.jsonValue(), (map, key, value) => {
        const line = JSON.stringify({ type: 'map', data: { [map]: { [key]: value } } });
        expect(parseLine(probe, line).map(event => event.kind)).toEqual(['garbage']);
      }),
    );
  });
});

describe('an address', () => {
  it('has one text', () => {
    for (const text of ['::ffff:10.0.0.2', '10.0.0.2', '::FFFF:a00:2'])
      expect(readAddress(text)).toBe('10.0.0.2');
    expect(readAddress('fd00:0:0::1')).toBe('fd00::1');
    for (const text of ['', '::', '0.0.0.0', '1.2.3', '1.2.3.999', 'x', '::1::', 'fe80::1%eth0'])
      expect(readAddress(text)).toBeNull();
  });

  it('is private or outside', () => {
    for (const one of ['10.1.1.1', '172.31.0.1', '192.168.0.1', 'fd00::1', 'fe80::1', '100.64.0.1'])
      expect(addressClass(one)).toBe('private');
    for (const one of ['8.8.8.8', '172.32.0.1', '2001:4860::8888']) expect(addressClass(one)).toBe('outside');
  });
});

describe('the peer resolver', () => {
  const observation = (parts: Partial<SocketObservation>): SocketObservation => ({
    name: 'web',
    netns: null,
    protocol: 'tcp',
    role: 'client',
    port: 80,
    own: null,
    peer: null,
    ...parts,
  });
  const asked = observation({ own: '10.0.0.1', peer: '10.0.0.2' });
  const container = (peer: string) => ({ peerKind: 'container', peer });

  it('knows an address while it is held, and not who held it before', () => {
    const peers = new PeerResolver();
    peers.startFrame([], new Set());
    peers.addNetwork('web', { netns: 1, addresses: ['10.0.0.1'] });
    peers.addNetwork('old', { netns: 2, addresses: ['10.0.0.2'] });
    expect(peers.peerOf(asked, true)).toEqual(container('old'));
    peers.startFrame(['old'], new Set(['web']));
    peers.startFrame([], new Set(['web']));
    peers.startFrame([], new Set(['web']));
    expect(peers.peerOf(asked, true)).toEqual({ peerKind: 'private', peer: '' });
    peers.addNetwork('new', { netns: 3, addresses: ['10.0.0.2'] });
    expect(peers.peerOf(asked, true)).toEqual(container('new'));
  });

  it('names no peer, rather than a wrong one, when an address moved within a frame', () => {
    const peers = new PeerResolver();
    peers.startFrame([], new Set());
    peers.addNetwork('old', { netns: 2, addresses: ['10.0.0.2'] });
    peers.addNetwork('new', { netns: 3, addresses: ['10.0.0.2'] });
    expect(peers.peerOf(asked, true)).toEqual({ peerKind: 'private', peer: '' });
  });

  it('names no peer when two live namespaces have an address, however long one of them was silent', () => {
    const peers = new PeerResolver();
    peers.startFrame([], new Set());
    peers.addNetwork('quiet', { netns: 2, addresses: ['10.0.0.2'] });
    for (let i = 0; i < 10; i++) peers.startFrame([], new Set(['quiet', 'loud', 'web']));
    peers.addNetwork('loud', { netns: 3, addresses: ['10.0.0.2'] });
    peers.addNetwork('web', { netns: 4, addresses: ['10.0.0.1'] });
    const datagram = { ...asked, protocol: 'udp' as const };
    expect(peers.peerOf(datagram, true)).toEqual({ peerKind: 'private', peer: '' });
    const server = (name: string, netns: number) =>
      observation({ name, netns, role: 'server', own: '10.0.0.2', peer: '10.0.0.1' });
    peers.observe(server('loud', 3));
    expect(peers.peerOf(asked, true)).toEqual(container('loud'));
    peers.startFrame([], new Set(['quiet', 'loud', 'web']));
    peers.observe(server('quiet', 2));
    expect(peers.peerOf(asked, true)).toEqual(container('quiet'));
    peers.observe(server('loud', 3));
    expect(peers.peerOf(asked, true)).toEqual({ peerKind: 'private', peer: '' });
  });

  describe('inside of a namespace', () => {
    const loop = (parts: Partial<SocketObservation>) =>
      observation({ own: '127.0.0.1', peer: '127.0.0.1', ...parts });
    const unknown = { peerKind: 'unknown', peer: '' };
    let resolver: PeerResolver;
    beforeEach(() => {
      resolver = new PeerResolver();
      resolver.setHostNetwork({ netns: 9, addresses: ['192.168.1.5'] });
      resolver.startFrame([], new Set(['web']));
      resolver.addNetwork('web', { netns: 1, addresses: ['10.0.0.1'] });
      resolver.addNetwork('/shell', { netns: 9, addresses: [] });
    });

    it('takes nobody for its own peer who was not seen at both ends', () => {
      expect(resolver.peerOf(loop({}), true)).toEqual(unknown);
      expect(resolver.peerOf(loop({ name: '/shell' }), true)).toEqual(unknown);
      resolver.observe(loop({ role: 'server' }));
      resolver.observe(loop({}));
      expect(resolver.peerOf(loop({}), true)).toEqual(container('web'));
      expect(resolver.peerOf(loop({ role: 'server' }), true)).toEqual(container('web'));
    });

    it('knows who has entered it, by what the kernel tells of connections', () => {
      resolver.observe(loop({ name: '/shell', netns: 1, role: 'server' }));
      resolver.observe(loop({ netns: 1 }));
      expect(resolver.peerOf(loop({}), true)).toEqual(container('/shell'));
      expect(resolver.peerOf(loop({ name: '/shell', netns: 1, role: 'server' }), true)).toEqual(
        container('web'),
      );
    });

    it('does not guess in which of two namespaces a socket is', () => {
      resolver.observe(loop({ name: '/sshd', netns: 9, role: 'server', port: 22 }));
      resolver.observe(loop({ name: '/shell', netns: 9, port: 22 }));
      expect(resolver.peerOf(loop({ name: '/shell', port: 22 }), true)).toEqual(container('/sshd'));
      resolver.observe(loop({ name: '/shell', netns: 1 }));
      expect(resolver.peerOf(loop({ name: '/shell', port: 22 }), true)).toEqual(unknown);
      expect(resolver.peerOf(loop({ name: '/shell', netns: 9, port: 22 }), true)).toEqual(container('/sshd'));
    });

    it('does not learn from a socket that may be in either of two', () => {
      resolver.observe(loop({ name: '/shell', netns: 1 }));
      resolver.observe(loop({ name: '/shell', netns: 9 }));
      resolver.observe(loop({ name: '/shell', role: 'server', port: 53, protocol: 'udp' }));
      expect(resolver.peerOf(loop({ port: 53, protocol: 'udp' }), true)).toEqual(unknown);
    });

    it('names neither of two who served in one frame and the next', () => {
      resolver.observe(loop({ role: 'server' }));
      resolver.startFrame([], new Set(['web']));
      resolver.observe(loop({ name: '/shell', netns: 1, role: 'server' }));
      expect(resolver.peerOf(loop({}), true)).toEqual(unknown);
    });

    it('tells a refused connection of the only one who is there, or of the host', () => {
      expect(resolver.peerOf(loop({ netns: 1 }), false)).toEqual(container('web'));
      expect(resolver.peerOf(loop({ name: '/shell', netns: 9 }), false)).toEqual({
        peerKind: 'host',
        peer: '',
      });
      resolver.observe(observation({ name: '/shell', netns: 1 }));
      expect(resolver.peerOf(loop({ netns: 1 }), false)).toEqual(unknown);
    });

    it('finds a container in its new namespace when it was started again', () => {
      resolver.startFrame(['web'], new Set());
      resolver.addNetwork('web', { netns: 2, addresses: ['10.0.0.1'] });
      resolver.observe(loop({ role: 'server' }));
      expect(resolver.peerOf(loop({}), true)).toEqual(container('web'));
    });
  });

  describe('a namespace with a guest, which only its datagrams gave away,', () => {
    let peers: PeerResolver;
    const datagram = (parts: Partial<SocketObservation>) =>
      observation({ protocol: 'udp', port: 53, ...parts });
    /** As somebody outside sees the namespace. */
    const asked = (parts: Partial<SocketObservation> = {}) =>
      datagram({ name: 'dns', role: 'server', own: '10.0.0.9', peer: '10.0.0.1', ...parts });
    beforeEach(() => {
      peers = new PeerResolver();
      peers.startFrame([], new Set(['web', 'dns', '/guest']));
      peers.addNetwork('web', { netns: 1, addresses: ['10.0.0.1'] });
      peers.addNetwork('/guest', { netns: 9, addresses: [] });
      peers.addNetwork('dns', { netns: 2, addresses: ['10.0.0.9'] });
      peers.observe(datagram({ name: '/guest', netns: 1, own: null, peer: '10.0.0.9' }));
    });

    it('is never taken for its owner: what the guest asked is the guest, what nobody asked is nobody', () => {
      expect(peers.peerOf(asked(), true)).toEqual(container('/guest'));
      expect(peers.peerOf(asked({ port: 123 }), true)).toEqual({ peerKind: 'private', peer: '' });
      expect(peers.peerOf(asked({ role: 'client', port: 123 }), false)).toMatchObject({ peer: '' });
    });

    it('is its owner over TCP still, and the guest is where it was', () => {
      expect(peers.peerOf(asked({ protocol: 'tcp', port: 80 }), true)).toEqual(container('web'));
      peers.observe(datagram({ name: '/guest', protocol: 'tcp', role: 'server', own: '192.168.1.5' }));
      expect(peers.peerOf(asked({ protocol: 'tcp', role: 'client', peer: '192.168.1.5' }), true)).toEqual(
        container('/guest'),
      );
    });

    it('is its owner again once the guest turns out to be a member, and nobody else is there', () => {
      const later = { netns: 3, addresses: ['10.0.0.3'] };
      peers.observe(datagram({ name: 'new', netns: 3, own: '10.0.0.3', peer: '10.0.0.9' }));
      expect(peers.peerOf(asked({ port: 123, peer: '10.0.0.3' }), true)).toMatchObject({ peer: '' });
      peers.addNetwork('new', later);
      expect(peers.peerOf(asked({ port: 123, peer: '10.0.0.3' }), true)).toEqual(container('new'));
    });

    it('leads to neither where both asked, in one frame or in the next', () => {
      peers.startFrame([], new Set(['web', 'dns', '/guest']));
      peers.observe(datagram({ name: 'web', netns: 1, own: '10.0.0.1', peer: '10.0.0.9' }));
      expect(peers.peerOf(asked(), true)).toEqual({ peerKind: 'private', peer: '' });
    });
  });

  it('names what belongs to the host: its services by port, what is translated, the rest', () => {
    const peers = new PeerResolver();
    peers.setHostNetwork({ netns: 9, addresses: ['192.168.1.5'] });
    peers.startFrame([], new Set());
    peers.observe(observation({ name: '/sshd', netns: 9, role: 'server', port: 22, own: '192.168.1.5' }));
    const to = (port: number) => observation({ port, own: '10.0.0.1', peer: '192.168.1.5' });
    expect(peers.peerOf(to(22), true)).toEqual(container('/sshd'));
    expect(peers.peerOf(to(8080), true)).toEqual({ peerKind: 'virtual', peer: '192.168.1.5 port 8080' });
    expect(peers.peerOf(to(8080), false)).toEqual({ peerKind: 'host', peer: '' });
  });
});

describe('the row budget', () => {
  const flow = (port: number, parts: Partial<Flow> = {}): Flow => ({
    container: 'web',
    protocol: 'tcp',
    role: 'client',
    peerKind: 'container',
    peer: 'db',
    port,
    address: '10.0.0.2',
    sentMessages: 1,
    sentBytes: 10,
    receivedMessages: 1,
    receivedBytes: 10,
    connections: 0,
    failures: 0,
    ...parts,
  });
  const byId = (flows: readonly Flow[]) => new Map(flows.map(one => [flowId(one), one]));
  const limits = { twoWay: 4, oneWay: 2, aggregated: 1, keptMs: 1000, containers: 2 };

  it('bounds the rows, never the sums', () => {
    const parts = fc.record({
      port: fc.integer({ min: 1, max: 30 }),
      peer: fc.constantFrom('a', 'b', 'c'),
      sentBytes: fc.nat(1000),
      receivedMessages: fc.nat(1),
      failures: fc.nat(3),
    });
    const frames = fc.array(fc.uniqueArray(parts, { selector: p => `${p.port} ${p.peer}` }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(frames, list => {
        const budget = new RowBudget(limits);
        for (const [n, all] of list.entries()) {
          const flows = all.map(({ port, ...rest }) => flow(port, rest));
          const rows = budget.apply(byId(flows), n * 300);
          expect(rows.length).toBeLessThanOrEqual(4 + 2 + 1 + 1);
          expect(new Set(rows.map(flowId)).size).toBe(rows.length);
          const sum = (some: readonly Flow[]) =>
            EXCHANGE_KEYS.map(key => some.reduce((total, one) => total + one[key], 0));
          expect(sum(rows)).toEqual(sum(flows));
        }
      }),
    );
  });

  it('remembers rows of a bounded number of containers, and counts what it aggregates', () => {
    const budget = new RowBudget(limits);
    const of = (container: string, ports: readonly number[]) =>
      ports.map(port => flow(port, { container, receivedMessages: 0 }));
    const fold = (flows: Flow[]) => budget.apply(byId(flows), 0).map(row => row.port);
    expect([fold(of('a', [1, 2, 3])), budget.aggregated]).toEqual([[0, 1, 2], 1]);
    expect([fold(of('a', [4])), budget.aggregated]).toEqual([[0], 1]);
    fold([...of('b', [1]), ...of('c', [1])]);
    expect([fold(of('a', [4])), budget.aggregated]).toEqual([[4], 0]);
  });

  it('gives rows to the heaviest flows, keeps them while used, and reuses idle ones', () => {
    const budget = new RowBudget(limits);
    const ports = (flows: Flow[], start: number) => budget.apply(byId(flows), start).map(row => row.port);
    const heavy = [1, 2, 3, 4].map(port => flow(port, { sentBytes: 100 * port }));
    expect(ports([flow(9), ...heavy], 0)).toEqual([0, 1, 2, 3, 4]);
    expect(ports([flow(9)], 100)).toEqual([9]);
  });
});
