import { join } from 'node:path';
import { createHostFold, type HostFold } from '../alert/host.ts';
import { createPipeline } from '../alert/pipeline.ts';
import { createInhibition } from '../alert/policy/inhibit.ts';
import { createRouter } from '../alert/policy/router.ts';
import type { Clock } from '../core/clock.ts';
import { type Config, configSchema } from '../core/config/config.ts';
import type { Confirmation } from '../core/config/options.ts';
import { UsageError } from '../core/errors.ts';
import type { Severity } from '../core/incident/incident.ts';
import type { Log } from '../core/log.ts';
import { createFold } from '../detector/fold/fold.ts';
import { createExpected, createNormals, type NormalsOf } from '../detector/fold/normal.ts';
import { DEFAULT_LIMITS } from '../detector/fold/subjects.ts';
import { DEFAULT_RULES, DETECTORS } from '../detector/index.ts';
import type { Observe } from '../http/contract.ts';
import { timed } from '../http/timed.ts';
import type { DeliveryResult, Receiver } from '../notify/contract.ts';
import { beat } from '../notify/heartbeat.ts';
import { createReceivers, NOTIFIERS } from '../notify/index.ts';
import { payloadOf, payloadSchema } from '../notify/payload.ts';
import { messageIn, TEMPLATES } from '../notify/shared/template.ts';
import type { Queue } from '../queue/contract.ts';
import { createQueue } from '../queue/index.ts';
import type { State } from '../state/contract.ts';
import { type FileLock, lockFile, lockHolder } from '../state/sqlite/lock.ts';
import type { Store } from '../store/contract.ts';
import type { Policy } from '../worker/deliveries/deliver.ts';
import { BACKENDS, BackendStartup } from './backend-startup.ts';
import { filesOf, makeState, makeStore, type Shared } from './wire-data.ts';

/** Knows implementations, with wire-data.ts and nobody else: joins the tables and assembles what a configuration names. */

/** The one schema of tidegauge.yaml. */
export const SCHEMA = configSchema(DETECTORS, NOTIFIERS, DEFAULT_RULES);

/** The tables, what a webhook carries, and what templates may name, for the reference documentation. */
export {
  DEFAULT_RULES as RULES,
  DETECTORS as DETECTOR_ROWS,
  filesOf,
  makeState,
  makeStore,
  messageIn as exampleMessage,
  NOTIFIERS as NOTIFIER_ROWS,
  payloadOf,
  payloadSchema,
  TEMPLATES,
};

export const makeQueue = (config: Config, clock: Clock, log: Log, shared: Shared = {}): Promise<Queue> =>
  createQueue(config, { clock, log, ...shared });
/** The lock of a data directory: one collector each. */
export const lockData = (data: string): FileLock | null => lockFile(join(data, 'collector.lock'));
/** The process that has it, where it can be seen. */
export const dataHolder = (data: string): number | null => lockHolder(join(data, 'collector.lock'));
/** One sign of life to the service outside. */
export const makeBeat =
  ({ heartbeat }: Config, clock: Clock) =>
  (signal: AbortSignal): Promise<DeliveryResult> =>
    beat(heartbeat.url, { signal, timeoutMs: heartbeat.timeout, clock });
/** `page`: what messages link to; empty: nothing. */
export const makeReceivers = (config: Config, clock: Clock, page = config.http.external_url): Receiver[] =>
  createReceivers(config.receivers, clock, page);

/** By rule, what the user said of its findings. */
export const severitiesOf = ({ detectors }: Config): Record<string, Severity> =>
  Object.fromEntries(detectors.flatMap(({ name, severity }) => (severity ? [[name, severity]] : [])));

/** By rule, how many alarms it takes before it fires. */
const confirmationsOf = ({ detectors }: Config): Record<string, Confirmation> =>
  Object.fromEntries(detectors.flatMap(({ name, confirm }) => (confirm ? [[name, confirm]] : [])));

/** The one fold of workers, replay and review. `detections` false: without the rows that only workers write. */
export function makeFold(config: Config, { detections = true } = {}): HostFold {
  const fold = createFold({ rules: config.detectors, detectors: DETECTORS, limits: DEFAULT_LIMITS });
  return createHostFold({
    fold,
    pipeline: createPipeline({
      alert: config.alert,
      receivers: config.receivers.map(receiver => receiver.name),
      severities: severitiesOf(config),
      confirmations: confirmationsOf(config),
      detections,
    }),
    ...(detections && { expectedIn: createExpected(config.detectors, DETECTORS) }),
  });
}

