import type { MapEdge, ServiceMap } from '../core/traffic/service-map.ts';

export interface NewEdges {
  readonly edges: readonly MapEdge[];
  /** Containers of the map with edges of which nobody can say whether they are new: some peers were counted together. */
  readonly partly: number;
}

/** Edges of a map that were not in one of the time before. */
export function newEdges(map: ServiceMap, before: ServiceMap): NewEdges {
  const known = new Set(before.edges.map(keyOf));
  const partly = new Set(
    before.edges.flatMap(({ from, to }) => (from === OTHER ? to : to === OTHER ? from : [])),
  );
  const unseen = map.edges.filter(edge => !known.has(keyOf(edge)));
  const isTold = ({ from, to }: MapEdge): boolean =>
    ![from, to].some(end => end === OTHER || partly.has(end));
  const left = unseen.filter(edge => !isTold(edge)).flatMap(({ from, to }) => [from, to]);
  return { edges: unseen.filter(isTold), partly: new Set(left.filter(end => partly.has(end))).size };
}

/** Id of the node of peers that were counted together. */
const OTHER = 'other';

const keyOf = ({ from, to, protocol, port }: MapEdge): string => JSON.stringify([from, to, protocol, port]);
