import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, makeState, makeStore, SCHEMA } from '../../app/wire.ts';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { Silence } from '../../core/incident/silence.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';
import { Random } from '../../test/data/random.ts';
import { startInflux } from '../../test/parts/influx.ts';
import { silentLog } from '../../test/parts/kernel/capture.ts';
import { type Child, temporaryFolder, until } from '../../test/parts/process.ts';
import { startRedis } from '../../test/parts/redis/server.ts';
import { tidegauge, writeConfig } from '../../test/parts/tidegauge.ts';
import { type Actor, startActor } from './actor.ts';
import { ForgetfulRedis } from './forgetful.ts';
import { type Host, madeHost, realHost } from './host.ts';
import { Bpftrace, LockedFile, type Part, Program, Server, type Tell } from './part.ts';
import { isEmbedded, type Kind, partsOf } from './plan.ts';
import { type ChaosReceiver, Refusing, startReceiver } from './receiver.ts';
import { FLOOR, LIMIT, SILENCED } from './traffic.ts';

/** Of a round, epoch ms. Set once more when all hosts have begun. */
export interface Times {
  /** Disturbances begin. */
  start: number;
  /** Traffic is quiet from here on. */
  quietFrom: number;
  /** There is none from here on. */
  until: number;
}

export interface Options {
  readonly kind: Kind;
  readonly seed: number;
  readonly times: Times;
  /** Make the mistake that must be found. */
  readonly broken: boolean;
}

/** All programs of one round, in a throw-away folder. */
export interface Installation {
  readonly parts: ReadonlyMap<string, Part>;
  readonly receiver: ChaosReceiver;
  /** Whether Redis has forgotten its last second: which incidents went out as one message, too. */
  hasForgotten(): boolean;
  readonly config: Config;
  /** In force from before the first frame until after the last. */
  readonly silence: Silence;
  /** To look into; the store is to be opened. */
  readonly store: Store;
  readonly state: State;
  /** The newest of what each program has written. */
  outputs(): string;
  /** Resolves when every host has closed a frame: of one that has not, there would be nothing to compare. */
  firstFrames(): Promise<void>;
  /** Tell the hosts whose frames are made when traffic ends. */
  setTimes(times: Times): void;
  /** Where frames are captured for real: no more of them. */
  endCapture(): Promise<void>;
  /** Frames that were closed, by host. */
  closed(): Promise<Map<string, string[]>>;
  stop(): Promise<void>;
}

/** Longest that all hosts may take to begin, ms: a busy machine needs its time. */
const FIRST_FRAMES_MS = 180_000;

