import type { Protocol, Role } from '../../core/flow.ts';
import type { Network } from '../contract.ts';
import { addressClass } from './classes.ts';
import { isLoopback } from './talk.ts';

/** One observation: `name` has a socket of this role in the network namespace `netns`. */
export interface Sighting {
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
}

/** Frames after which what was not seen again is forgotten: about an hour of the default interval. */
const REMEMBERED_FRAMES = 720;
/** Frames for which the dead are remembered: their last traffic is read out after their death. */
const DEAD_FRAMES = 2;
/** Most entries of each table; the oldest go first. */
const TABLE_SIZE = 65_536;

/** Keys with values, each stamped with the frame in which it was last seen. Bounded; the oldest go first. */
class Seen<V> {
  readonly #entries = new Map<string, { key: string; value: V; frame: number }>();
  readonly #byKey = new Map<string, Set<string>>();

  see(key: string, value: V, frame: number): void {
    const id = JSON.stringify([key, value]);
    this.#drop(id);
    this.#entries.set(id, { key, value, frame });
    const ids = this.#byKey.get(key) ?? new Set<string>();
    this.#byKey.set(key, ids.add(id));
    if (this.#entries.size > TABLE_SIZE) this.#drop(this.#entries.keys().next().value ?? '');
  }

  /** Values that were last seen at the same time as the newest one. */
  newest(key: string): V[] {
    const found = [...(this.#byKey.get(key) ?? [])].flatMap(id => this.#entries.get(id) ?? []);
    const last = Math.max(...found.map(entry => entry.frame));
    return found.filter(entry => entry.frame === last).map(entry => entry.value);
  }

  all(key: string): V[] {
    return [...(this.#byKey.get(key) ?? [])].flatMap(id => this.#entries.get(id)?.value ?? []);
  }

  /** Forget what was last seen before the frame, and what `isGone` says. */
  expire(before: number, isGone: (value: V) => boolean): void {
    for (const [id, { value, frame }] of this.#entries) {
      if (frame < before || isGone(value)) this.#drop(id);
    }
  }

  #drop(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    const ids = this.#byKey.get(entry.key);
    ids?.delete(id);
    if (ids?.size === 0) this.#byKey.delete(entry.key);
  }
}

/**
 * Who has which address, and who serves which port, in which network namespace: learned from sockets and from
 * processes, each with the frame in which it was last true. Deterministic, bounded.
 *
 * An address leads to a network namespace, a namespace and a port to a container. An address that moved on leads to
 * whom it was seen with last; with two in one frame it leads to nobody, as an edge may be missing but never wrong.
 */
export class AddressBook {
  #frame = 0;
  #host: Network = { netns: 0, addresses: [] };
  /** Address -> namespaces. */
  readonly #owners = new Seen<number>();
  /** Namespace -> names. */
  readonly #members = new Seen<string>();
  /** Namespace of a name, the newest. */
  readonly #homes = new Map<string, number>();
  /** Who serves: namespace, protocol, port -> names; the same with the client's address. */
  readonly #servers = new Seen<string>();
  /** Who asks: server's address, protocol, port -> names, each with its namespace. */
  readonly #clients = new Seen<string>();
  /** Names that ended, with the frame in which they did. */
  readonly #ended = new Map<string, number>();

  /** The host's own network namespace and addresses. */
  host(network: Network): void {
    this.#host = network;
    for (const address of network.addresses) this.#owners.see(address, network.netns, this.#frame);
  }

  /** A process of `name` is in that network namespace. */
  network(name: string, { netns, addresses }: Network): void {
    this.#member(name, netns);
    for (const address of addresses) this.#owners.see(address, netns, this.#frame);
  }

  /** A new frame: forget what is too old, and those who ended a while ago. */
  turn(ended: readonly string[], alive: ReadonlySet<string>): void {
    this.#frame++;
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
    this.#owners.expire(
      before,
      netns => netns !== this.#host.netns && this.#members.all(`${netns}`).length === 0,
    );
    this.host(this.#host);
  }

  /** Learn from a socket that was seen in this frame. */
  see(sighting: Sighting): void {
    const { name, protocol, role, port, own, peer } = sighting;
    if (sighting.netns !== null) this.#member(name, sighting.netns);
    const netns = this.#homes.get(name);
    if (netns === undefined) return;
    this.#member(name, netns);
    if (own !== null && !isLoopback(own)) this.#owners.see(own, netns, this.#frame);
    if (role === 'server') {
      this.#servers.see(`${netns} ${protocol} ${port}`, name, this.#frame);
      if (peer !== null) this.#servers.see(`${netns} ${protocol} ${port} ${peer}`, name, this.#frame);
    } else if (peer !== null) {
      this.#clients.see(`${netns} ${protocol} ${port}`, name, this.#frame);
    }
  }

  /** Who is at the other end of a socket like this. `moved`: whether anything came through. */
  peerOf(sighting: Sighting, moved: boolean): Peer {
    const { name, own, peer } = sighting;
    if (peer === null) return { peerKind: 'unknown', peer: '' };
    const home = sighting.netns ?? this.#homes.get(name) ?? null;
    if (isLoopback(peer) || own === peer) return this.#inside(sighting, home);
    const netns = this.#ownerOf(sighting, peer);
    if (netns === null) return { peerKind: addressClass(peer), peer: '' };
    const found = this.#at(sighting, netns);
    if (found !== null) return named(found);
    if (netns !== this.#host.netns) return { peerKind: addressClass(peer), peer: '' };
    const isTranslated = sighting.role === 'client' && moved;
    if (isTranslated) return { peerKind: 'virtual', peer: `${peer} port ${sighting.port}` };
    return { peerKind: 'host', peer: '' };
  }

  /** The other end is in the same network namespace. */
  #inside(sighting: Sighting, home: number | null): Peer {
    const found = home === null ? null : this.#at(sighting, home);
    if (found !== null) return named(found);
    return home === null || home !== this.#host.netns ? named(sighting.name) : { peerKind: 'host', peer: '' };
  }

  /** The namespace that has the peer's address, or null when that is nobody here or cannot be told. */
  #ownerOf({ protocol, role, port, own }: Sighting, peer: string): number | null {
    const candidates = this.#owners.newest(peer);
    if (candidates.length <= 1 || role === 'server' || own === null) return only(candidates);
    // One address in several namespaces: it is the one whose server knows us.
    return only(candidates.filter(n => this.#servers.all(`${n} ${protocol} ${port} ${own}`).length > 0));
  }

  /** The one in that namespace who plays the other role on this port, else its only member. */
  #at({ protocol, role, port }: Sighting, netns: number): string | null {
    const others = role === 'client' ? this.#servers : this.#clients;
    const found = only(others.newest(`${netns} ${protocol} ${port}`));
    if (found !== null || netns === this.#host.netns) return found;
    return only(this.#members.all(`${netns}`));
  }

  #member(name: string, netns: number): void {
    this.#homes.set(name, netns);
    this.#members.see(`${netns}`, name, this.#frame);
  }
}

const named = (name: string): Peer => ({ peerKind: 'container', peer: name });

const only = <T>(list: readonly T[]): T | null => (list.length === 1 ? (list[0] ?? null) : null);
