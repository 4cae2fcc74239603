import { CAPS } from '../../core/caps.ts';
import { addressClass, rangesOf } from '../../core/traffic/address-class.ts';
import type { Protocol, Role } from '../../core/traffic/flow.ts';
import type { Endpoints, NetworkNamespace } from '../contract.ts';
import { isLoopback } from '../decode/flow-key.ts';
import { BoundedMultimap } from './bounded-multimap.ts';
import { DockerEndpoints } from './docker-endpoints.ts';

/** A socket as seen in a frame: `name` has one of this role in the network namespace `netns`. */
export interface SocketObservation {
  readonly name: string;
  readonly netns: number | null;
  readonly protocol: Protocol;
  readonly role: Role;
  readonly port: number;
  readonly own: string | null;
  readonly peer: string | null;
}

/** What is at the other end of a socket. */
export interface Peer {
  readonly peerKind: 'container' | 'host' | 'virtual' | 'private' | 'outside' | 'unknown';
  readonly peer: string;
  /** The container's own port, where the kernel translated the port that the socket used. */
  readonly port?: number;
}

/** Entries not seen for this many frames are forgotten: about an hour at the default interval. */
const REMEMBERED_FRAMES = 720;
/** Frames for which ended containers are remembered: their last traffic is read out after their end. */
const DEAD_FRAMES = 2;
const TABLE_SIZE = CAPS.peerTableEntries.limit;

/** A network namespace, or a container whose namespace is unknown; null: a container without a name (yet). */
type Owner = number | string | null;

/**
 * Resolves the address and port of a peer to a container. It learns from sockets, processes and Docker which network
 * namespace has which address and which container serves which port, and in which frames. Deterministic, bounded.
 *
 * An address leads to a network namespace; a namespace and a port lead to a container. Where several namespaces have or
 * recently had the address, it leads to the one whose server was last seen with this client, or to none: an edge may be
 * missing but is never wrong.
 */
export class PeerResolver {
  #frame = 0;
  #host: NetworkNamespace = { netns: 0, addresses: [] };
  /** Address -> namespaces. */
  readonly #owners = new BoundedMultimap<string, number>(TABLE_SIZE);
  /** Namespace -> names. */
  readonly #members = new BoundedMultimap<number, string>(TABLE_SIZE);
  /** Namespace -> names that are not known as members and have sockets of UDP there. */
  readonly #guests = new BoundedMultimap<number, string>(TABLE_SIZE);
  /** Namespaces of a name's processes and sockets of TCP, at most two: more tell no more. */
  readonly #homes = new Map<string, Set<number>>();
  /** Servers: a port (`portKey`), or a port and the client's address (`clientKey`) -> names. */
  readonly #servers = new BoundedMultimap<number | string, string>(TABLE_SIZE);
  /** Clients: the port they connect to -> names. */
  readonly #clients = new BoundedMultimap<number, string>(TABLE_SIZE);
  /** Ends of what stays inside a namespace: role and port (`insideKey`) -> names. */
  readonly #insiders = new BoundedMultimap<string, string>(TABLE_SIZE);
  /** Names that ended, with the frame in which they ended. */
  readonly #ended = new Map<string, number>();
  /** What Docker says. */
  readonly #docker = new DockerEndpoints(TABLE_SIZE);
  /** Names of containers by id, in this frame. */
  #nameOfContainer: (id: string) => string | null = () => null;
  readonly #services: ReturnType<typeof rangesOf>;
  /** Kinds of addresses, cached for this frame. */
  readonly #kinds = new Map<string, 'service' | 'private' | 'outside'>();

  /** `serviceRanges`: addresses of a cluster's services, such as `10.96.0.0/12`. */
  constructor(serviceRanges: readonly string[] = []) {
    this.#services = rangesOf(serviceRanges);
  }

  /** Entries of the fullest table. */
  get size(): number {
    const tables = [
      this.#owners,
      this.#members,
      this.#guests,
      this.#homes,
      this.#servers,
      this.#clients,
      this.#insiders,
      this.#docker,
    ];
    return Math.max(...tables.map(table => table.size));
  }

  /** The host's own network namespace and addresses. */
  setHostNetwork(network: NetworkNamespace): void {
    this.#host = network;
    for (const address of network.addresses) this.#owners.add(address, network.netns, this.#frame);
  }

