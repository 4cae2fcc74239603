import { describe, expect, it } from '@jest/globals';
import type { Endpoints, PublishedPort } from '../../../collector/contract.ts';
import { BoundedMultimap } from '../../../collector/identity/bounded-multimap.ts';
import { DockerEndpoints } from '../../../collector/identity/docker-endpoints.ts';
import { PeerResolver, type SocketObservation } from '../../../collector/identity/peer-resolver.ts';

const HOST = { netns: 9, addresses: ['192.168.1.5'] };
const NOBODY = { peerKind: 'private', peer: '' };
const container = (peer: string) => ({ peerKind: 'container', peer });

const at = (
  id: string,
  addresses: readonly string[],
  published: readonly PublishedPort[] = [],
): Endpoints => ({
  id,
  networks: addresses.length > 0 ? [{ network: 'n', addresses }] : [],
  published,
});
const asked = (parts: Partial<SocketObservation> = {}): SocketObservation => ({
  name: 'client',
  netns: null,
  protocol: 'tcp',
  role: 'client',
  port: 80,
  own: '10.9.0.7',
  peer: '10.9.0.2',
  ...parts,
});

const S = 1e9;

/** A peers whose containers are called as their ids are; frames are 5 s long, and Docker is heard 1 s into the next. */
function newBook(...ranges: string[]) {
  const peers = new PeerResolver(ranges);
  let now = 0;
  peers.setHostNetwork(HOST);
  const turn = () => {
    peers.startFrame([], new Set());
    peers.setFrameBounds(now, now + 5 * S, id => (id === 'nameless' ? null : id));
    now += 5 * S;
  };
  const hear = (endpoints: Endpoints, ns = now + S) => peers.setEndpoints(endpoints, ns);
  turn();
  return { peers, turn, hear };
}

describe('an address on a network of Docker', () => {
  it('is a container, although nothing of its processes could be read', () => {
    const { peers, turn, hear } = newBook();
    hear(at('web', ['10.9.0.2', 'fd00::2']));
    turn();
    expect(peers.peerOf(asked(), true)).toEqual(container('web'));
    expect(peers.peerOf(asked({ peer: 'fd00::2', own: null, protocol: 'udp' }), false)).toEqual(
      container('web'),
    );
  });

  it('that passes to another container leads to none while both had it, then to the new one', () => {
    const { peers, turn, hear } = newBook();
    const seen: unknown[] = [];
    hear(at('old', ['10.9.0.2']));
    const next = () => {
      turn();
      seen.push(peers.peerOf(asked(), true).peer);
    };
    next();
    hear(at('old', []));
    hear(at('new', ['10.9.0.2']));
    next();
    next();
    expect(seen).toEqual(['old', '', 'new']);
  });

  it('leads to its owner at the time of the frame, however late the frame is read', () => {
    const { peers, turn, hear } = newBook();
    hear(at('old', ['10.9.0.2']));
    hear(at('old', []), 22 * S);
    hear(at('new', ['10.9.0.2']), 26 * S);
    const seen = [10, 15, 20, 25, 30].map(() => {
      turn();
      return peers.peerOf(asked(), true).peer;
    });
    expect(seen).toEqual(['old', 'old', 'old', '', 'new']);
  });

  it('no longer leads to its last owner once Docker has given it away', () => {
    const { peers, turn, hear } = newBook();
    peers.addNetwork('old', { netns: 5, addresses: ['10.9.0.2'] });
    turn();
    expect(peers.peerOf(asked(), true)).toEqual(container('old'));
    hear(at('new', ['10.9.0.2']));
    turn();
    expect(peers.peerOf(asked(), true)).toEqual(container('new'));
    peers.observe(asked({ name: 'old', netns: 5, own: '10.9.0.2', peer: '10.9.0.9' }));
    expect(peers.peerOf(asked(), true)).toEqual(NOBODY);
  });

  it('of a container without a name yet leads to none', () => {
    const { peers, turn, hear } = newBook();
    peers.addNetwork('old', { netns: 5, addresses: ['10.9.0.2'] });
    hear(at('nameless', ['10.9.0.2']));
    turn();
    expect(peers.peerOf(asked(), true)).toEqual(NOBODY);
  });

  it('that containers share in one network namespace leads to the one that serves the port', () => {
    const { peers, turn, hear } = newBook();
    hear(at('web', ['10.9.0.2']));
    turn();
    for (const name of ['web', 'sidecar']) peers.addNetwork(name, { netns: 5, addresses: ['10.9.0.2'] });
    peers.observe(asked({ name: 'sidecar', netns: 5, role: 'server', own: '10.9.0.2', peer: '10.9.0.7' }));
    expect(peers.peerOf(asked(), true)).toEqual(container('sidecar'));
    expect(peers.peerOf(asked({ port: 81 }), true)).toEqual(NOBODY);
  });
});

