import { type HostOutput, stepOver } from '../../../alert/host.ts';
import type { HostState } from '../../../alert/host-state.ts';
import { makeFold, makeStore, SCHEMA } from '../../../app/wire.ts';
import type { Config } from '../../../core/config/config.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { bucketStart, RollupBuilder, TIERS, type Tier } from '../../../core/traffic/rollup.ts';
import { NOTHING_RAISED } from '../../../detector/fold/marks.ts';
import { FlowTotals, withinCap } from '../../../store/flow.ts';
import {
  annotationLine,
  detectionLine,
  expectedLine,
  flowCountLine,
  flowLines,
  flowTotalLines,
  frameLine,
  trafficLines,
} from '../../../store/influx/client/line.ts';
import { rollupLine, trafficSumLines } from '../../../store/influx/rollups.ts';
import { NO_LOG } from '../../lab/install.ts';

/**
 * A history in InfluxDB as collectors and detectors leave it, but for one thing: windows and flows that no panel reads, because it
 * takes the sums of that range from a tier, are left out. They would be most of what is to be written.
 */

/** Lines of one write. */
const BATCH = 5000;

/**
 * `frames` as those of each of the hosts, which all do the same: what counts here is how many rows there are. `rowsFrom`:
 * windows and flows are written from then on, epoch ms. `database` is made, with its tiers.
 */
export async function writeHistory(
  url: string,
  { database, rowsFrom, hosts }: HistoryOptions,
  frames: Iterable<Frame>,
): Promise<void> {
  const config = SCHEMA.parse({ store: { kind: 'influx', influx: { url, database } } });
  const store = makeStore(config, NO_LOG);
  await store.open();
  await store.close();
  const lines = new Lines(url, database);
  const judge = new Judge(config);
  const sums = hosts.flatMap(host => TIERS.map(tier => new Sums(host, tier)));
  for (const frame of frames) {
    const { detections, expected, annotations } = judge.judged(frame);
    for (const host of hosts) {
      const own = { ...frame, host };
      if (frame.start >= rowsFrom) await lines.add([...trafficLines(own), ...flowLines(own)]);
      await lines.add([frameLine(own)]);
      await lines.add(detections.map(detection => detectionLine({ ...detection, host })));
      await lines.add(expected.map(row => expectedLine({ ...row, host })));
      await lines.add(annotations.map(one => annotationLine({ ...one, id: `${host} ${one.id}`, host })));
    }
    for (const sum of sums) await lines.add(sum.linesWith(frame), sum.tier.name);
  }
  for (const sum of sums) await lines.add(sum.lines(), sum.tier.name);
  await lines.flush();
}

interface HistoryOptions {
  readonly database: string;
  readonly rowsFrom: number;
  readonly hosts: readonly string[];
}

/** Lines on their way to a database, by the retention policy that they go to; '': the default one. */
class Lines {
  readonly #url: string;
  readonly #database: string;
  readonly #waiting = new Map<string, string[]>();

  constructor(url: string, database: string) {
    this.#url = url;
    this.#database = database;
  }

  async add(lines: readonly string[], policy = ''): Promise<void> {
    const waiting = [...(this.#waiting.get(policy) ?? []), ...lines];
    this.#waiting.set(policy, waiting);
    if (waiting.length >= BATCH) await this.#send(policy);
  }

  async flush(): Promise<void> {
    for (const policy of [...this.#waiting.keys()]) await this.#send(policy);
  }

  async #send(policy: string): Promise<void> {
    const body = (this.#waiting.get(policy) ?? []).join('\n');
    this.#waiting.delete(policy);
    const query = new URLSearchParams({ db: this.#database, precision: 'ms', ...(policy && { rp: policy }) });
    const response = await fetch(`${this.#url}/write?${query}`, { method: 'POST', body });
    if (!response.ok) throw new Error(`${this.#url}/write: ${response.status} ${await response.text()}`);
  }
}

/** The buckets of a host's tier, one after the other. */
class Sums {
  readonly tier: Tier;
  readonly #host: string;
  #start = Number.NaN;
  #sum: RollupBuilder | null = null;
  #flows = new FlowTotals();
  #frames = 0;

  constructor(host: string, tier: Tier) {
    this.#host = host;
    this.tier = tier;
  }

  /** Adds a frame; the bucket before it, where it is the first of the next. */
  linesWith(frame: Frame): string[] {
    const start = bucketStart(frame.start, this.tier.stepMs);
    const lines = start === this.#start ? [] : this.lines();
    if (start !== this.#start) {
      this.#sum = new RollupBuilder(this.#host, start);
      this.#flows = new FlowTotals();
      this.#frames = 0;
    }
    this.#start = start;
    this.#sum?.addFrame(frame);
    const services = new Map(frame.containers.map(({ name, service }) => [name, service]));
    for (const flow of frame.flows)
      this.#flows.add({ ...flow, service: services.get(flow.container) ?? flow.container });
    this.#frames++;
    return lines;
  }

  /** The bucket as it is now. */
  lines(): string[] {
    const rollup = this.#sum?.build();
    if (!rollup) return [];
    return [
      ...trafficSumLines(rollup),
      rollupLine(rollup),
      ...flowTotalLines(this.#host, this.#start, withinCap(this.#flows.list())),
      flowCountLine(this.#host, this.#start, this.#frames),
    ];
  }
}

/** What the default rules find. */
class Judge {
  readonly #fold: ReturnType<typeof makeFold>;
  #state: HostState;

  constructor(config: Config) {
    this.#fold = makeFold(config);
    this.#state = this.#fold.init();
  }

  judged(frame: Frame): Pick<HostOutput, 'detections' | 'expected' | 'annotations'> {
    const step = stepOver(this.#fold, this.#state, frame, NOTHING_RAISED, error => {
      throw error;
    });
    if (!step) throw new Error(`frames are not in order: ${frame.start}`);
    this.#state = step.state;
    return step;
  }
}
