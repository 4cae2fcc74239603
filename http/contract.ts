/** One value of a metric, with the labels that tell it from the others. Label values are untrusted text. */
export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a histogram, which of its series this is. */
  readonly part?: '_bucket' | '_sum' | '_count';
}

/**
 * A number that a status object holds, under the name by which Prometheus knows it: `tidegauge_…`, base units
 * (seconds, bytes), counters end in `_total`. It is read when it is asked for; nothing is counted here.
 */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Names of the labels; empty for a single value. */
  readonly labels: readonly string[];
  /** No sample: the value is not known (yet), and the metric is left out. Must not throw or reject. */
  readonly read: () => readonly Sample[] | Promise<readonly Sample[]>;
}

/** Something without which the process does not do its work, such as the store. */
export interface Check {
  readonly name: string;
  /** Why it is not ready, one line, or null when it is. Must not throw. */
  readonly failing: () => string | null;
}

/** Told how long an exchange took, whether it succeeded or not. */
export type Observe = (operation: string, outcome: 'ok' | 'error', seconds: number) => void;