describe('a published port', () => {
  const published: PublishedPort = { protocol: 'tcp', address: null, port: 8080, target: 80 };
  const toHost = (parts: Partial<SocketObservation> = {}) =>
    asked({ peer: '192.168.1.5', port: 8080, ...parts });

  it('leads to the port of its container where the kernel translates, and is named where nothing came through', () => {
    const { peers, turn, hear } = newBook();
    hear(at('web', ['10.9.0.2'], [published]));
    turn();
    expect(peers.peerOf(toHost(), true)).toEqual({ ...container('web'), port: 80 });
    expect(peers.peerOf(toHost(), false)).toEqual({
      peerKind: 'virtual',
      peer: 'published 8080/tcp of web',
    });
    expect(peers.peerOf(toHost({ protocol: 'udp' }), true)).toEqual({
      peerKind: 'virtual',
      peer: '192.168.1.5 port 8080',
    });
    expect(peers.peerOf(toHost({ role: 'server' }), true)).toEqual({ peerKind: 'host', peer: '' });
  });

  it('that a proxy serves is the proxy', () => {
    const { peers, turn, hear } = newBook();
    hear(at('web', ['10.9.0.2'], [published]));
    turn();
    peers.observe(toHost({ name: '/docker.service', netns: HOST.netns, role: 'server', own: '192.168.1.5' }));
    expect(peers.peerOf(toHost(), true)).toEqual(container('/docker.service'));
  });

  it('holds for its own address only, and leads to none while two containers had it', () => {
    const { peers, turn, hear } = newBook();
    hear(at('elsewhere', [], [{ ...published, address: '192.168.1.9' }]));
    turn();
    const translated = { peerKind: 'virtual', peer: '192.168.1.5 port 8080' };
    expect(peers.peerOf(toHost(), true)).toEqual(translated);
    hear(at('old', [], [published]));
    turn();
    expect(peers.peerOf(toHost(), true)).toEqual({ ...container('old'), port: 80 });
    hear(at('old', []));
    hear(at('new', [], [published]));
    turn();
    expect(peers.peerOf(toHost(), true)).toEqual(translated);
    turn();
    expect(peers.peerOf(toHost(), true)).toEqual({ ...container('new'), port: 80 });
  });
});

it('the address of a cluster service is virtual, with its port; a container that has it is that', () => {
  const { peers, turn } = newBook('10.96.0.0/12', 'fd00:96::/112');
  turn();
  const service = asked({ peer: '10.96.0.10', port: 53, protocol: 'udp' });
  expect(peers.peerOf(service, true)).toEqual({ peerKind: 'virtual', peer: '10.96.0.10 port 53' });
  expect(peers.peerOf(asked({ peer: 'fd00:96::a' }), false)).toEqual({
    peerKind: 'virtual',
    peer: 'fd00:96::a port 80',
  });
  expect(peers.peerOf({ ...service, role: 'server' }, true)).toEqual(NOBODY);
  peers.addNetwork('dns', { netns: 4, addresses: ['10.96.0.10'] });
  expect(peers.peerOf(service, true)).toEqual(container('dns'));
});

it('a renamed container keeps its addresses and ports, even if names are swapped', () => {
  const { peers, turn } = newBook();
  peers.addNetwork('a', { netns: 5, addresses: ['10.9.0.2'] });
  peers.addNetwork('b', { netns: 6, addresses: ['10.9.0.3'] });
  for (const [name, netns] of [
    ['a', 5],
    ['b', 6],
  ] as const)
    peers.observe(asked({ name, netns, role: 'server', own: null, peer: null }));
  peers.rename(
    new Map([
      ['a', 'b'],
      ['b', 'a'],
    ]),
  );
  turn();
  expect(peers.peerOf(asked(), true)).toEqual(container('b'));
  expect(peers.peerOf(asked({ peer: '10.9.0.3' }), true)).toEqual(container('a'));
  peers.observe(asked({ name: 'b', role: 'server', port: 81, own: '10.9.0.4', peer: null }));
  expect(peers.peerOf(asked({ peer: '10.9.0.4', port: 81 }), true)).toEqual(container('b'));
});

it('tables are bounded: what is oldest is forgotten, what does not fit is not learned', () => {
  const multimap = new BoundedMultimap<string, string>(3);
  for (const key of ['a', 'b', 'c', 'a', 'd']) multimap.add(key, 'x', 1);
  expect([multimap.size, multimap.all('b'), multimap.all('a')]).toEqual([3, [], ['x']]);
  const docker = new DockerEndpoints(2);
  docker.setFrameBounds(0, 5 * S);
  for (const n of [1, 2, 3]) docker.set(at(`c${n}`, [`10.0.0.${n}`]), S);
  expect([docker.size, docker.holders('10.0.0.2'), docker.holders('10.0.0.3')]).toEqual([2, ['c2'], []]);
  docker.set(at('c1', []), 2 * S);
  expect(docker.holders('10.0.0.1')).toEqual(['c1']);
  docker.setFrameBounds(5 * S, 10 * S);
  expect([docker.size, docker.holders('10.0.0.1')]).toEqual([1, []]);
});
