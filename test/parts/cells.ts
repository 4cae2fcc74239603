import { Cells } from '../../collector/cells.ts';
import { BUCKETS, type Sizes } from '../../core/histogram.ts';

/** What a map says of a cgroup. */
export interface CgroupTraffic {
  readonly cgroup: string;
  readonly bytes: number;
  /** In any order, a bucket possibly several times. */
  readonly sizes: Sizes;
}

/** The cells of a map that says this. */
export function cellsOf(traffic: readonly CgroupTraffic[]): Cells {
  const cells = new Cells();
  for (const { cgroup, bytes, sizes } of traffic) {
    const row = cells.rowOf(cgroup);
    cells.addBytes(row, bytes);
    for (const [bound, messages] of sizes) cells.add(row, BUCKETS.indexOf(bound), messages);
  }
  return cells;
}

/** What is in the cells, by cgroup in the order in which they were read. */
export function trafficIn(cells: Cells | null): CgroupTraffic[] {
  const { cgroups = [], bytes = [], row = [], bucket = [], messages = [], size = 0 } = cells ?? {};
  return cgroups.map((cgroup, of) => {
    const own = Array.from({ length: size }, (_, cell) => cell).filter(cell => row[cell] === of);
    const sizes = own.map(cell => [BUCKETS[bucket[cell] ?? 0] ?? 0, messages[cell] ?? 0] as const);
    return { cgroup, bytes: bytes[of] ?? 0, sizes };
  });
}
