import {
  compareFlows,
  EXCHANGE_KEYS,
  type Exchange,
  type FlowKey,
  isNamed,
  NO_EXCHANGE,
  type PeerKind,
  type Protocol,
} from './flow.ts';

/** A flow's sum over a range; `service` is that of the container. */
export interface FlowTotal extends FlowKey, Exchange {
  readonly service: string;
}

export interface MapNode {
  /** Unique in a map: `container:NAME`, `virtual:NAME`, or the kind alone. */
  readonly id: string;
  readonly kind: PeerKind;
  readonly name: string;
  /** Empty where it is not known. */
  readonly service: string;
}

/** One edge for both ends of what was exchanged, as the client sees it: sent is from `from` to `to`. */
export interface MapEdge extends Exchange {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  /** The server's port, 0 where several ports were aggregated. */
  readonly port: number;
}

export interface ServiceMap {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

type Numbers = { -readonly [K in keyof Exchange]: number };

/** An edge with what each end saw of it. */
interface Both {
  readonly edge: Omit<MapEdge, keyof Exchange>;
  client: Exchange | null;
  server: Exchange | null;
}

/**
 * Peers that the other end may know better: an unconnected socket, an address that many share. What the other ends tell
 * explains sockets without a peer first, as these are never seen in any other way.
 */
const VAGUE: readonly PeerKind[] = ['unknown', 'host'];

/**
 * Who talked to whom. Both ends of an exchange are one edge, with the greater of what they saw: what one end could not
 * see (a datagram's sender) the other one did. Of vague rows only the part is shown that no edge explains.
 */
export function serviceMap(totals: readonly FlowTotal[]): ServiceMap {
  const ordered = [...totals].sort(compareFlows);
  const nodes = nodesOf(ordered);
  const edges = new Map<string, Both>();
  for (const total of ordered.filter(({ peerKind }) => !VAGUE.includes(peerKind))) addEnd(edges, total);
  const told = new Told([...edges.values()]);
  for (const kind of VAGUE) {
    for (const total of ordered.filter(({ peerKind }) => peerKind === kind)) {
      const rest = told.explain(total);
      if (EXCHANGE_KEYS.some(key => rest[key] > 0)) addEnd(edges, { ...total, ...rest });
    }
  }
  const merged = [...edges.values()].map(
    ({ edge, client, server }): MapEdge => ({
      ...edge,
      ...combine(client ?? NO_EXCHANGE, server ?? NO_EXCHANGE, Math.max),
    }),
  );
  const used = new Set(merged.flatMap(({ from, to }) => [from, to]));
  return { nodes: [...nodes.values()].filter(({ id }) => used.has(id)), edges: merged };
}

function combine(a: Exchange, b: Exchange, how: (x: number, y: number) => number): Numbers {
  const result: Numbers = { ...NO_EXCHANGE };
  for (const key of EXCHANGE_KEYS) result[key] = how(a[key], b[key]);
  return result;
}

const add = (a: Exchange, b: Exchange): Numbers => combine(a, b, (x, y) => x + y);

/** What is left of the one without the other, never below 0. */
const without = (a: Exchange, b: Exchange): Numbers => combine(a, b, (x, y) => Math.max(0, x - y));

/** The same exchange, seen from the other end. */
const mirrored = (exchange: Exchange): Exchange => ({
  ...exchange,
  sentMessages: exchange.receivedMessages,
  sentBytes: exchange.receivedBytes,
  receivedMessages: exchange.sentMessages,
  receivedBytes: exchange.sentBytes,
});

const nodeId = (kind: PeerKind, name: string): string => (isNamed(kind) ? `${kind}:${name}` : kind);
const ownId = (total: FlowTotal): string => nodeId('container', total.container);
const peerId = (total: FlowTotal): string => nodeId(total.peerKind, total.peer);

function nodesOf(totals: readonly FlowTotal[]): Map<string, MapNode> {
  const nodes = new Map<string, MapNode>();
  for (const { container, service } of totals) {
    const id = nodeId('container', container);
    nodes.set(id, { id, kind: 'container', name: container, service });
  }
  for (const { peerKind: kind, peer } of totals) {
    const id = nodeId(kind, peer);
    if (!nodes.has(id)) nodes.set(id, { id, kind, name: isNamed(kind) ? peer : kind, service: '' });
  }
  return nodes;
}

function addEnd(edges: Map<string, Both>, total: FlowTotal): void {
  const { protocol, port, role } = total;
  const [from, to] = role === 'client' ? [ownId(total), peerId(total)] : [peerId(total), ownId(total)];
  const id = JSON.stringify([from, to, protocol, port]);
  const both = edges.get(id) ?? { edge: { from, to, protocol, port }, client: null, server: null };
  const seen = role === 'client' ? total : mirrored(total);
  both[role] = add(both[role] ?? NO_EXCHANGE, seen);
  edges.set(id, both);
}

/**
 * What the other ends saw of somebody who did not see them: of a server by its port, of a client by its protocol, as it
 * may know another port. Each part of it explains one row only.
 */
class Told {
  /** As the client sees it. */
  readonly #left = new Map<string, Exchange>();

  constructor(edges: readonly Both[]) {
    for (const { edge, client, server } of edges) {
      const [asClient, asServer] = [client ?? NO_EXCHANGE, server ?? NO_EXCHANGE];
      this.#tell(clientId(edge.from, edge), without(asServer, asClient));
      this.#tell(serverId(edge.to, edge), without(asClient, asServer));
    }
  }

  /** The part of a vague row that nobody told. What explains the rest is used up. */
  explain(total: FlowTotal): Exchange {
    const isClient = total.role === 'client';
    const id = isClient ? clientId(ownId(total), total) : serverId(ownId(total), total);
    const left = this.#left.get(id);
    if (!left) return total;
    const seen = isClient ? total : mirrored(total);
    this.#left.set(id, without(left, seen));
    const rest = without(seen, left);
    return isClient ? rest : mirrored(rest);
  }

  #tell(id: string, more: Exchange): void {
    this.#left.set(id, add(this.#left.get(id) ?? NO_EXCHANGE, more));
  }
}

type Spoken = Pick<MapEdge, 'protocol' | 'port'>;
const clientId = (node: string, { protocol }: Spoken): string => `client ${protocol} ${node}`;
const serverId = (node: string, { protocol, port }: Spoken): string => `server ${protocol} ${port} ${node}`;

/** `down`: no connection could be opened. From what is most wrong to what is well. */
export const HEALTH = ['down', 'failing', 'well'] as const;
export type EdgeHealth = (typeof HEALTH)[number];

/** How the connections of an edge fare. */
export function edgeHealth({ connections, failures }: MapEdge): EdgeHealth {
  if (failures === 0) return 'well';
  return connections === 0 ? 'down' : 'failing';
}

/** What fails is what one looks for, and moves the least: it comes first. All else by what it moved. */
export function edgesInOrder(edges: readonly MapEdge[]): MapEdge[] {
  const rank = (edge: MapEdge): number => HEALTH.indexOf(edgeHealth(edge));
  return edges.toSorted((a, b) => rank(a) - rank(b) || b.failures - a.failures || bytesOf(b) - bytesOf(a));
}

const bytesOf = (edge: MapEdge): number => edge.sentBytes + edge.receivedBytes;
