import type { Unpacked } from '../bpf/packing.ts';
import type { CgroupId, CgroupTraffic } from './contract.ts';

const isCgroup = (text: string): boolean => /^\d{1,20}$/.test(text);

/** Cells of a packed map, gathered by cgroup. */
export class TrafficSums {
  /** Cells so far. */
  entries = 0;
  readonly #byCgroup = new Map<
    CgroupId,
    { readonly cgroup: CgroupId; bytes: number; readonly sizes: [bound: number, count: number][] }
  >();

  get traffic(): readonly CgroupTraffic[] {
    return [...this.#byCgroup.values()];
  }

  /** False when the text is no cgroup's id. */
  add(cgroup: string, { bound, messages, bytes }: Unpacked): boolean {
    let traffic = this.#byCgroup.get(cgroup);
    if (!traffic) {
      if (!isCgroup(cgroup)) return false;
      traffic = { cgroup, bytes: 0, sizes: [] };
      this.#byCgroup.set(cgroup, traffic);
    }
    traffic.bytes += bytes;
    traffic.sizes.push([bound, messages]);
    this.entries++;
    return true;
  }
}
