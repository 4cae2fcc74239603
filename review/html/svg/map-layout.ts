import type { MapEdge, MapNode, ServiceMap } from '../../../core/traffic/service-map.ts';

/** Where the nodes of a map are: clients to the left of their servers. */
export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly { readonly edge: MapEdge; readonly from: PlacedNode; readonly to: PlacedNode }[];
}

export interface PlacedNode {
  readonly node: MapNode;
  /** Upper left corner, px. */
  readonly x: number;
  readonly y: number;
}

/** Size of a node and distance of their corners, px. */
export const NODE = { width: 168, height: 28 } as const;
const STEP = { x: NODE.width + 80, y: NODE.height + 12 } as const;
const MARGIN = 8;
/** Passes that order the nodes of each layer by their neighbours. */
const SWEEPS = 4;

/**
 * A layered drawing (Sugiyama, 1981): who calls comes before whom it calls, edges that would close a circle aside; nodes
 * of a layer are in the order of the middle of their neighbours. The same map gives the same drawing.
 */
export function layoutMap({ nodes, edges }: ServiceMap): MapLayout {
  const layers = layersOf(nodes, edges);
  const columns = [...Map.groupBy(nodes, ({ id }) => layers.get(id) ?? 0)]
    .sort(([a], [b]) => a - b)
    .map(([, column]) => column);
  const neighbours = neighboursOf(edges);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(columns, neighbours);
  const rows = Math.max(0, ...columns.map(({ length }) => length));
  const placed = new Map<string, PlacedNode>();
  for (const [c, column] of columns.entries()) {
    const top = ((rows - column.length) * STEP.y) / 2;
    for (const [r, node] of column.entries())
      placed.set(node.id, { node, x: MARGIN + c * STEP.x, y: MARGIN + top + r * STEP.y });
  }
  return {
    width: 2 * MARGIN + Math.max(0, columns.length - 1) * STEP.x + NODE.width,
    height: 2 * MARGIN + Math.max(0, rows - 1) * STEP.y + NODE.height,
    nodes: [...placed.values()],
    edges: edges.flatMap(edge => {
      const [from, to] = [placed.get(edge.from), placed.get(edge.to)];
      return from && to ? [{ edge, from, to }] : [];
    }),
  };
}

/** The longest way to each node from one that nobody calls, without the edges that close circles. */
function layersOf(nodes: readonly MapNode[], edges: readonly MapEdge[]): Map<string, number> {
  const callees = Map.groupBy(edges, ({ from }) => from);
  const called = new Set(edges.flatMap(({ from, to }) => (from === to ? [] : [to])));
  const layers = new Map<string, number>();
  const onWay = new Set<string>();
  const visit = (id: string, layer: number): void => {
    if (onWay.has(id) || (layers.get(id) ?? -1) >= layer) return;
    layers.set(id, layer);
    onWay.add(id);
    for (const { to } of callees.get(id) ?? []) visit(to, layer + 1);
    onWay.delete(id);
  };
  for (const { id } of nodes) if (!called.has(id)) visit(id, 0);
  for (const { id } of nodes) if (!layers.has(id)) visit(id, 0);
  return layers;
}

function neighboursOf(edges: readonly MapEdge[]): Map<string, string[]> {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  return neighbours;
}

function order(columns: MapNode[][], neighbours: ReadonlyMap<string, readonly string[]>): void {
  const place = new Map<string, number>();
  for (const column of columns)
    for (const [r, { id }] of column.entries()) place.set(id, r - (column.length - 1) / 2);
  for (const column of columns) {
    const middle = (id: string): number => {
      const places = (neighbours.get(id) ?? []).map(other => place.get(other) ?? 0);
      return places.length === 0 ? (place.get(id) ?? 0) : places.reduce((a, b) => a + b) / places.length;
    };
    const middles = new Map(column.map(({ id }) => [id, middle(id)]));
    column.sort((a, b) => (middles.get(a.id) ?? 0) - (middles.get(b.id) ?? 0));
    for (const [r, { id }] of column.entries()) place.set(id, r - (column.length - 1) / 2);
  }
}
