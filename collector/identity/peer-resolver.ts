import { CAPS } from '../../core/caps.ts';
import type { Protocol, Role } from '../../core/traffic/flow.ts';
import type { Endpoints, NetworkNamespace } from '../contract.ts';
import { isLoopback } from '../decode/flow-key.ts';
import { addressClass, rangesOf } from './address-class.ts';
import { BoundedMultimap } from './bounded-multimap.ts';
import { DockerEndpoints } from './docker-endpoints.ts';

/** One observation: `name` has a socket of this role in the network namespace `netns`. */
export interface SocketObservation {
  readonly name: string;
  readonly netns: number | null;
  readonly protocol: Protocol;
  readonly role: Role;
  readonly port: number;
  readonly own: string | null;
  readonly peer: string | null;
}

/** Who is at the other end. */
export interface Peer {
  readonly peerKind: 'container' | 'host' | 'virtual' | 'private' | 'outside' | 'unknown';
  readonly peer: string;
  /** The port that it is reached on, where the socket was told another one. */
  readonly port?: number;
}

/** Frames after which what was not seen again is forgotten: about an hour of the default interval. */
const REMEMBERED_FRAMES = 720;
/** Frames for which the dead are remembered: their last traffic is read out after their death. */
const DEAD_FRAMES = 2;
const TABLE_SIZE = CAPS.peerTableEntries.limit;

/** A network namespace, or a container whose namespace nobody told; null: somebody who has no name (yet). */
type Owner = number | string | null;

/**
 * Who has which address, and who serves which port, in which network namespace: learned from sockets, from processes
 * and from Docker, each with the frames in which it was true. Deterministic, bounded.
 *
 * An address leads to a network namespace, a namespace and a port to a container. Where several namespaces have it, or
 * had it lately, it leads to the one whose server was seen last with the very client, else to nobody: an edge may be
 * missing but never wrong.
 */
export class PeerResolver {
  #frame = 0;
  #host: NetworkNamespace = { netns: 0, addresses: [] };
  /** Address -> namespaces. */
  readonly #owners = new BoundedMultimap<string, number>(TABLE_SIZE);
  /** Namespace -> names. */
  readonly #members = new BoundedMultimap<number, string>(TABLE_SIZE);
  /** Namespace of a name, the newest. */
  readonly #homes = new Map<string, number>();
  /** Who serves: a port (`portIn`), or one and the client's address (`servedTo`) -> names. */
  readonly #servers = new BoundedMultimap<number | string, string>(TABLE_SIZE);
  /** Who asks: a port -> names. */
  readonly #clients = new BoundedMultimap<number, string>(TABLE_SIZE);
  /** Names that ended, with the frame in which they did. */
  readonly #ended = new Map<string, number>();
  /** What Docker says. */
  readonly #docker = new DockerEndpoints(TABLE_SIZE);
  /** Names of containers by their ids, in this frame. */
  #nameOfContainer: (id: string) => string | null = () => null;
  readonly #services: ReturnType<typeof rangesOf>;
  /** Of this frame's addresses. */
  readonly #kinds = new Map<string, 'service' | 'private' | 'outside'>();

  /** `serviceRanges`: addresses of a cluster's services, such as `10.96.0.0/12`. */
  constructor(serviceRanges: readonly string[] = []) {
    this.#services = rangesOf(serviceRanges);
  }

