import {
  type ConnectionKind,
  type ConnectionRow,
  compareConnections,
} from '../../core/traffic/connection.ts';
import type { CgroupId, ClientPort, EndCount } from '../contract.ts';
import { OTHER } from '../identity/naming.ts';
import type { MapSnapshot } from './map-snapshot.ts';

/** Most rows of a frame and of a container, besides one for each container and kind of connection. */
export interface ConnectionLimits {
  readonly frame: number;
  readonly container: number;
}

/** The TCP connections of a frame, and how many were aggregated into rows without addresses. */
export interface ConnectionRows {
  readonly rows: readonly ConnectionRow[];
  readonly aggregated: number;
}

type Open = { -readonly [K in keyof ConnectionRow]: ConnectionRow[K] };

/**
 * ConnectionRows by their ends: of each container those with the highest counts, each kind in turn, so that a few that fail
 * are seen among many that do not. When there are too many, every container has its first before any has its second.
 * The rest, and what the kernel counted without ends, is in the row without addresses. `names`: of cgroups; any other
 * cgroup is `other`.
 */
export function connectionRows(
  { ends, clients, connections }: Pick<MapSnapshot, 'ends' | 'clients' | 'connections'>,
  names: ReadonlyMap<CgroupId, string>,
  limits: ConnectionLimits,
): ConnectionRows {
  const nameOf = ({ cgroup }: { readonly cgroup: CgroupId }): string => names.get(cgroup) ?? OTHER.name;
  const sums = new Sums();
  for (const end of ends) sums.add({ ...keyOf(nameOf(end), end), clientPort: 0, count: end.count });
  for (const client of clients) sums.meet(keyOf(nameOf(client), client), client.clientPort);
  const rest = new Sums();
  for (const total of connections) rest.add(aggregatedRow(nameOf(total), total.kind, total.count));
  const kept = heaviest(sums.rows, limits);
  for (const { container, kind, count } of kept) rest.add(aggregatedRow(container, kind, -count));
  const aggregated = rest.rows.filter(row => row.count > 0);
  return {
    rows: [...kept, ...aggregated].sort(compareConnections),
    aggregated: aggregated.reduce((sum, row) => sum + row.count, 0),
  };
}

function heaviest(rows: readonly Open[], limits: ConnectionLimits): Open[] {
  const addressed = rows.filter(({ own, peer }) => own !== '' || peer !== '').sort(heavierFirst);
  const byContainer = [...Map.groupBy(addressed, row => row.container).values()];
  const kept = byContainer.flatMap(list => inTurn(list, row => row.kind).slice(0, limits.container));
  return kept.length > limits.frame ? inTurn(kept, row => row.container).slice(0, limits.frame) : kept;
}

const heavierFirst = (a: Open, b: Open): number => b.count - a.count || compareConnections(a, b);

/** The first row of every group, then the second of every one, and so on; each time the heavier first. */
function inTurn(rows: readonly Open[], groupOf: (row: Open) => string): Open[] {
  const groups = [...Map.groupBy(rows, groupOf).values()];
  const ranked = groups.flatMap(list => list.map((row, rank) => ({ row, rank })));
  return ranked.sort((a, b) => a.rank - b.rank || heavierFirst(a.row, b.row)).map(({ row }) => row);
}

type Key = Omit<ConnectionRow, 'clientPort' | 'count'>;

const keyOf = (container: string, { kind, own, peer, port }: EndCount | ClientPort): Key => {
  return { container, kind, own: own ?? '', peer: peer ?? '', port };
};

const aggregatedRow = (container: string, kind: ConnectionKind, count: number): Open => {
  return { container, kind, own: '', peer: '', port: 0, clientPort: 0, count };
};

/** Rows with their counts added up. */
class Sums {
  readonly #rows = new Map<string, Open>();

  get rows(): Open[] {
    return [...this.#rows.values()];
  }

  add(row: Open): void {
    const id = idOf(row);
    const known = this.#rows.get(id);
    if (known) known.count += row.count;
    else this.#rows.set(id, row);
  }

  /** The client's port of one of the connections of a row; later ones replace it. */
  meet(key: Key, clientPort: number): void {
    const known = this.#rows.get(idOf(key));
    if (known) known.clientPort = clientPort;
  }
}

/** The name may hold any characters, so it comes last. */
const idOf = ({ container, kind, own, peer, port }: Key): string =>
  `${kind} ${port} ${own} ${peer} ${container}`;
