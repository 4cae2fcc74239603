import { Counter, Gauge, Histogram, type HistogramConfiguration, Registry } from 'prom-client';
import type { Metric, Observe } from './contract.ts';

export type { Registry };

/** Upper bounds of the latency buckets, seconds: from an embedded write to a time-out. */
const LATENCY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A registry of these metrics alone: nothing is shared through prom-client's own global one. */
export function createRegistry(metrics: readonly Metric[] = []): Registry {
  const registry = new Registry();
  addMetrics(registry, metrics);
  return registry;
}

export function addMetrics(registry: Registry, metrics: readonly Metric[]): void {
  for (const metric of metrics) register(registry, metric);
}

/** A histogram in the registry, and how to fill it. Labels: `operation` and `outcome`. */
export function latencyMetric(
  registry: Registry,
  { name, help }: { readonly name: string; readonly help: string },
): Observe {
  const histogram = new Histogram({
    name,
    help,
    labelNames: ['operation', 'outcome'],
    buckets: LATENCY_BOUNDS,
    registers: [registry],
  });
  return (operation, outcome, seconds) => histogram.observe({ operation, outcome }, seconds);
}

/** At each scrape the metric's values become those of its status object; labels that are gone are gone. */
function register(registry: Registry, { name, help, type, labels: labelNames, read }: Metric): void {
  const common = { name, help, labelNames: [...labelNames], registers: [registry] };
  if (type === 'histogram') {
    // prom-client keeps the name `le` to itself.
    new ReadHistogram({ ...common, labelNames: labelNames.filter(label => label !== 'le') }, read);
    return;
  }
  if (type === 'gauge') {
    new Gauge({
      ...common,
      async collect() {
        const samples = await read();
        empty(this, labelNames.length === 0);
        for (const { labels, value } of samples) this.set({ ...labels }, value);
      },
    });
    return;
  }
  new Counter({
    ...common,
    async collect() {
      const samples = await read();
      empty(this, labelNames.length === 0);
      for (const { labels, value } of samples) this.inc({ ...labels }, value);
    },
  });
}

/** A histogram that is counted elsewhere: at each scrape its series are those that `read` gives. */
class ReadHistogram extends Histogram {
  readonly #about: Pick<HistogramConfiguration<string>, 'name' | 'help'>;
  readonly #read: Metric['read'];

  constructor({ name, help, ...options }: HistogramConfiguration<string>, read: Metric['read']) {
    super({ name, help, ...options });
    this.#about = { name, help };
    this.#read = read;
  }

  /** What the registry makes text of (and its base `get`). */
  async getForPromString() {
    const { name, help } = this.#about;
    const values = (await this.#read()).map(({ labels = {}, value, part = '_bucket' }) => ({
      ...{ metricName: `${name}${part}`, labels: { ...labels }, value },
    }));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

/** A reset alone leaves a metric without labels at 0: unknown would look like none. */
function empty(metric: Gauge | Counter, isSingle: boolean): void {
  metric.reset();
  if (isSingle) metric.remove();
}
