import type { ConnectionKind } from '../../core/traffic/connection.ts';
import { type Exchange, type Flow, type FlowKey, flowId, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import type { CgroupId, ConnectionCount, EndCount, Endpoints, Network } from '../contract.ts';
import { OTHER } from '../identity/naming.ts';
import { AddressBook, type Sighting } from '../identity/peer-resolver.ts';
import type { Readout } from './map-snapshot.ts';
import { addFlows, type PlaceLimits, Places } from './row-budget.ts';

/** Who is in the frame, and since when. */
export interface Cast {
  /** Start of the frame, epoch ms. */
  readonly start: number;
  /** Its bounds, kernel time in ns. */
  readonly fromNs: number;
  readonly toNs: number;
  /** Names of cgroups; any other cgroup is `other`. */
  readonly names: ReadonlyMap<CgroupId, string>;
  /** The name of any cgroup that is known; null once it is gone. */
  readonly nameOf: (cgroup: CgroupId) => string | null;
  /** The name of a container of this host by its id, or null. */
  readonly nameOfContainer: (id: string) => string | null;
  /** Names of those who ended in the frame, and of all in it. */
  readonly ended: readonly string[];
  readonly alive: ReadonlySet<string>;
}

/** A cgroup's traffic with one peer, not yet resolved. */
interface Part extends Sighting {
  readonly exchange: Exchange;
}

/** Readouts -> flows of frames. Pure apart from its own state, which is bounded. */
export class FlowBuilder {
  readonly #book: AddressBook;
  readonly #places: Places;
  /** Of living cgroups, with the name that the book has it under; null: not yet. */
  readonly #networks = new Map<CgroupId, { readonly network: Network; readonly name: string | null }>();

  /** `serviceRanges`: as texts, such as `10.96.0.0/12`. */
  constructor(limits: PlaceLimits, serviceRanges: readonly string[] = []) {
    this.#places = new Places(limits);
    this.#book = new AddressBook(serviceRanges);
  }

  /** Flows of the last frame that were added to other rows. */
  get folded(): number {
    return this.#places.folded;
  }

  /** Entries of the fullest table of who is reached where. */
  get bookEntries(): number {
    return this.#book.size;
  }

  /** Whether nobody told the cgroup's network. */
  isStranger(cgroup: CgroupId): boolean {
    return !this.#networks.has(cgroup);
  }

  /** A cgroup is in that network; null: the host. */
  networked(cgroup: CgroupId | null, network: Network): void {
    if (cgroup === null) this.#book.host(network);
    else this.#networks.set(cgroup, { network, name: null });
  }

  /** Where a container is reached, heard at `ns`, kernel time. */
  reached(endpoints: Endpoints, ns: number): void {
    this.#book.reached(endpoints, ns);
  }

  /** The flows of a frame. */
  flows(readout: Readout, cast: Cast): Flow[] {
    this.#book.turn(cast.ended, cast.alive);
    this.#book.docker(cast.fromNs, cast.toNs, cast.nameOfContainer);
    this.#learnNetworks(cast);
    const parts = [...talkParts(readout, cast), ...endParts(readout, cast)];
    for (const part of parts) this.#book.see(part);
    const flows = new Map<string, Flow>();
    const add = (flow: Flow) => {
      const id = flowId(flow);
      const known = flows.get(id);
      flows.set(id, known ? mergeFlows(known, flow) : flow);
    };
    for (const part of parts) add(this.#resolve(part));
    for (const flow of remainders(readout, cast)) add(flow);
    return this.#places.fold(flows, cast.start);
  }

  /** The book has a network once, from then on sockets tell; under a new name it has what it had under the old one. */
  #learnNetworks({ nameOf }: Cast): void {
    const renamed = new Map<string, string>();
    const told: [string, Network][] = [];
    const left = new Set<string>();
    for (const [cgroup, { network, name: before }] of this.#networks) {
      const name = nameOf(cgroup);
      if (name === null) {
        this.#networks.delete(cgroup);
        if (before !== null) left.add(before);
      } else if (name !== before && name !== OTHER.name) {
        if (before === null) told.push([name, network]);
        else renamed.set(before, name);
        this.#networks.set(cgroup, { network, name });
      }
    }
    if (left.size > 0) for (const { name } of this.#networks.values()) left.delete(name ?? '');
    this.#book.left(left);
    if (renamed.size > 0) this.#book.rename(renamed);
    for (const [name, network] of told) this.#book.network(name, network);
  }

  #resolve(part: Part): Flow {
    const { name, protocol, role, port, peer, exchange } = part;
    const moved = exchange.connections > 0 || exchange.receivedMessages > 0;
    const found = this.#book.peerOf(part, moved);
    // Written out: spreading one object into the middle of another is slow, and there are thousands of flows.
    return {
      container: name,
      protocol,
      role,
      peerKind: found.peerKind,
      peer: found.peer,
      port: found.port ?? port,
      address: peer ?? '',
      sentMessages: exchange.sentMessages,
      sentBytes: exchange.sentBytes,
      receivedMessages: exchange.receivedMessages,
      receivedBytes: exchange.receivedBytes,
      connections: exchange.connections,
      failures: exchange.failures,
    };
  }
}

const nameOf = (cast: Cast, cgroup: CgroupId): string => cast.names.get(cgroup) ?? OTHER.name;

function talkParts(readout: Readout, cast: Cast): Part[] {
  return readout.talks.map(({ cgroup, talk, exchange }) => {
    const { protocol, role, port, own, peer } = talk;
    return { name: nameOf(cast, cgroup), netns: null, protocol, role, port, own, peer, exchange };
  });
}

function endParts(readout: Readout, cast: Cast): Part[] {
  return readout.ends.map(({ cgroup, kind, count, port, netns, own, peer }: EndCount) => ({
    name: nameOf(cast, cgroup),
    netns,
    protocol: 'tcp',
    role: roleOf(kind),
    port,
    own,
    peer,
    exchange: { ...NO_EXCHANGE, [fieldOf(kind)]: count },
  }));
}

/** Connections that are in the totals, but not among the ends: that map was full. */
function remainders(readout: Readout, cast: Cast): Flow[] {
  const left = new Map<string, ConnectionCount>();
  const add = ({ cgroup, kind }: ConnectionCount, count: number) => {
    const id = `${cgroup} ${kind}`;
    left.set(id, { cgroup, kind, count: (left.get(id)?.count ?? 0) + count });
  };
  for (const total of readout.connections) add(total, total.count);
  for (const end of readout.ends) add(end, -end.count);
  return [...left.values()]
    .filter(({ count }) => count > 0)
    .map(({ cgroup, kind, count }) => ({
      container: nameOf(cast, cgroup),
      protocol: 'tcp',
      role: roleOf(kind),
      peerKind: 'other',
      peer: '',
      port: 0,
      address: '',
      ...NO_EXCHANGE,
      [fieldOf(kind)]: count,
    }));
}

const roleOf = (kind: ConnectionKind): FlowKey['role'] => (kind === 'accepted' ? 'server' : 'client');
const fieldOf = (kind: ConnectionKind): keyof Exchange => (kind === 'failed' ? 'failures' : 'connections');

/** The sum; the address of the one that moved more. */
function mergeFlows(a: Flow, b: Flow): Flow {
  const weight = (flow: Flow): number => flow.sentBytes + flow.receivedBytes;
  return weight(b) > weight(a) ? addFlows(b, a) : addFlows(a, b);
}