  /** A process of `name` is in that network namespace. */
  addNetwork(name: string, { netns, addresses }: NetworkNamespace): void {
    // Started again under its name: where its sockets are now is not where they were.
    if (this.#ended.delete(name)) this.#homes.delete(name);
    this.#addMember(name, netns);
    for (const address of addresses) this.#owners.add(address, netns, this.#frame);
  }

  /** These names are no longer in use, whether or not a frame reported their end. */
  release(names: Iterable<string>): void {
    for (const name of names) if (this.#homes.has(name)) this.#ended.set(name, this.#frame);
  }

  /** Where a container is reached; replaces what was known before. Heard at `ns`, kernel time. */
  setEndpoints(endpoints: Endpoints, ns: number): void {
    this.#docker.set(endpoints, ns);
  }

  /** Bounds of the current frame, kernel time in ns, and the names of containers by id. */
  setFrameBounds(from: number, to: number, nameOfContainer: (id: string) => string | null): void {
    this.#docker.setFrameBounds(from, to);
    this.#nameOfContainer = nameOfContainer;
  }

  /** Containers were renamed: old name -> new name. */
  rename(names: ReadonlyMap<string, string>): void {
    for (const table of [this.#members, this.#guests, this.#servers, this.#clients, this.#insiders])
      table.replace(names);
    const moved = [...names].flatMap(([before, name]): [string, Set<number>][] => {
      const homes = this.#homes.get(before);
      return homes === undefined ? [] : [[name, homes]];
    });
    for (const before of names.keys()) this.#homes.delete(before);
    for (const [name, homes] of moved) this.#homes.set(name, homes);
  }

  /** A new frame: forget old entries, and names that ended a while ago. */
  startFrame(ended: readonly string[], alive: ReadonlySet<string>): void {
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
    for (const table of [this.#members, this.#guests, this.#servers, this.#clients, this.#insiders]) {
      table.expire(before, name => gone.has(name));
    }
    for (const name of gone) this.#homes.delete(name);
    this.#forgetHomes();
    this.#owners.expire(before, netns => netns !== this.#host.netns && this.#members.all(netns).length === 0);
    this.setHostNetwork(this.#host);
  }

  /** Learn from a socket that was seen in this frame. */
  observe(observation: SocketObservation): void {
    const { name, protocol, role, port, own, peer } = observation;
    const netns = observation.netns ?? this.#homeOf(name);
    if (netns === null) return;
    // Who answers for others by UDP, as a resolver of the engine does, may be in as many namespaces as there are.
    if (protocol === 'tcp' || this.#homes.get(name)?.has(netns)) this.#addMember(name, netns);
    else this.#guests.add(netns, name, this.#frame);
    if (own !== null && !isLoopback(own)) this.#owners.add(own, netns, this.#frame);
    const key = portKey(netns, protocol, port);
    if (role === 'server') {
      this.#servers.add(key, name, this.#frame);
      if (peer !== null) this.#servers.add(clientKey(key, peer), name, this.#frame);
    } else if (peer !== null) {
      this.#clients.add(key, name, this.#frame);
    }
    if (isInside(observation)) this.#insiders.add(insideKey(role, key), name, this.#frame);
  }

  /** The peer of a socket. `moved`: whether anything came back from it. */
  peerOf(observation: SocketObservation, moved: boolean): Peer {
    const { name, peer } = observation;
    if (peer === null) return UNKNOWN;
    if (isInside(observation)) {
      return this.#sameNamespace(observation, observation.netns ?? this.#homeOf(name), moved);
    }
    const owner = this.#ownerOf(observation, peer);
    if (typeof owner === 'string') return named(owner);
    if (owner === null) return this.#unknownAddress(observation, peer);
    const found = this.#memberFor(observation, owner);
    if (found !== null) return named(found);
    if (owner !== this.#host.netns) return unnamed(peer);
    return this.#onHost(observation, peer, moved);
  }

  /** No container and no namespace of this host has the address. */
  #unknownAddress({ role, port }: SocketObservation, peer: string): Peer {
    const kind = this.#kindOf(peer);
    if (kind === 'service') return role === 'client' ? virtual(`${peer} port ${port}`) : unnamed(peer);
    return { peerKind: kind, peer: '' };
  }

  /** The kind of an address that is not on this host; cached, as most occur many times in a frame. */
  #kindOf(address: string): 'service' | 'private' | 'outside' {
    let kind = this.#kinds.get(address);
    if (!kind) {
      kind = this.#services(address) ? 'service' : addressClass(address);
      this.#kinds.set(address, kind);
    }
    return kind;
  }

  /** The address is the host's, and no server was seen on that port. */
  #onHost({ role, protocol, port }: SocketObservation, peer: string, moved: boolean): Peer {
    if (role === 'server') return { peerKind: 'host', peer: '' };
    const published = this.#docker.target(protocol, port, peer);
    const target = published && this.#nameOfContainer(published.id);
    if (!published || target === null) {
      return moved ? virtual(`${peer} port ${port}`) : { peerKind: 'host', peer: '' };
    }
    // An answer proves that the port was translated; without one it may have been meant for something else.
    if (moved) return { ...named(target), port: published.target };
    return virtual(`published ${port}/${protocol} of ${target}`);
  }

  /**
   * The other end is in the same network namespace: whoever was seen there in the other role on this port, talking to that
   * namespace itself. A process of any other cgroup may have entered it, so that being its only known member is no proof.
   * A connection that was refused (its flow has a namespace and moved nothing) reached nobody, and is told of the
   * namespace's own.
   */
  #sameNamespace(
    { protocol, role, port, netns }: SocketObservation,
    home: number | null,
    moved: boolean,
  ): Peer {
    if (home === null) return UNKNOWN;
    const other = role === 'client' ? 'server' : 'client';
    const found = this.#insiders.recent(insideKey(other, portKey(home, protocol, port)));
    if (found.length > 0 || moved || protocol === 'udp' || netns === null) return namedOrUnknown(only(found));
    return home === this.#host.netns
      ? { peerKind: 'host', peer: '' }
      : namedOrUnknown(only(this.#members.all(home)));
  }

  /** The owner of the peer's address; null when there is none here, or it is ambiguous. */
  #ownerOf({ protocol, role, port, own }: SocketObservation, peer: string): Owner {
    const candidates = this.#candidates(peer);
    if (candidates.length <= 1 || role === 'server' || own === null) return only(candidates);
    const served = candidates.map(one =>
      typeof one === 'number' ? this.#servers.lastFrame(clientKey(portKey(one, protocol, port), own)) : 0,
    );
    const last = Math.max(...served);
    return last === 0 ? null : only(candidates.filter((_, i) => served[i] === last));
  }

  /** Docker knows who has an address now; without its word, all who were seen with it are candidates. */
  #candidates(peer: string): readonly Owner[] {
    const holders = this.#docker.holders(peer);
    if (holders.length === 0) return this.#owners.all(peer);
    const owners = holders.map((id): Owner => {
      const name = this.#nameOfContainer(id);
      return name === null ? null : (this.#homeOf(name) ?? name);
    });
    return [...new Set([...owners, ...this.#owners.at(peer, this.#frame)])];
  }

  /**
   * The container in that namespace with the other role on this port, else its only member. Who was seen in the frame
   * before may be the one as well: an exchange can lie in two frames.
   */
  #memberFor({ protocol, role, port }: SocketObservation, netns: number): string | null {
    const others = role === 'client' ? this.#servers : this.#clients;
    const found = others.recent(portKey(netns, protocol, port));
    if (found.length > 0 || netns === this.#host.netns) return only(found);
    const members = this.#members.all(netns);
    const isGuest = (one: string) => !members.includes(one);
    // By UDP it may have been a guest; some turn out to be members later.
    return protocol === 'udp' && this.#guests.all(netns).some(isGuest) ? null : only(members);
  }

  #addMember(name: string, netns: number): void {
    if (this.#homes.size >= TABLE_SIZE && !this.#homes.has(name)) {
      this.#homes.delete(this.#homes.keys().next().value ?? '');
    }
    const homes = this.#homes.get(name) ?? new Set();
    if (homes.size < 2) homes.add(netns);
    this.#homes.set(name, homes);
    this.#members.add(netns, name, this.#frame);
  }

  /** The namespace of a name's sockets; null when it is not known, or when it has sockets in several. */
  #homeOf(name: string): number | null {
    return only([...(this.#homes.get(name) ?? [])]);
  }

  /** Namespaces in which a name was not seen for long are no longer its own. */
  #forgetHomes(): void {
    for (const [name, homes] of this.#homes) {
      if (homes.size < 2) continue;
      for (const netns of homes) if (!this.#members.all(netns).includes(name)) homes.delete(netns);
    }
  }
}

/** A port in a network namespace as one number: building a string would take most of the time per socket. */
const portKey = (netns: number, protocol: Protocol, port: number): number =>
  (2 * netns + (protocol === 'udp' ? 1 : 0)) * 65_536 + port;

const clientKey = (key: number, address: string): string => `${key} ${address}`;

/** Who has a role inside of a namespace. */
const insideKey = (role: Role, key: number): string => `${role} ${key}`;

/** Whether both ends are in one namespace, as their addresses say. */
const isInside = ({ own, peer }: SocketObservation): boolean =>
  peer !== null && (isLoopback(peer) || own === peer);

const UNKNOWN: Peer = { peerKind: 'unknown', peer: '' };

const namedOrUnknown = (name: string | null): Peer => (name === null ? UNKNOWN : named(name));

const named = (name: string): Peer => ({ peerKind: 'container', peer: name });

const unnamed = (address: string): Peer => ({ peerKind: addressClass(address), peer: '' });

const virtual = (name: string): Peer => ({ peerKind: 'virtual', peer: name });

const only = <T>(list: readonly T[]): T | null => (list.length === 1 ? (list[0] ?? null) : null);
