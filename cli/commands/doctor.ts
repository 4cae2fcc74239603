import { randomUUID } from 'node:crypto';
import { BACKENDS, type BackendName } from '../../app/backend-startup.ts';
import { ensureDataFolder } from '../../app/process-context.ts';
import { becomeCollector } from '../../app/rights.ts';
import { checkAccess } from '../../app/user-access.ts';
import { makeQueue, makeState, makeStore, requireLanes } from '../../app/wire.ts';
import { checkCgroupTree, checkDocker, checkMachine } from '../../collector/capture/preflight.ts';
import type { User } from '../../collector/privsep/user.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError, printable, TidegaugeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { addCommand, addHook, addUser, type Register, setCaptureAction } from '../command.ts';
import type { CommonFlags, Context } from '../context.ts';
import { using } from '../open-data.ts';
import { receiverLines } from '../receiver-checks.ts';

interface DoctorFlags extends CommonFlags {
  /** Send a test message to every receiver. */
  readonly notify?: boolean;
}

interface Line {
  readonly ok: boolean;
  readonly name: string;
  readonly found: string;
  readonly remedy: string;
  /** False: good to have; its absence does not fail the doctor. */
  readonly required: boolean;
}

/** What is tried as that user has to wait for one. */
const UNTRIED: Line = {
  ok: false,
  name: 'all else',
  found: 'not tried: Docker, store, queue, state and receivers are, once that user can run it',
  remedy: '',
  required: false,
};

export const registerDoctor: Register = (program, signal) => {
  const command = addCommand(
    program,
    'doctor',
    'check this machine, the configuration and everything it points to; say what to do',
  );
  addUser(addHook(command)).option('--notify', 'send a test message to every receiver');
  setCaptureAction(command, signal, doctor, { ends: 'at once' });
};

/**
 * Everything that a run needs, each with what was found and what to do. What a run does as `collector.user` is tried
 * as that user, or not at all when this process cannot become that user. Exit code 1 when something is missing.
 */
async function doctor(context: Context, flags: DoctorFlags): Promise<number> {
  const { config, clock } = context;
  const lines: Line[] = await within(clock, 'machine', () => checkMachine(config.capture));
  const ofUser = await within(clock, 'user', () => userLines(config));
  lines.push(...ofUser);
  lines.push(...(ofUser.every(({ ok }) => ok) ? await otherLines(context, flags) : [UNTRIED]));
  const width = Math.max(...lines.map(line => line.name.length));
  for (const line of lines) {
    const mark = line.ok ? 'ok  ' : line.required ? 'FAIL' : 'warn';
    context.out.write(`${mark}  ${line.name.padEnd(width)}  ${printable(line.found, 300)}\n`);
    if (!line.ok && line.remedy) context.out.write(`      ${' '.repeat(width)}  -> ${line.remedy}\n`);
  }
  endSoon();
  return lines.every(line => line.ok || !line.required) ? 0 : 1;
}

async function otherLines(context: Context, flags: DoctorFlags): Promise<Line[]> {
  const { config, clock } = context;
  // Store and state may be files in it.
  const data = await within(clock, 'data directory', async () => [await dataLine(context)]);
  const warnings = new Set<string>();
  const lines = await Promise.all([
    within(clock, 'cgroups', async () => [await checkCgroupTree()]),
    within(clock, 'Docker', async () => [await checkDocker(config.capture, clock)]),
    data,
    ...BACKENDS.map(name =>
      within(clock, name, async () => {
        const said = new Set<string>();
        const line = await attempt(name, () => tryBackend(name, context, collecting(said)));
        // One that is away has nothing else to say.
        if (line.ok) for (const warning of said) warnings.add(warning);
        return [line];
      }),
    ),
    within(clock, 'receivers', () => receiverLines(context, flags.notify === true)),
  ]);
  const settings = { ok: false, name: 'settings', remedy: '', required: false };
  const idle = [...warnings, ...context.unusedSettings].map(found => ({ ...settings, found }));
  return [...lines.flat(), ...idle];
}