export async function install(options: Options, tell: Tell): Promise<Installation> {
  const { kind, seed, times } = options;
  const folder = temporaryFolder();
  const timesFile = join(folder.path, 'times.json');
  const receiver = await startReceiver(new Random(seed + 1));
  const servers = isEmbedded(kind) ? {} : { redis: await startRedis(), influx: await startInflux() };
  const actor = kind === 'real' ? await startActor(seed, times) : null;
  const common = { ...COMMON, ...embeddedOrNot(servers), ...rulesFor(receiver.url, actor ?? MADE) };
  const redis = servers.redis ? new ForgetfulRedis(tell, servers.redis) : null;
  const hosts = new Map<string, Host>();
  const programs: Program[] = [];
  const parts = new Map<string, Part>();

  const home = (name: string): string => {
    const path = join(folder.path, name);
    mkdirSync(path);
    return writeConfig(path, { ...common, host: name, data: join(path, 'data') });
  };
  const program = (name: string, spawn: () => Child): Program => {
    const made = new Program(name, tell, spawn);
    programs.push(made);
    return made;
  };
  const host = (name: string): Program => {
    const flags = [...(isEmbedded(kind) ? ['--embedded'] : []), ...(options.broken ? ['--break'] : [])];
    const made =
      kind === 'real' ? realHost(home(name)) : madeHost(home(name), { seed, times: timesFile, flags });
    hosts.set(name, made);
    return program(name, () => made.spawn());
  };

  const configOf = (name: string) => SCHEMA.parse({ ...common, data: join(folder.path, name, 'data') });
  const partOf = (name: string): Part => {
    if (name === 'redis' && redis) return redis;
    if (name === 'influx' && servers.influx) return new Server(name, tell, servers.influx);
    if (name === 'receiver') return new Refusing(tell, receiver);
    if (name === 'bpftrace') return new Bpftrace(tell, programs[0] as Program);
    if (name === 'file') return new LockedFile('store.db', tell, filesOf(configOf('run-0')).store ?? '');
    if (!name.startsWith('detect')) return host(name);
    const cwd = home(name);
    return program(name, () => tidegauge(['detect'], { cwd }));
  };
  for (const name of partsOf(kind)) parts.set(name, partOf(name));
  const config = configOf(programs[0]?.name ?? '');
  const store = makeStore(config, silentLog);
  const state = makeState(config, systemClock, silentLog);
  const stop = async () => {
    await Promise.all(programs.map(each => each.end('SIGKILL')));
    redis?.stop();
    await Promise.all([state.close(), store.close(), actor?.stop()]);
    await Promise.all([receiver.stop(), servers.redis?.stop(), servers.influx?.stop()]);
    folder.remove();
  };
  await save(silence, state, config);
  for (const each of programs) await each.begin();
  const closed = async () => {
    const all = new Map<string, string[]>();
    for (const [name, each] of hosts) all.set(name, await each.closed());
    return all;
  };
  return {
    parts,
    receiver,
    hasForgotten: () => redis?.forgot ?? false,
    config,
    silence,
    store,
    state,
    outputs: () => programs.map(({ name, output }) => `--- ${name}\n${output.slice(-4000)}`).join('\n'),
    async endCapture() {
      if (kind === 'real') await programs[0]?.end('SIGTERM');
    },
    async firstFrames() {
      const areThere = async () => [...(await closed()).values()].every(frames => frames.length > 0);
      await until('the first frames', areThere, FIRST_FRAMES_MS);
    },
    setTimes(times) {
      // Renamed, so that nobody reads the half of it.
      writeFileSync(`${timesFile}.new`, JSON.stringify(times));
      renameSync(`${timesFile}.new`, timesFile);
    },
    closed,
    stop,
  };
}

/** In the year 9999. */
const LAST_MS = 253_000_000_000_000;

const silence: Silence = {
  id: '00000001',
  match: { host: '*', service: '*', container: SILENCED },
  from: 0,
  until: LAST_MS,
  owner: 'chaos',
  reason: 'not to be told',
};

/** As `tidegauge silence add` would. */
async function save(silence: Silence, state: State, config: Config): Promise<void> {
  mkdirSync(config.data, { recursive: true });
  await state.open();
  await state.saveSilence(silence, systemClock.now());
}

/** Of made traffic, in which silence is alarming too. */
const MADE = { container: '*', limit: LIMIT, floor: FLOOR };

const COMMON = {
  capture: { interval: '500ms', docker: 'off' },
  http: { listen: 'off' },
  alert: { resolve_after: '1s', reopen_within: '500ms', group_wait: '300ms', group_interval: '1s' },
};

function embeddedOrNot({ redis, influx }: { redis?: { url: string }; influx?: { url: string } }) {
  const state = { lease: '2s', checkpoint: '1s' };
  if (!redis || !influx) return { state };
  return {
    store: { kind: 'influx', influx: { url: influx.url, timeout: '2s' } },
    queue: { kind: 'bullmq' },
    redis: { url: redis.url },
    state: { kind: 'redis', ...state },
  };
}

/** What the rules of a round look at. */
interface Judged extends Pick<Actor, 'container' | 'limit'> {
  /** Below this rate a rule alarms. */
  readonly floor?: string;
}

function rulesFor(url: string, { container, limit, floor }: Judged) {
  const rule = {
    use: 'threshold',
    metric: 'bytes',
    direction: 'send',
    for: '0s',
    match: { kind: 'any', container },
  };
  return {
    detectors: [
      { ...rule, name: 'limit', above: limit },
      ...(floor === undefined ? [] : [{ ...rule, name: 'silence', below: floor }]),
    ],
    receivers: [{ use: 'webhook', name: 'hook', url }],
  };
}
