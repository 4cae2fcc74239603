import { randomUUID } from 'node:crypto';
import type { Incident } from '../core/incident/incident.ts';
import { MaintenanceWindows } from '../core/incident/maintenance.ts';
import { Maintenance, type MaintenanceStatus } from '../worker/maintenance.ts';
import { Worker, type WorkerStatus } from '../worker/worker.ts';
import type { ProcessContext } from './process-context.ts';
import { Heartbeat } from './watch/heartbeat.ts';
import { LearningWatch } from './watch/learning-watch.ts';
import { RuleWatch } from './watch/rule-watch.ts';
import { type Backends, makeBeat } from './wire.ts';

/** Worker and maintenance of this process. */
export interface Detecting {
  /** Null before it has started. */
  worker(): WorkerStatus | null;
  maintenance(): MaintenanceStatus | null;
  readonly rules: RuleWatch;
  readonly learning: LearningWatch;
  /** Fold what is stored now, save, give the lanes back, as far as that can be had soon. */
  stop(): Promise<void>;
}

/** Start worker and maintenance as soon as store, queue and state were all reached. */
export function startDetecting(
  { config, clock, log }: ProcessContext,
  backends: Backends,
  onIncident: (incident: Incident) => void,
): Detecting {
  const owner = `${config.host}-${process.pid}-${randomUUID()}`;
  const { lease: leaseMs, checkpoint: checkpointMs } = config.state;
  const rules = new RuleWatch({ rules: config.detectors, clock, log });
  const learning = new LearningWatch(clock);
  const fold = learning.over(rules.over(backends.fold));
  const windows = new MaintenanceWindows(config.alert.maintenance, config.time_zone);
  let worker: Worker | null = null;
  let maintenance: Maintenance | null = null;
  void backends.startup.ready.then(() => {
    worker = Worker.start({
      ...{ ...backends, fold, clock, log, owner, leaseMs, checkpointMs, onIncident },
      silentAfterMs: config.alert.silent_after,
      windows: now => windows.at(now),
    });
    maintenance = new Maintenance({ ...backends, clock, log, owner, rawMs: config.store.retention.raw });
    maintenance.start();
  });
  const heartbeat = new Heartbeat({
    config: config.heartbeat,
    ...{ clock, log, worker: () => worker?.status() ?? null, beat: makeBeat(config, clock) },
  });
  heartbeat.start();
  return {
    worker: () => worker?.status() ?? null,
    maintenance: () => maintenance?.status() ?? null,
    rules,
    learning,
    async stop() {
      await Promise.all([heartbeat.stop(), maintenance?.stop(), worker?.stop()]);
    },
  };
}