/** What the rules have learnt, by the state of that fold. */
export const makeNormals = ({ detectors }: Config): NormalsOf => createNormals(detectors, DETECTORS);

/** Who is told of which incident, and how: what the process that delivers needs to know. */
export function makePolicy({ alert, receivers }: Config): Policy {
  return {
    router: createRouter(
      alert,
      receivers.map(({ name }) => name),
    ),
    inhibitorOf: alert.inhibit.length > 0 ? createInhibition(alert.inhibit) : null,
  };
}

/** Told how long each write to the store, and each publication, took. */
export type Observers = Readonly<Record<'store' | 'queue', Observe>>;

/** Everything outside of this process. */
export interface Backends {
  readonly store: Store;
  readonly queue: Queue;
  readonly state: State;
  readonly fold: HostFold;
  readonly receivers: readonly Receiver[];
  readonly policy: Policy;
  /** Which of store, queue and state are open and checked; the others must not be used yet. */
  readonly startup: BackendStartup;
  close(): Promise<void>;
}

/**
 * Store, queue and state, each tried once; those that are away are tried again in the background. Throws when one can
 * never be used as configured, or when the state records another number of lanes; what was opened is closed then.
 * `page`: as in `makeReceivers`.
 */
export async function startBackends(
  config: Config,
  clock: Clock,
  log: Log,
  { observe, page }: { readonly observe?: Observers; readonly page?: string } = {},
): Promise<Backends> {
  const shared = { warned: new Set<string>() };
  const plain = { store: makeStore(config, log), queue: await makeQueue(config, clock, log, shared) };
  const { store, queue } = observe ? timedBackends(plain, clock, observe) : plain;
  const state = makeState(config, clock, log, shared);
  const close = async () => {
    await Promise.allSettled([queue.close(), state.close(), store.close()]);
  };
  const openings = {
    store: async () => {
      const { product, location } = await store.open();
      return `${product}, ${location}`;
    },
    queue: () => queue.open(),
    state: async () => {
      const description = await state.open();
      requireLanes(await state.agreeOnLanes(queue.lanes), queue.lanes);
      return description;
    },
  };
  try {
    const startup = await BackendStartup.begin(openings, { clock, log });
    return {
      store,
      queue,
      state,
      fold: makeFold(config),
      receivers: makeReceivers(config, clock, page),
      policy: makePolicy(config),
      startup,
      async close() {
        startup.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Store and queue that tell how long each write took. */
const timedBackends = (
  { store, queue }: Pick<Backends, 'store' | 'queue'>,
  clock: Clock,
  observe: Observers,
): Pick<Backends, 'store' | 'queue'> => ({
  store: timed(
    store,
    {
      ...{ writeFrames: 'frames', writeDetections: 'detections' },
      ...{ writeExpected: 'expected', writeAnnotations: 'annotations' },
    },
    { clock, observe: observe.store },
  ),
  queue: timed(queue, { publish: 'publish' }, { clock, observe: observe.queue }),
});

/** The same when all of them are needed at once: throws also when one is away. */
export async function openBackends(config: Config, clock: Clock, log: Log): Promise<Backends> {
  const backends = await startBackends(config, clock, log);
  try {
    for (const name of BACKENDS) backends.startup.require(name);
    return backends;
  } catch (error) {
    await backends.close();
    throw error;
  }
}

/**
 * Throws a UsageError when another number of lanes was recorded at first use: frames would go to lanes where no worker
 * looks for their host. `recorded`: null before that.
 */
export function requireLanes(recorded: number | null, lanes: number): void {
  if (recorded === null || recorded === lanes) return;
  const problem = {
    place: 'queue.lanes',
    expected: `${recorded}, the number recorded at first use`,
    found: String(lanes),
    remedy: `Set queue.lanes to ${recorded} in every process.`,
  };
  throw new UsageError(problem);
}

/** The configuration of a demonstration: short intervals, everything in one throw-away directory; the same receivers. */
export function demoConfig(config: Config, data: string): Config {
  const rule = {
    use: 'rolling-zscore',
    match: { kind: 'any', container: '*shop-*' },
    warm_up: '20s',
    for: '2s',
  };
  const settings = SCHEMA.parse({
    host: config.host,
    data,
    capture: { interval: '1s', bpftrace: config.capture.bpftrace, docker: config.capture.docker },
    detectors: [
      { ...rule, name: 'bytes', metric: 'bytes' },
      { ...rule, name: 'messages', metric: 'messages' },
    ],
    alert: { resolve_after: '10s' },
    http: { listen: 'off' },
    log: { level: 'warn' },
  });
  return { ...settings, receivers: config.receivers };
}
