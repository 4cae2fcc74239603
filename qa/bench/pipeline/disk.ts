/**
 * What SQLite takes on disk for a container and a day: the simulated fleet of `npm run quality` through a day, of which
 * one minute in twelve is stored. The rest is as much again, for whole minutes are all that sums per minute are made of.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SCHEMA } from '../../../app/wire.ts';
import { formatSize } from '../../../core/config/units.ts';
import type { ConnectionRow } from '../../../core/traffic/connection.ts';
import { compareFlows, type Flow, NO_EXCHANGE } from '../../../core/traffic/flow.ts';
import type { Frame, Window } from '../../../core/traffic/frame.ts';
import { TIERS, type Tier, type TierName } from '../../../core/traffic/rollup.ts';
import type { ContainerInput } from '../../../detector/contract.ts';
import { SqliteStore } from '../../../store/sqlite/store.ts';
import { temporaryFolder } from '../../../test/parts/process.ts';
import { fleet } from '../../quality/simulator/fleet.ts';
import { Random } from '../../quality/simulator/random.ts';
import { EPOCH, ServiceRun } from '../../quality/simulator/run.ts';
import { FRAME_S } from '../../quality/simulator/sources.ts';
import { type BenchTable, median, spread } from '../measure.ts';

const ROUNDS = 3;
const HOST = 'host';
const DAY_MS = 86_400_000;
const FRAME_MS = FRAME_S * 1000;
const FRAMES_A_DAY = DAY_MS / FRAME_MS;
const FRAMES_A_MINUTE = 60 / FRAME_S;
/** One minute in so many is stored. */
const EVERY = 12;
/** Whom each container talks to in a frame; with half of them over connections that it opens. */
const PEERS = 4;

/** Bytes of the pages of one table, its keys included. */
type Sizes = Readonly<Record<string, number>>;

const PARTS = [
  { name: 'windows', tables: ['container_traffic', 'host_frames'] },
  { name: `flows, of ${PEERS} peers each`, tables: ['container_flows'] },
  { name: `connections, of ${PEERS / 2} peers each`, tables: ['container_connections'] },
] as const;

/** Bytes on disk for a container and a day, and how large that is against the same frames as lines of JSON. */
export async function diskBench(): Promise<BenchTable[]> {
  const days: Day[] = [];
  for (let seed = 1; seed <= ROUNDS; seed++) days.push(await storedDay(seed));
  const { raw, minute, hour } = SCHEMA.parse({}).store.retention;
  const row = (name: string, bytes: (day: Day) => number) => {
    const ratios = days.map(day => bytes(day) / day.json);
    const value = formatSize(Math.round(median(days.map(bytes))));
    return { name, value, ratio: median(ratios).toFixed(2), spread: spread(ratios) };
  };
  const captured = ({ sizes }: Day) =>
    PARTS.flatMap(({ tables }) => tables).reduce((sum, table) => sum + (sizes[table] ?? 0), 0);
  const total = (day: Day) => (captured(day) * raw + day.minuteSums * minute + day.hourSums * hour) / DAY_MS;
  return [
    {
      title: 'SQLite, for each container and day, against the same frames as JSON',
      rows: [
        ...PARTS.map(({ name, tables }) =>
          row(name, ({ sizes }) => tables.reduce((sum, table) => sum + (sizes[table] ?? 0), 0)),
        ),
        row('all as captured', captured),
        row('sums per minute', ({ minuteSums }) => minuteSums),
        row('sums per hour', ({ hourSums }) => hourSums),
        row('each container, all that is kept by default', total),
      ],
    },
  ];
}

/** All per container and day, bytes. */
interface Day {
  readonly json: number;
  readonly sizes: Sizes;
  readonly minuteSums: number;
  readonly hourSums: number;
}

async function storedDay(seed: number): Promise<Day> {
  const folder = temporaryFolder();
  const file = join(folder.path, 'day.db');
  const store = new SqliteStore(file);
  try {
    await store.open();
    const empty = sizesOf(file);
    let json = 0;
    let containers = 0;
    for (const frames of minutesOf(seed)) {
      await store.writeFrames(frames);
      json += frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0);
      containers = frames[0]?.containers.length ?? 0;
    }
    const grown = difference(sizesOf(file), empty);
    await store.rollUp(HOST, { from: EPOCH, to: EPOCH + DAY_MS });
    const sums = tierBytes(file, difference(sizesOf(file), empty));
    const each = (bytes: number) => bytes / containers;
    return {
      json: each(json * EVERY),
      sizes: Object.fromEntries(Object.entries(grown).map(([name, bytes]) => [name, each(bytes * EVERY)])),
      minuteSums: each(sums.minute * EVERY),
      hourSums: each(sums.hour),
    };
  } finally {
    await store.close();
    folder.remove();
  }
}

