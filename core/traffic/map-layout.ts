import { type DrawnEdge, type DrawnMap, type DrawnNode, groupMap } from './map-groups.ts';
import type { ServiceMap } from './service-map.ts';

/** A drawing of a map, px: clients to the left of their servers. */
export interface MapDrawing {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  /** What there was no room for. */
  readonly left: { readonly nodes: number; readonly edges: number };
}

export interface PlacedNode extends DrawnNode {
  /** Upper left corner. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge extends DrawnEdge {
  /** The line, as an SVG path from the client to the server. */
  readonly path: string;
  /** The arrow at its end, the same. */
  readonly head: string;
}

/** Size of a node and distance of their corners, px. */
export const NODE = { width: 168, height: 28 } as const;
const STEP = { x: NODE.width + 80, y: NODE.height + 12 } as const;
const MARGIN = 8;
/** Distance of lines between the same two. */
const LINE = 8;
/** Passes that order the nodes of each layer by their neighbours. */
const SWEEPS = 4;
/** What is drawn at most: more of it nobody can read. */
const MOST = { nodes: 40, edges: 80 } as const;

/** Who talked to whom as a drawing: the edges that matter most, what fails first. The same map gives the same drawing. */
export function drawMap(map: ServiceMap): MapDrawing {
  const groups = groupMap(map);
  const part = partOf(groups);
  const nodes = placed(part);
  const byId = new Map(nodes.map(node => [node.id, node]));
  const columns = Math.max(0, ...nodes.map(({ x }) => x + NODE.width));
  const rows = Math.max(0, ...nodes.map(({ y }) => y + NODE.height));
  return {
    width: columns + MARGIN,
    height: rows + MARGIN,
    nodes,
    edges: linesOf(part.edges, byId),
    left: {
      nodes: groups.nodes.length - part.nodes.length,
      edges: groups.edges.length - part.edges.length,
    },
  };
}

/** The first edges, until there are too many nodes; then those between these nodes. */
function partOf({ nodes, edges }: DrawnMap): DrawnMap {
  const kept = new Set<string>();
  for (const { from, to } of edges.slice(0, MOST.edges))
    if (kept.size + 2 <= MOST.nodes || (kept.has(from) && kept.has(to))) kept.add(from).add(to);
  return {
    nodes: nodes.filter(({ id }) => kept.has(id)),
    edges: edges.filter(({ from, to }) => kept.has(from) && kept.has(to)).slice(0, MOST.edges),
  };
}

/**
 * A layered drawing (Sugiyama, 1981): who calls comes before whom it calls, edges that would close a circle aside; nodes
 * of a layer are in the order of the middle of their neighbours.
 */
function placed({ nodes, edges }: DrawnMap): PlacedNode[] {
  const layers = layersOf(nodes, edges);
  const columns = [...Map.groupBy(nodes, ({ id }) => layers.get(id) ?? 0)]
    .sort(([a], [b]) => a - b)
    .map(([, column]) => column);
  const neighbours = neighboursOf(edges);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(columns, neighbours);
  const rows = Math.max(0, ...columns.map(({ length }) => length));
  return columns.flatMap((column, c) => {
    const top = ((rows - column.length) * STEP.y) / 2;
    return column.map((node, r) => ({ ...node, x: MARGIN + c * STEP.x, y: MARGIN + top + r * STEP.y }));
  });
}

function linesOf(edges: readonly DrawnEdge[], byId: ReadonlyMap<string, PlacedNode>): PlacedEdge[] {
  const pairs = Map.groupBy(edges, ({ from, to }) => JSON.stringify([from, to]));
  return edges.flatMap(edge => {
    const [from, to] = [byId.get(edge.from), byId.get(edge.to)];
    const beside = pairs.get(JSON.stringify([edge.from, edge.to])) ?? [];
    const shift = (beside.indexOf(edge) - (beside.length - 1) / 2) * LINE;
    return from && to ? [{ ...edge, ...lineOf(from, to, shift) }] : [];
  });
}

/** From the right side of the one to the left side of the other. */
function lineOf(from: PlacedNode, to: PlacedNode, shift: number): Omit<PlacedEdge, keyof DrawnEdge> {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2 + shift];
  const [x2, y2] = [to.x, to.y + NODE.height / 2 + shift];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  const head = `M${x2 - 7} ${y2 - 4}L${x2} ${y2}L${x2 - 7} ${y2 + 4}Z`;
  return { path, head };
}

/** The longest way to each node from one that nobody calls, without the edges that close circles. */
function layersOf(nodes: readonly DrawnNode[], edges: readonly DrawnEdge[]): Map<string, number> {
  const callees = Map.groupBy(edges, ({ from }) => from);
  const called = new Set(edges.map(({ to }) => to));
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

function neighboursOf(edges: readonly DrawnEdge[]): Map<string, string[]> {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  return neighbours;
}

function order(columns: readonly DrawnNode[][], neighbours: ReadonlyMap<string, readonly string[]>): void {
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