/** Longest wait for one part, ms: most give up sooner, and say more. */
const PART_MS = 20_000;

/** What a part says, or that it said nothing in time. */
async function within(clock: Clock, name: string, part: () => Promise<Line[]>): Promise<Line[]> {
  const done = new AbortController();
  const late: Line = {
    ok: false,
    name,
    found: `not done within ${PART_MS / 1000} s`,
    remedy: 'Something that it asks takes connections and does not answer: see what, and start it again.',
    required: true,
  };
  const limit = clock.sleep(PART_MS, done.signal).then(() => [late]);
  return Promise.race([part(), limit]).finally(() => done.abort());
}

/** What hangs must not keep the process; `unref`: nothing does, mostly. */
function endSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** For what was written to be read, ms. */
const LINGER_MS = 1000;

/** From here on this process is the configured user, so that everything else is tried as that one. */
async function userLines(config: Context['config']): Promise<Line[]> {
  if (config.collector.user === '') return [];
  let user: User | null = null;
  const line = await attempt('user', async () => {
    const divided = await becomeCollector(config);
    if (divided === null) return `${config.collector.user}, if it is started as root`;
    user = divided.user;
    await divided.helper.close();
    const { capabilities } = divided.helper;
    return `${user.name}, without any right of root; the privileged helper has ${capabilities.join(', ')}`;
  });
  return user === null ? [line] : [line, ...checkAccess(config, user)];
}

async function dataLine(context: Context): Promise<Line> {
  return attempt('data directory', async () => {
    ensureDataFolder(context.config);
    return context.config.data;
  });
}

/** Each backend is opened as a run does it, and closed again, alone: one that hangs or fails says so for itself. */
async function tryBackend(name: BackendName, { config, clock }: Context, log: Log): Promise<string> {
  switch (name) {
    case 'store':
      return using(makeStore(config, log), async store => {
        const { product, location } = await store.open();
        await tryWriting(store, clock);
        return `${product}, ${location}`;
      });
    case 'queue':
      return using(makeQueue(config, clock, log), async queue => {
        const description = await queue.open();
        await queue.tryWriting();
        return description;
      });
    case 'state':
      return using(makeState(config, clock, log), async state => {
        const description = await state.open();
        requireLanes(await state.lanes(), config.queue.lanes);
        await tryLease(state);
        return description;
      });
  }
}

/** A claim, given up as it is written, to the name of no host: the one row that another one replaces, and nobody shows. */
async function tryWriting({ claims }: Store, clock: Clock): Promise<void> {
  const text = 'tidegauge doctor';
  const now = clock.now();
  await claims?.write({ host: text, instance: text, run: text, machine: text, since: now, renewed: -now });
}

/** A lease that no run needs, taken and given back. Two doctors at once: the other one tries it. */
async function tryLease(state: State): Promise<void> {
  const lease = await state.acquire('doctor', randomUUID(), PART_MS);
  if (lease) await state.release(lease);
}

/** What a backend would only write into the log: such as a Redis that may forget what it is told. */
function collecting(warnings: Set<string>): Log {
  const keep = (first: unknown, second?: unknown) => {
    warnings.add(String(typeof first === 'string' ? first : second));
  };
  const ignore = () => undefined;
  return { debug: ignore, info: ignore, warn: keep, error: keep };
}

async function attempt(name: string, action: () => Promise<string>): Promise<Line> {
  try {
    return { ok: true, name, found: await action(), remedy: '', required: true };
  } catch (error) {
    const remedy = error instanceof TidegaugeError ? error.problem.remedy : '';
    const found =
      error instanceof TidegaugeError
        ? [error.problem.place, error.problem.found].filter(text => text !== '').join(': ')
        : describeError(error);
    return { ok: false, name, found, remedy, required: true };
  }
}
