import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { Log } from '../../core/log.ts';
import type { LearntOf, Reasons } from '../../http/api/contract.ts';
import { asApiError } from '../../http/api/problem.ts';
import { OPERATIONS } from '../../http/api/resources/index.ts';
import { makeState, makeStore } from '../wire-data.ts';
import { type Asked, READY, type Told } from './thread-reader.ts';

/** The thread that reads for the API, on connections of its own: node:sqlite blocks whoever uses it. */

const config = workerData as Config;
/** What could be said of store and state, the process says of its own connections. */
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

const store = makeStore(config, log, { readOnly: true });
const state = makeState(config, systemClock, log, { readOnly: true });
// These need the detectors and the whole of wire.ts, and are seldom asked for.
let learnt: Promise<LearntOf> | null = null;
const learntOf: LearntOf = async (...whose) => {
  learnt ??= import('./learnt.ts').then(({ learntFrom }) => learntFrom(config, { state, store }));
  return (await learnt)(...whose);
};
let known: Promise<Reasons> | null = null;
const reasons = (): Promise<Reasons> => {
  known ??= import('./reasons.ts').then(({ reasonsFrom }) => reasonsFrom(config));
  return known;
};
let opened: Promise<void> | null = null;

/** Opens both at the first request, and again after it could not be done. */
function open(): Promise<void> {
  opened ??= Promise.all([store.open(), state.open()]).then(
    () => undefined,
    (error: unknown) => {
      opened = null;
      throw error;
    },
  );
  return opened;
}

async function answer({ n, id, input, now }: Asked): Promise<Told> {
  try {
    const operation = OPERATIONS.find(each => each.id === id);
    if (!operation) throw new Error(`no operation ${id}`);
    await open();
    const { value, next = null } = await operation.run(
      { store, state, learntOf, reasons, host: config.host, now },
      input,
    );
    return { n, json: JSON.stringify(value), next };
  } catch (error) {
    const { status, problem, cause } = asApiError(error);
    const stack = status === 500 && cause instanceof Error ? cause.stack : undefined;
    return { n, status, problem, stack };
  }
}

parentPort?.on('message', async (asked: Asked) => parentPort?.postMessage(await answer(asked)));
parentPort?.postMessage(READY);
// It is ended without a word, and what it has compiled would be lost.
flushCompileCache();
