/**
 * What it costs from verdicts to people: verdicts through the stages of the owning lane; what is held against silences, by
 * their number; and how long it takes from a commit to the first message, beyond the wait for others of its group.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPipeline } from '../../../alert/pipeline.ts';
import { createRouter } from '../../../alert/policy/router.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Incident } from '../../../core/incident/incident.ts';
import { coverage, EVERYTHING, type Silence } from '../../../core/incident/silence.ts';
import type { Judged } from '../../../core/incident/verdict.ts';
import type { Log } from '../../../core/log.ts';
import type { Receiver, Told } from '../../../notify/contract.ts';
import type { State } from '../../../state/contract.ts';
import { createSqliteState } from '../../../state/sqlite/state.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { incidentOf, notificationOf } from '../../../test/data/incidents.ts';
import { Deliverer } from '../../../worker/deliveries/deliver.ts';
import { Holding } from '../../../worker/deliveries/holding.ts';
import { type BenchTable, inTurn, mapValues, median, spread } from '../measure.ts';

const ROUNDS = 5;
const LOG: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

/** Ratios of each thing to the first, by round. */
function againstFirst(numbers: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  const [first = []] = Object.values(numbers);
  return mapValues(numbers, all => all.map((one, i) => one / (first[i] ?? Number.NaN)));
}

function rowsOf(numbers: Readonly<Record<string, readonly number[]>>, format: (value: number) => string) {
  const ratios = againstFirst(numbers);
  return Object.entries(numbers).map(([name, all]) => ({
    ...{ name, value: format(median(all)) },
    ...{ ratio: median(ratios[name] ?? []).toFixed(2), spread: spread(ratios[name] ?? []) },
  }));
}

const CONTAINERS = 1000;
/** Rules that judge each container. */
const RULES = ['a', 'b', 'c', 'd'];

function verdictsOf(isAlarm: (n: number) => boolean): Judged[] {
  const evidence = { seen: 2e6, low: null, high: 1e6, unit: 'B/s', text: '2 MB/s, expected up to 1 MB/s' };
  return busyParts(CONTAINERS).containers.flatMap(({ name, service }, n) =>
    RULES.map(rule => ({
      ...{ kind: 'judged' as const, rule, evidence, score: isAlarm(n) ? 2 : 0.5 },
      scope: { container: name, service, direction: 'send' as const, metric: 'bytes' as const },
    })),
  );
}

/** Verdicts per second through the stages. */
async function stages(): Promise<BenchTable> {
  const alert = { resolve_after: 60_000, critical_score: 3 };
  const run = (verdicts: readonly Judged[]) => {
    const pipeline = createPipeline({ alert, receivers: ['chat'] });
    const parts = busyParts(CONTAINERS);
    let state = pipeline.init();
    let n = 0;
    return () => {
      const begun = performance.now();
      for (let i = 0; i < 20; i++)
        state = pipeline.step(state, { frame: frameOf('bench', n++, parts), verdicts }).state;
      return (20 * verdicts.length) / ((performance.now() - begun) / 1000);
    };
  };
  const numbers = await inTurn(ROUNDS, {
    'none of them an alarm': run(verdictsOf(() => false)),
    '1% of the containers alarm': run(verdictsOf(n => n % 100 === 0)),
    'all of them alarm': run(verdictsOf(() => true)),
  });
  return {
    title: `Verdicts through the stages on one core, ${CONTAINERS} containers and ${RULES.length} rules`,
    rows: rowsOf(numbers, value => `${Math.round(value).toLocaleString('en-US')}/s`),
  };
}

/** Of every ten silences nine name a container, and one is a pattern. */
const silencesOf = (count: number, now: number): Silence[] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ id: String(n).padStart(8, '0'), owner: 'bench', reason: '', from: 0, until: now + 3_600_000 + n },
    match: { ...EVERYTHING, container: n % 10 === 0 ? `job-${n}-*` : `c${n}` },
  }));

const incidentsOf = (count: number, now: number): Incident[] =>
  Array.from({ length: count }, (_, n) =>
    incidentOf(now + n, { container: `web-${n}`, host: `h${n % 100}` }),
  );

const OPEN = 10_000;

/** What one incident costs that is held against many silences. */
async function silences(): Promise<BenchTable> {
  const incidents = incidentsOf(OPEN, 0);
  const numbers = await inTurn(
    ROUNDS,
    Object.fromEntries(
      [10, 100, 1000].map(count => {
        const covering = coverage(silencesOf(count, 0));
        return [
          `${count} silences`,
          () => {
            const begun = performance.now();
            for (const incident of incidents) covering(incident, 1);
            return ((performance.now() - begun) * 1000) / OPEN;
          },
        ];
      }),
    ),
  );
  return {
    title: `Is it silenced? ${OPEN.toLocaleString('en-US')} open incidents, time for each`,
    rows: rowsOf(numbers, value => `${value.toFixed(2)} us`),
  };
}