/** The frames of every twelfth minute of a day. */
function* minutesOf(seed: number): Generator<Frame[]> {
  const random = new Random(seed);
  const runs = fleet(random).map(service => new ServiceRun(service, random.fork()));
  let previous: number | null = null;
  let minute: Frame[] = [];
  for (let n = 0; n < FRAMES_A_DAY; n++) {
    const inputs = runs.flatMap(run => run.next());
    if (Math.floor(n / FRAMES_A_MINUTE) % EVERY !== 0) continue;
    const frame = frameOf(EPOCH + n * FRAME_MS, previous, inputs);
    previous = frame.start;
    minute.push(frame);
    if (minute.length < FRAMES_A_MINUTE) continue;
    yield minute;
    minute = [];
  }
}

function frameOf(start: number, previous: number | null, inputs: readonly ContainerInput[]): Frame {
  const byName = inputs.toSorted((a, b) => (a.container.name < b.container.name ? -1 : 1));
  const busy = byName.filter(({ send, receive }) => send !== undefined || receive !== undefined);
  return {
    ...{ host: HOST, start, durationMs: FRAME_MS, previous, faults: [], lost: 0, occupancy: 0.1 },
    containers: byName.map(({ container }) => container),
    started: [],
    ended: [],
    windows: byName.flatMap(({ send, receive }) => [send, receive].filter(window => window !== undefined)),
    flows: busy.flatMap(flowsOf).toSorted(compareFlows),
    connections: busy.flatMap(connectionsOf),
  };
}

const peers = Array.from({ length: PEERS }, (_, i) => i);

/** Its windows in equal parts: to each peer as the client of another port. */
function flowsOf({ container, send, receive }: ContainerInput): Flow[] {
  const part = (window: Window | undefined, of: 'messages' | 'bytes', i: number) =>
    Math.floor(((window?.[of] ?? 0) + i) / PEERS);
  return peers.map(i => ({
    ...NO_EXCHANGE,
    ...{ container: container.name, protocol: 'tcp', role: 'client', peerKind: 'container' },
    ...{ peer: `peer-${i}`, port: 8000 + i, address: `10.0.0.${i + 1}`, connections: i % 2 },
    sentMessages: part(send, 'messages', i),
    sentBytes: part(send, 'bytes', i),
    receivedMessages: part(receive, 'messages', i),
    receivedBytes: part(receive, 'bytes', i),
  }));
}

function connectionsOf({ container, start }: ContainerInput): ConnectionRow[] {
  return peers
    .filter(i => i % 2 === 1)
    .map(i => ({
      ...{ container: container.name, kind: 'opened', own: '10.0.0.100', peer: `10.0.0.${i + 1}` },
      ...{ port: 8000 + i, clientPort: 32_768 + ((start / FRAME_MS) % 28_000), count: 1 },
    }));
}

function sizesOf(file: string): Sizes {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = db.prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name').all();
    return Object.fromEntries(rows.map(({ name, bytes }) => [String(name), Number(bytes)]));
  } finally {
    db.close();
  }
}

const difference = (after: Sizes, before: Sizes): Sizes =>
  Object.fromEntries(Object.entries(after).map(([name, bytes]) => [name, bytes - (before[name] ?? 0)]));

/** Both tiers are in the same tables, whose bytes are theirs as the lengths of their rows are. */
function tierBytes(file: string, sizes: Sizes): Record<TierName, number> {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const all = (sizes.traffic_rollups ?? 0) + (sizes.host_rollups ?? 0);
    const rows = db.prepare(TIER_LENGTHS).all();
    const length = rows.reduce((sum, row) => sum + Number(row.length), 0);
    const of = ({ stepMs }: Tier) => Number(rows.find(row => row.step_ms === stepMs)?.length ?? 0);
    const [minute, hour] = TIERS.map(tier => (all * of(tier)) / length);
    return { minute: minute ?? 0, hour: hour ?? 0 };
  } finally {
    db.close();
  }
}

/** 40 bytes: the numbers of a row. */
const TIER_LENGTHS = `
  SELECT step_ms, sum(length(send_sizes) + length(receive_sizes) + 40) AS length FROM traffic_rollups GROUP BY step_ms`;
