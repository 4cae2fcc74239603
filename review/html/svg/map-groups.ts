import { EXCHANGE_KEYS } from '../../../core/traffic/flow.ts';
import type { MapEdge, MapNode, ServiceMap } from '../../../core/traffic/service-map.ts';

type Sum = { -readonly [K in keyof MapEdge]: MapEdge[K] };

/**
 * A map as it is drawn: replicas of a service are one node, called after it and their number, and who is no container is
 * one node as a caller and another as who is called, as these are seldom the same machines. What replicas say to each
 * other is left out.
 */
export function groupMap({ nodes, edges }: ServiceMap): ServiceMap {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const members = new Map<string, Set<string>>();
  const drawn = new Map<string, MapNode>();
  const place = (id: string, side: 'from' | 'to'): string | null => {
    const node = byId.get(id);
    if (!node) return null;
    const key =
      node.kind !== 'container' ? `${side} ${id}` : node.service === '' ? id : `service ${node.service}`;
    drawn.set(key, { ...node, id: key });
    members.set(key, (members.get(key) ?? new Set()).add(id));
    return key;
  };
  const sums = new Map<string, Sum>();
  for (const edge of edges) {
    const [from, to] = [place(edge.from, 'from'), place(edge.to, 'to')];
    if (from === null || to === null || from === to) continue;
    const key = JSON.stringify([from, to, edge.protocol, edge.port]);
    const sum = sums.get(key);
    if (sum) for (const count of EXCHANGE_KEYS) sum[count] += edge[count];
    else sums.set(key, { ...edge, from, to });
  }
  return {
    nodes: [...drawn.values()].map(node => {
      const count = members.get(node.id)?.size ?? 1;
      return count > 1 ? { ...node, name: `${count} × ${node.service}` } : node;
    }),
    edges: [...sums.values()],
  };
}