/** A review of all that is held, every 5 s, by how much that is; SQLite. */
async function reviews(folder: string): Promise<BenchTable> {
  const now = systemClock.now();
  const things: Record<string, () => Promise<number>> = {};
  const opened: State[] = [];
  for (const count of [1000, OPEN]) {
    const state = createSqliteState({ file: join(folder, `${count}.db`), clock: systemClock });
    await state.open();
    opened.push(state);
    const lease = await state.acquire('policy', 'bench', 3_600_000);
    if (!lease) throw new Error('a free lease was refused');
    for (const one of silencesOf(999, now)) await state.saveSilence(one, now);
    const all = { ...EVERYTHING, container: 'web-*' };
    const [last] = silencesOf(1, now);
    if (last) await state.saveSilence({ ...last, id: 'ffffffff', match: all }, now);
    const incidents = incidentsOf(count, now);
    const notifications = incidents.map(one => notificationOf(one, 'chat'));
    await state.commit(lease, { incidents, notifications });
    const held = { status: 'held' as const, attempts: 0, nextAttempt: 0, lastError: 'silenced' };
    await state.updateDeliveries(
      lease,
      notifications.map(({ key }) => ({ key, outcome: held })),
    );
    const holding = new Holding({ state, inhibitorOf: null, windows: () => [] });
    things[`${count.toLocaleString('en-US')} held`] = async () => {
      const begun = performance.now();
      await holding.review(lease, systemClock.now());
      return performance.now() - begun;
    };
  }
  const numbers = await inTurn(ROUNDS, things);
  for (const state of opened) await state.close();
  return {
    title: 'A review of what is held, 1,000 silences, every 5 s; SQLite',
    rows: rowsOf(numbers, value => `${Math.round(value)} ms`),
  };
}

/** Hosts of ten containers each, which fire one after the other. */
const HOSTS = CONTAINERS / 10;
const WAIT_MS = 500;
/** From one host to the next, ms. */
const PACE_MS = 50;

/** From the commit that an incident fires to the first message that tells it, less `group_wait`; SQLite. */
async function latency(folder: string): Promise<BenchTable> {
  const state = createSqliteState({ file: join(folder, 'latency.db'), clock: systemClock });
  await state.open();
  const [lane, policy] = [
    await state.acquire('lane-0', 'bench', 3_600_000),
    await state.acquire('policy', 'bench', 3_600_000),
  ];
  if (!lane || !policy) throw new Error('a free lease was refused');
  const fired = new Map<string, number>();
  const waits: number[] = [];
  const deliver = async (told: Told) => {
    for (const { incident } of [told, ...(told.others ?? [])])
      waits.push(performance.now() - (fired.get(incident.id) ?? 0) - WAIT_MS);
    return { kind: 'accepted' } as const;
  };
  const limits = { concurrency: 1, spacingMs: 0, giveUpMs: 3_600_000 };
  const receiver: Receiver = { name: 'chat', address: 'bench', limits, takesGroups: true, deliver };
  const times = { group_wait: WAIT_MS, group_interval: 10_000, repeat_interval: 0 };
  const deliverer = new Deliverer(policy, {
    ...{
      state,
      clock: systemClock,
      log: LOG,
      leaseMs: 3_600_000,
      unrecorded: new Map(),
      receivers: [receiver],
    },
    policy: {
      router: createRouter({ routes: [], group_by: ['host'], ...times }, ['chat']),
      inhibitorOf: null,
    },
  });
  deliverer.start();
  for (let host = 0; host < HOSTS; host++) {
    const incidents = Array.from({ length: 10 }, (_, n) =>
      incidentOf(systemClock.now(), { host: `h${host}`, container: `web-${n}` }),
    );
    const notifications = incidents.map(one => notificationOf(one, 'chat'));
    for (const { id } of incidents) fired.set(id, performance.now());
    await state.commit(lane, { incidents, notifications });
    await systemClock.sleep(PACE_MS);
  }
  while (waits.length < CONTAINERS) await systemClock.sleep(PACE_MS);
  await deliverer.stop();
  await state.close();
  waits.sort((a, b) => a - b);
  const at = (part: number) => waits[Math.ceil(part * waits.length) - 1] ?? Number.NaN;
  const row = (name: string, value: number) => {
    const ratio = (value / at(0.5)).toFixed(2);
    return { name, value: `${Math.round(value)} ms`, ratio, spread: `${ratio} to ${ratio}` };
  };
  return {
    title: `From firing to the first message beyond group_wait, ${CONTAINERS} containers of ${HOSTS} hosts in ${(HOSTS * PACE_MS) / 1000} s; SQLite`,
    rows: [row('half of them', at(0.5)), row('99% of them', at(0.99)), row('all of them', at(1))],
  };
}

export async function policyBench(): Promise<BenchTable[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegauge-bench-'));
  try {
    return [await stages(), await silences(), await reviews(folder), await latency(folder)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
