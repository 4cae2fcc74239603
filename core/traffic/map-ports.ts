import { EXCHANGE_KEYS } from './flow.ts';
import type { MapEdge } from './service-map.ts';

/** Edges as lines of a list: many ports between two are one. */

/** An edge, or the sum of several that differ in their port alone. */
export interface PortsEdge {
  readonly edge: MapEdge;
  /** Ascending. One: that of the edge, or 0. */
  readonly ports: readonly number[];
}

/** Ports that are named; up to so many have a line each. */
const NAMED = 4;

/**
 * Edges between the same two of one protocol become one when they are more than can be named, in the place of the first.
 * `isFolded`: of which edges this is asked; the others stay as they are.
 */
export function foldPorts(
  ordered: readonly MapEdge[],
  isFolded: (edge: MapEdge) => boolean = () => true,
): PortsEdge[] {
  const groups = Map.groupBy(ordered, edge =>
    isFolded(edge) ? JSON.stringify([edge.from, edge.to, edge.protocol]) : edge,
  );
  return [...groups.values()].flatMap(same =>
    same.length > NAMED
      ? [{ edge: summed(same), ports: same.map(({ port }) => port).sort((a, b) => a - b) }]
      : same.map(edge => ({ edge, ports: [edge.port] })),
  );
}

function summed([first, ...others]: readonly MapEdge[]): MapEdge {
  const sum = { ...first } as { -readonly [K in keyof MapEdge]: MapEdge[K] };
  for (const edge of others) for (const key of EXCHANGE_KEYS) sum[key] += edge[key];
  return sum;
}

/** `40 ports (22, 80, 443, 8080 and 36 more)` of several; null: of one. */
export function portsText(ports: readonly number[]): string | null {
  if (ports.length === 1) return null;
  return `${ports.length} ports (${ports.slice(0, NAMED).join(', ')} and ${ports.length - NAMED} more)`;
}
