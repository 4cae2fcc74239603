import type { ShipperStatus } from '../../collector/ship/contract.ts';
import { printable } from '../../core/errors.ts';
import type { Check, Metric } from '../../http/contract.ts';
import { BACKENDS, type BackendName } from '../backend-startup.ts';
import { VERSION } from '../version.ts';
import { captureRows, shipRows } from './collecting.ts';
import { containerRows } from './containers.ts';
import { maintenanceRows, workerRows } from './detecting.ts';
import { counter, each, gauge, one, type Watched } from './samples.ts';

/** What is measured as it happens, and not read from a status. */
export const LATENCIES = {
  store: { name: 'tidegauge_store_duration_seconds', help: 'Writes to the store, by what was written.' },
  queue: { name: 'tidegauge_queue_duration_seconds', help: 'Frames given to the queue.' },
} as const;

/** Every metric that is read from a status: one row each. docs/metrics.md is made of this table. */
export function metricsOf(watched: Watched): Metric[] {
  return [
    captureRows,
    containerRows,
    shipRows,
    workerRows,
    maintenanceRows,
    startupRows,
    processRows,
  ].flatMap(of => of(watched));
}

/** Of a process that neither captures nor detects. */
export const idleMetricsOf = (watched: Pick<Watched, 'startup'>): Metric[] => [
  ...startupRows(watched),
  ...processRows(),
];

function startupRows({ startup }: Pick<Watched, 'startup'>): Metric[] {
  return [
    gauge(
      'tidegauge_part_reached',
      '1 once this part was reached for the first time since the start; until all are, frames wait in the spool.',
      () => {
        const away = new Set(startup.unreached.map(({ name }) => name));
        return each(
          'part',
          BACKENDS.map(name => [name, Number(!away.has(name))] as const),
        );
      },
      ['part'],
    ),
  ];
}

function processRows(): Metric[] {
  return [
    gauge(
      'tidegauge_build_info',
      'Always 1; the version is a label.',
      () => [{ labels: { version: VERSION }, value: 1 }],
      ['version'],
    ),
    gauge('process_resident_memory_bytes', 'Resident memory of this process.', () =>
      one(process.memoryUsage.rss()),
    ),
    counter('process_cpu_seconds_total', 'User and system CPU time of this process.', () => {
      const { user, system } = process.cpuUsage();
      return one((user + system) / 1e6);
    }),
  ];
}

/** Without a frame for this many intervals, and at least this long, capture is not ready. */
const SILENT_INTERVALS = 4;
const SILENT_MS = 5000;

/** What `/readyz` asks, for the roles that this process plays. */
export function checksOf(
  watched: Pick<Watched, 'collector' | 'worker' | 'startup' | 'clock'>,
  roles: { readonly collect: boolean; readonly detect: boolean; readonly intervalMs: number },
): Check[] {
  const { collector, worker, startup, clock } = watched;
  const unreached = (part: BackendName) =>
    startup.unreached.find(({ name }) => name === part)?.reason ?? null;
  const shipper = (): ShipperStatus | undefined => collector()?.shipper.status();
  const silentMs = Math.max(roles.intervalMs * SILENT_INTERVALS, SILENT_MS);
  const captureFailing = () => {
    const newest = collector()?.stats.newest;
    if (!newest) return 'no frame yet';
    const age = clock.monotonic() - newest.came;
    return age > silentMs ? `no frame for ${Math.round(age / 1000)} s` : null;
  };
  const stateFailing = () => {
    const status = worker();
    return status ? status.stateDown : 'starting';
  };
  const storeFailing = () => shipper()?.storeDown ?? worker()?.storeDown ?? null;
  return [
    ...(roles.collect ? [{ name: 'capture', failing: captureFailing }] : []),
    { name: 'store', failing: () => unreached('store') ?? storeFailing() },
    { name: 'queue', failing: () => unreached('queue') ?? shipper()?.queueDown ?? null },
    ...(roles.detect ? [{ name: 'history', failing: () => historyText(worker()?.waitingHosts ?? []) }] : []),
    {
      name: 'state',
      failing: () => unreached('state') ?? shipper()?.stateDown ?? (roles.detect ? stateFailing() : null),
    },
  ];
}

/** Why hosts are not judged, or null. */
function historyText(hosts: readonly string[]): string | null {
  const [first, ...others] = hosts;
  if (first === undefined) return null;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return `detection on ${printable(first, 100)}${more} waits for history that is not in the store yet`;
}
