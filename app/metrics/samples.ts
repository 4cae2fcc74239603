import type { Clock } from '../../core/clock.ts';
import type { Metric, Sample } from '../../http/contract.ts';
import type { Queue } from '../../queue/contract.ts';
import type { MaintenanceStatus } from '../../worker/maintenance.ts';
import type { WorkerStatus } from '../../worker/worker.ts';
import type { BackendStartup } from '../backend-startup.ts';
import type { Collector } from '../collector-process.ts';
import type { LearningWatch } from '../watch/learning-watch.ts';
import type { RuleWatch } from '../watch/rule-watch.ts';

/** What this process runs; a role that has not started (yet) or that it does not play is null. */
export interface Watched {
  readonly collector: () => Collector | null;
  readonly worker: () => WorkerStatus | null;
  readonly maintenance: () => MaintenanceStatus | null;
  readonly rules: () => Pick<RuleWatch, 'matches' | 'names'> | null;
  readonly learning: () => Pick<LearningWatch, 'counts' | 'until'> | null;
  readonly queue: Pick<Queue, 'depth'>;
  readonly startup: Pick<BackendStartup, 'unreached'>;
  readonly clock: Clock;
}

/** Makes a metric of its name, its help, what reads it, and the names of its labels. */
const metricOf =
  (type: Metric['type']) =>
  (name: string, help: string, read: Metric['read'], labels: readonly string[] = []): Metric => ({
    ...{ name, help, type, labels, read },
  });

export const counter = metricOf('counter');
export const gauge = metricOf('gauge');
export const histogram = metricOf('histogram');

/** A single value, or none when it is not known. */
export const one = (value: number | null | undefined): Sample[] =>
  value === null || value === undefined ? [] : [{ value }];

/** A value per label. */
export const each = <K extends string>(label: string, values: Iterable<readonly [K, number]>): Sample[] =>
  [...values].map(([name, value]) => ({ labels: { [label]: name }, value }));

/** Milliseconds as seconds, or none. */
export const seconds = (ms: number | null | undefined): Sample[] =>
  one(typeof ms === 'number' ? ms / 1000 : ms);
