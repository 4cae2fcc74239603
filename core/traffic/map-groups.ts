import { EXCHANGE_KEYS, type Exchange } from './flow.ts';
import { ROOT_CGROUP } from './frame.ts';
import {
  type EdgeHealth,
  edgeHealth,
  edgesInOrder,
  HEALTH,
  type MapEdge,
  type MapNode,
  type ServiceMap,
} from './service-map.ts';

/** A node of a drawing: a service with its replicas, a container, or all peers of one kind on one side. */
export interface DrawnNode extends MapNode {
  /** Containers that it stands for; of peers that are none 0. */
  readonly containers: number;
}

/** What two nodes exchanged, in one line for each state of health: a scan of a thousand ports is one. */
export interface DrawnEdge extends Exchange {
  readonly from: string;
  readonly to: string;
  readonly health: EdgeHealth;
  /** `tcp 5432`: those that matter most, `PORTS` of them at most. */
  readonly ports: readonly string[];
  /** Further ones. */
  readonly morePorts: number;
}

export interface DrawnMap {
  readonly nodes: readonly DrawnNode[];
  /** What fails first, then what moved most. */
  readonly edges: readonly DrawnEdge[];
}

/** Ports of an edge that are named. */
const PORTS = 4;

type Sum = { -readonly [K in keyof DrawnEdge]: DrawnEdge[K] } & { ports: string[] };

/**
 * A map as it is drawn: replicas of a service are one node, called after it and their number, and who is no container is
 * one node as a caller and another as who is called, as these are seldom the same machines. What replicas say to each
 * other, and the host to itself, is left out.
 */
export function groupMap({ nodes, edges }: ServiceMap): DrawnMap {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const members = new Map<string, Set<string>>();
  const drawn = new Map<string, MapNode>();
  const place = (node: MapNode, side: 'from' | 'to'): string => {
    const { id, kind, service } = node;
    const key = kind !== 'container' ? `${side} ${id}` : service === '' ? id : `service ${service}`;
    drawn.set(key, { ...node, id: key });
    members.set(key, (members.get(key) ?? new Set()).add(id));
    return key;
  };
  const sums = new Map<string, Sum>();
  for (const edge of edgesInOrder(edges)) {
    const [client, server] = [byId.get(edge.from), byId.get(edge.to)];
    if (!client || !server || (isHost(client) && isHost(server))) continue;
    if (isOneService(client, server)) continue;
    addEdge(sums, edge, place(client, 'from'), place(server, 'to'));
  }
  return {
    nodes: [...drawn.values()].map(node => nodeOf(node, members.get(node.id)?.size ?? 1)),
    edges: drawnInOrder([...sums.values()]),
  };
}

const isHost = ({ kind, name }: MapNode): boolean =>
  kind === 'host' || (kind === 'container' && name === ROOT_CGROUP);

const isOneService = (a: MapNode, b: MapNode): boolean =>
  a.id === b.id ||
  (a.kind === 'container' && b.kind === a.kind && a.service !== '' && a.service === b.service);

function addEdge(sums: Map<string, Sum>, edge: MapEdge, from: string, to: string): void {
  const health = edgeHealth(edge);
  const key = JSON.stringify([from, to, health]);
  const port = edge.port === 0 ? edge.protocol : `${edge.protocol} ${edge.port}`;
  const sum = sums.get(key);
  if (!sum) {
    const { protocol: _, port: _port, ...exchange } = edge;
    sums.set(key, { ...exchange, from, to, health, ports: [port], morePorts: 0 });
    return;
  }
  for (const count of EXCHANGE_KEYS) sum[count] += edge[count];
  if (sum.ports.includes(port)) return;
  if (sum.ports.length < PORTS) sum.ports.push(port);
  else sum.morePorts++;
}

const nodeOf = (node: MapNode, count: number): DrawnNode => ({
  ...node,
  containers: node.kind === 'container' ? count : 0,
  name: node.kind === 'container' && count > 1 ? `${count} × ${node.service}` : node.name,
});

const bytesOf = ({ sentBytes, receivedBytes }: Exchange): number => sentBytes + receivedBytes;

const drawnInOrder = (edges: readonly DrawnEdge[]): DrawnEdge[] =>
  edges.toSorted(
    (a, b) =>
      HEALTH.indexOf(a.health) - HEALTH.indexOf(b.health) ||
      b.failures - a.failures ||
      bytesOf(b) - bytesOf(a),
  );
