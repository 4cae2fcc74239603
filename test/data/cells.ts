import { TrafficColumns } from '../../collector/decode/columns.ts';
import { BUCKETS, type Sizes } from '../../core/traffic/histogram.ts';

/** What a map says of a cgroup. */
export interface CgroupTraffic {
  readonly cgroup: string;
  readonly bytes: number;
  /** In any order, a bucket possibly several times. */
  readonly sizes: Sizes;
}

/** The cells of a map that says this. */
export function cellsOf(traffic: readonly CgroupTraffic[]): TrafficColumns {
  const cells = new TrafficColumns();
  for (const { cgroup, bytes, sizes } of traffic) {
    const id = BigInt(cgroup);
    const row = cells.rowOf(Number(id >> 32n), Number(id & 0xffff_ffffn));
    cells.addBytes(row, bytes);
    for (const [bound, messages] of sizes) cells.add(row, BUCKETS.indexOf(bound), messages);
  }
  return cells;
}

/** What is in the cells, by cgroup in the order in which they were read. */
export function trafficIn(cells: TrafficColumns | null): CgroupTraffic[] {
  if (!cells) return [];
  const { bytes, row, bucket, messages, size } = cells;
  return bytes.map((sum, of) => {
    const [high = 0, low = 0] = idIn(cells, of);
    const own = Array.from({ length: size }, (_, cell) => cell).filter(cell => row[cell] === of);
    const sizes = own.map(cell => [BUCKETS[bucket[cell] ?? 0] ?? 0, messages[cell] ?? 0] as const);
    return { cgroup: String((BigInt(high) << 32n) + BigInt(low)), bytes: sum, sizes };
  });
}

function idIn(cells: TrafficColumns, row: number): Uint32Array {
  const id = new Uint32Array(2);
  cells.cgroup(row, id);
  return id;
}
