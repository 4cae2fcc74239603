import type { ConnectionKind } from '../../core/traffic/connection.ts';
import { type Exchange, type Flow, type FlowKey, flowId, NO_EXCHANGE } from '../../core/traffic/flow.ts';
import type { CgroupId, ConnectionCount, EndCount, Endpoints, NetworkNamespace } from '../contract.ts';
import { OTHER } from '../identity/naming.ts';
import { PeerResolver, type SocketObservation } from '../identity/peer-resolver.ts';
import type { MapSnapshot } from './map-snapshot.ts';
import { addFlows, RowBudget, type RowLimits } from './row-budget.ts';

/** What a frame's flows are resolved with. */
export interface FrameContext {
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
  /** Names of containers that ended in the frame, and of all in it. */
  readonly ended: readonly string[];
  readonly alive: ReadonlySet<string>;
}

/** A cgroup's traffic with one peer, whose name is not resolved yet. */
interface UnresolvedFlow extends SocketObservation {
  readonly exchange: Exchange;
}

/** Map snapshots -> flows of frames. Pure apart from its own bounded state. */
export class FlowBuilder {
  readonly #peers: PeerResolver;
  readonly #rows: RowBudget;
  /** Of living cgroups; `name`: the one the resolver knows it by, null: not added yet. */
  readonly #networks = new Map<CgroupId, { network: NetworkNamespace; name: string | null }>();

  /** `serviceRanges`: as texts, such as `10.96.0.0/12`. */
  constructor(limits: RowLimits, serviceRanges: readonly string[] = []) {
    this.#rows = new RowBudget(limits);
    this.#peers = new PeerResolver(serviceRanges);
  }

  /** Flows of the last frame that were added to other rows. */
  get aggregated(): number {
    return this.#rows.aggregated;
  }

  /** Entries of the resolver's fullest table. */
  get peerTableEntries(): number {
    return this.#peers.size;
  }

  /** Whether the cgroup's network namespace is unknown. */
  isUnresolved(cgroup: CgroupId): boolean {
    return !this.#networks.has(cgroup);
  }

  /** A cgroup is in that network namespace; null: the host. */
  networked(cgroup: CgroupId | null, network: NetworkNamespace): void {
    if (cgroup === null) this.#peers.setHostNetwork(network);
    else this.#networks.set(cgroup, { network, name: null });
  }

  /** Where a container is reached, heard at `ns`, kernel time. */
  reached(endpoints: Endpoints, ns: number): void {
    this.#peers.setEndpoints(endpoints, ns);
  }

  /** The flows of a frame. */
  flows(snapshot: MapSnapshot, context: FrameContext): Flow[] {
    this.#peers.startFrame(context.ended, context.alive);
    this.#peers.setFrameBounds(context.fromNs, context.toNs, context.nameOfContainer);
    this.#learnNetworks(context);
    const unresolved = [...observedFlows(snapshot, context), ...connectionFlows(snapshot, context)];
    for (const flow of unresolved) this.#peers.observe(flow);
    const flows = new Map<string, Flow>();
    const add = (flow: Flow) => {
      const id = flowId(flow);
      const known = flows.get(id);
      flows.set(id, known ? mergeFlows(known, flow) : flow);
    };
    for (const flow of unresolved) add(this.#resolve(flow));
    for (const flow of remainders(snapshot, context)) add(flow);
    return this.#rows.apply(flows, context.start);
  }

  /** Each namespace is added once; later changes are seen on sockets. A renamed container keeps what is known of it. */
  #learnNetworks({ nameOf }: FrameContext): void {
    const renamed = new Map<string, string>();
    const added: [string, NetworkNamespace][] = [];
    const left = new Set<string>();
    for (const [cgroup, { network, name: before }] of this.#networks) {
      const name = nameOf(cgroup);
      if (name === null) {
        this.#networks.delete(cgroup);
        if (before !== null) left.add(before);
      } else if (name !== before && name !== OTHER.name) {
        if (before === null) added.push([name, network]);
        else renamed.set(before, name);
        this.#networks.set(cgroup, { network, name });
      }
    }
    if (left.size > 0) for (const { name } of this.#networks.values()) left.delete(name ?? '');
    this.#peers.release(left);
    if (renamed.size > 0) this.#peers.rename(renamed);
    for (const [name, network] of added) this.#peers.addNetwork(name, network);
  }

  #resolve(flow: UnresolvedFlow): Flow {
    const { name, protocol, role, port, peer, exchange } = flow;
    const moved = exchange.connections > 0 || exchange.receivedMessages > 0;
    const found = this.#peers.peerOf(flow, moved);
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

const nameOf = (context: FrameContext, cgroup: CgroupId): string => context.names.get(cgroup) ?? OTHER.name;

function observedFlows(snapshot: MapSnapshot, context: FrameContext): UnresolvedFlow[] {
  return snapshot.flows.map(({ cgroup, key, exchange }) => {
    const { netns, protocol, role, port, own, peer } = key;
    return { name: nameOf(context, cgroup), netns, protocol, role, port, own, peer, exchange };
  });
}

function connectionFlows(snapshot: MapSnapshot, context: FrameContext): UnresolvedFlow[] {
  return snapshot.ends.map(({ cgroup, kind, count, port, netns, own, peer }: EndCount) => ({
    name: nameOf(context, cgroup),
    netns,
    protocol: 'tcp',
    role: roleOf(kind),
    port,
    own,
    peer,
    exchange: { ...NO_EXCHANGE, [fieldOf(kind)]: count },
  }));
}

/** Connections that are in the totals but not among the ends, as that map was full. */
function remainders(snapshot: MapSnapshot, context: FrameContext): Flow[] {
  const left = new Map<string, ConnectionCount>();
  const add = ({ cgroup, kind }: ConnectionCount, count: number) => {
    const id = `${cgroup} ${kind}`;
    left.set(id, { cgroup, kind, count: (left.get(id)?.count ?? 0) + count });
  };
  for (const total of snapshot.connections) add(total, total.count);
  for (const end of snapshot.ends) add(end, -end.count);
  return [...left.values()]
    .filter(({ count }) => count > 0)
    .map(({ cgroup, kind, count }) => ({
      container: nameOf(context, cgroup),
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

/** The sum, with the address of the one that moved more bytes. */
function mergeFlows(a: Flow, b: Flow): Flow {
  const weight = (flow: Flow): number => flow.sentBytes + flow.receivedBytes;
  return weight(b) > weight(a) ? addFlows(b, a) : addFlows(a, b);
}