  /** Entries of the fullest table. */
  get size(): number {
    const tables = [this.#owners, this.#members, this.#homes, this.#servers, this.#clients, this.#docker];
    return Math.max(...tables.map(table => table.size));
  }

  /** The host's own network namespace and addresses. */
  host(network: NetworkNamespace): void {
    this.#host = network;
    for (const address of network.addresses) this.#owners.see(address, network.netns, this.#frame);
  }

  /** A process of `name` is in that network namespace. */
  network(name: string, { netns, addresses }: NetworkNamespace): void {
    this.#ended.delete(name);
    this.#member(name, netns);
    for (const address of addresses) this.#owners.see(address, netns, this.#frame);
  }

  /** Nobody has these names any more, whether or not a frame said so. */
  left(names: Iterable<string>): void {
    for (const name of names) if (this.#homes.has(name)) this.#ended.set(name, this.#frame);
  }

  /** Where a container is reached, in place of all that was said before; heard at `ns`, kernel time. */
  reached(endpoints: Endpoints, ns: number): void {
    this.#docker.set(endpoints, ns);
  }

  /** Of the present frame: its bounds, kernel time in ns, and the names of containers by their ids. */
  docker(from: number, to: number, nameOfContainer: (id: string) => string | null): void {
    this.#docker.turn(from, to);
    this.#nameOfContainer = nameOfContainer;
  }

  /** Who was called by one name is called by another one from now on. */
  rename(names: ReadonlyMap<string, string>): void {
    for (const table of [this.#members, this.#servers, this.#clients]) table.replace(names);
    const moved = [...names].flatMap(([before, name]): [string, number][] => {
      const home = this.#homes.get(before);
      return home === undefined ? [] : [[name, home]];
    });
    for (const before of names.keys()) this.#homes.delete(before);
    for (const [name, home] of moved) this.#homes.set(name, home);
  }

  /** A new frame: forget what is too old, and those who ended a while ago. */
  turn(ended: readonly string[], alive: ReadonlySet<string>): void {
    this.#frame++;
    this.#kinds.clear();
    for (const name of ended) this.#ended.set(name, this.#frame);
    const gone = new Set<string>();
    for (const [name, frame] of this.#ended) {
      if (this.#frame - frame < DEAD_FRAMES) continue;
      this.#ended.delete(name);
      if (!alive.has(name)) gone.add(name);
    }
    if (gone.size === 0 && this.#frame % 60 !== 0) return;
    const before = this.#frame - REMEMBERED_FRAMES;
    for (const table of [this.#members, this.#servers, this.#clients]) {
      table.expire(before, name => gone.has(name));
    }
    for (const name of gone) this.#homes.delete(name);
    this.#owners.expire(before, netns => netns !== this.#host.netns && this.#members.all(netns).length === 0);
    this.host(this.#host);
  }

  /** Learn from a socket that was seen in this frame. */
  see(sighting: SocketObservation): void {
    const { name, protocol, role, port, own, peer } = sighting;
    if (sighting.netns !== null) this.#member(name, sighting.netns);
    const netns = this.#homes.get(name);
    if (netns === undefined) return;
    this.#member(name, netns);
    if (own !== null && !isLoopback(own)) this.#owners.see(own, netns, this.#frame);
    const key = portIn(netns, protocol, port);
    if (role === 'server') {
      this.#servers.see(key, name, this.#frame);
      if (peer !== null) this.#servers.see(servedTo(key, peer), name, this.#frame);
    } else if (peer !== null) {
      this.#clients.see(key, name, this.#frame);
    }
  }

  /** Who is at the other end of a socket like this. `moved`: whether anything came through. */
  peerOf(sighting: SocketObservation, moved: boolean): Peer {
    const { name, own, peer } = sighting;
    if (peer === null) return { peerKind: 'unknown', peer: '' };
    const home = sighting.netns ?? this.#homes.get(name) ?? null;
    if (isLoopback(peer) || own === peer) return this.#inside(sighting, home);
    const owner = this.#ownerOf(sighting, peer);
    if (typeof owner === 'string') return named(owner);
    if (owner === null) return this.#unowned(sighting, peer);
    const found = this.#at(sighting, owner);
    if (found !== null) return named(found);
    if (owner !== this.#host.netns) return nobody(peer);
    return this.#onHost(sighting, peer, moved);
  }

  /** The address is nobody's here. */
  #unowned({ role, port }: SocketObservation, peer: string): Peer {
    const kind = this.#kindOf(peer);
    if (kind === 'service') return role === 'client' ? virtual(`${peer} port ${port}`) : nobody(peer);
    return { peerKind: kind, peer: '' };
  }

  /** What an address is that is nobody's here; most are met many times in a frame. */
  #kindOf(address: string): 'service' | 'private' | 'outside' {
    let kind = this.#kinds.get(address);
    if (!kind) {
      kind = this.#services(address) ? 'service' : addressClass(address);
      this.#kinds.set(address, kind);
    }
    return kind;
  }

  /** The address is the host's, and nobody was seen to serve that port there. */
  #onHost({ role, protocol, port }: SocketObservation, peer: string, moved: boolean): Peer {
    if (role === 'server') return { peerKind: 'host', peer: '' };
    const published = this.#docker.target(protocol, port, peer);
    const target = published && this.#nameOfContainer(published.id);
    if (!published || target === null) {
      return moved ? virtual(`${peer} port ${port}`) : { peerKind: 'host', peer: '' };
    }
    // What came through was translated on the way; what did not may have been meant for somebody else.
    if (moved) return { ...named(target), port: published.target };
    return virtual(`published ${port}/${protocol} of ${target}`);
  }

  /** The other end is in the same network namespace. */
  #inside(sighting: SocketObservation, home: number | null): Peer {
    const found = home === null ? null : this.#at(sighting, home);
    if (found !== null) return named(found);
    return home === null || home !== this.#host.netns ? named(sighting.name) : { peerKind: 'host', peer: '' };
  }

  /** Who has the peer's address, or null when that is nobody here or cannot be told. */
  #ownerOf({ protocol, role, port, own }: SocketObservation, peer: string): Owner {
    const candidates = this.#candidates(peer);
    if (candidates.length <= 1 || role === 'server' || own === null) return only(candidates);
    const served = candidates.map(one =>
      typeof one === 'number' ? this.#servers.lastFrame(servedTo(portIn(one, protocol, port), own)) : 0,
    );
    const last = Math.max(...served);
    return last === 0 ? null : only(candidates.filter((_, i) => served[i] === last));
  }

  /** Docker knows who has an address now; where it says nothing, it may be all who were seen with it. */
  #candidates(peer: string): readonly Owner[] {
    const holders = this.#docker.holders(peer);
    if (holders.length === 0) return this.#owners.all(peer);
    const owners = holders.map((id): Owner => {
      const name = this.#nameOfContainer(id);
      return name === null ? null : (this.#homes.get(name) ?? name);
    });
    return [...new Set([...owners, ...this.#owners.at(peer, this.#frame)])];
  }

  /** The one in that namespace who plays the other role on this port, else its only member. */
  #at({ protocol, role, port }: SocketObservation, netns: number): string | null {
    const others = role === 'client' ? this.#servers : this.#clients;
    const found = only(others.newest(portIn(netns, protocol, port)));
    if (found !== null || netns === this.#host.netns) return found;
    return only(this.#members.all(netns));
  }

  #member(name: string, netns: number): void {
    if (this.#homes.size >= TABLE_SIZE && !this.#homes.has(name)) {
      this.#homes.delete(this.#homes.keys().next().value ?? '');
    }
    this.#homes.set(name, netns);
    this.#members.see(netns, name, this.#frame);
  }
}

/** A port in a network namespace, as one number: a text would take most of the time that a socket is looked at. */
const portIn = (netns: number, protocol: Protocol, port: number): number =>
  (2 * netns + (protocol === 'udp' ? 1 : 0)) * 65_536 + port;

const servedTo = (key: number, address: string): string => `${key} ${address}`;

const named = (name: string): Peer => ({ peerKind: 'container', peer: name });

const nobody = (address: string): Peer => ({ peerKind: addressClass(address), peer: '' });

const virtual = (name: string): Peer => ({ peerKind: 'virtual', peer: name });

const only = <T>(list: readonly T[]): T | null => (list.length === 1 ? (list[0] ?? null) : null);
