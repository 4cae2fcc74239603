import {
  compareFlows,
  EXCHANGE_KEYS,
  type Exchange,
  type FlowKey,
  isNamed,
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
  /** The server's port, 0 where several were folded. */
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

/** Peers that the other end may know better: an unconnected socket, an address that many share. */
const isVague = (kind: PeerKind): boolean => kind === 'unknown' || kind === 'host';

/**
 * Who talked to whom. Both ends of an exchange are one edge, with the greater of what they saw: what one end could not
 * see (a datagram's sender) the other one did. Of vague rows only the part is shown that no edge explains.
 */
export function serviceMap(totals: readonly FlowTotal[]): ServiceMap {
  const ordered = [...totals].sort(compareFlows);
  const nodes = nodesOf(ordered);
  const edges = new Map<string, Both>();
  for (const total of ordered.filter(({ peerKind }) => !isVague(peerKind))) addEnd(edges, total);
  for (const total of ordered.filter(({ peerKind }) => isVague(peerKind))) {
    const rest = unexplained(total, [...edges.values()]);
    if (EXCHANGE_KEYS.some(key => rest[key] > 0)) addEnd(edges, { ...total, ...rest });
  }
  const merged = [...edges.values()].map(
    ({ edge, client, server }): MapEdge => ({
      ...edge,
      ...combine(client ?? NONE, server ?? NONE, Math.max),
    }),
  );
  const used = new Set(merged.flatMap(({ from, to }) => [from, to]));
  return { nodes: [...nodes.values()].filter(({ id }) => used.has(id)), edges: merged };
}

const NONE: Exchange = {
  sentMessages: 0,
  sentBytes: 0,
  receivedMessages: 0,
  receivedBytes: 0,
  connections: 0,
  failures: 0,
};

function combine(a: Exchange, b: Exchange, how: (x: number, y: number) => number): Numbers {
  const result: Numbers = { ...NONE };
  for (const key of EXCHANGE_KEYS) result[key] = how(a[key], b[key]);
  return result;
}

const add = (a: Exchange, b: Exchange): Numbers => combine(a, b, (x, y) => x + y);

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
  both[role] = add(both[role] ?? NONE, seen);
  edges.set(id, both);
}

/** The part of a vague row that the other ends do not tell: what they saw of us and we did not see of them. */
function unexplained(total: FlowTotal, edges: readonly Both[]): Exchange {
  const own = ownId(total);
  const ours = edges.filter(({ edge: { from, to, protocol, port } }) =>
    total.role === 'server'
      ? to === own && protocol === total.protocol && port === total.port
      : from === own && protocol === total.protocol,
  );
  const told = ours.reduce((sum, { client, server }) => {
    const [mine, theirs] = total.role === 'client' ? [client, server] : [server, client];
    return add(
      sum,
      combine(theirs ?? NONE, mine ?? NONE, (x, y) => Math.max(0, x - y)),
    );
  }, NONE as Numbers);
  const explained = total.role === 'client' ? told : mirrored(told);
  return combine(total, explained, (x, y) => Math.max(0, x - y));
}
