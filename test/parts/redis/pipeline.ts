import { join } from 'node:path';
import { type Backends, openBackends, SCHEMA } from '../../../app/wire.ts';
import { createShipper } from '../../../collector/ship/shipper.ts';
import { Spool } from '../../../collector/ship/spool/spool.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import type { RedisServers } from '../../../core/config/redis.ts';
import type { Payload } from '../../../notify/payload.ts';
import { Worker } from '../../../worker/worker.ts';
import { incidentsOf, webFrame } from '../../worker/fixture.ts';
import { recordingLog } from '../log.ts';
import { temporaryFolder, until } from '../process.ts';
import { startHook } from '../tidegauge.ts';

const HOSTS = ['box-1', 'box-2'];
const QUIET = 100_000;
const LOUD = 2_000_000;
/** Quiet frames after a loud one: more than an incident needs to end. */
const REST = 6;
/** The same after the third, which flaps by then: it is over when it was quiet for twice its period. */
const LONG_REST = 3 * (REST + 1);
/** Frames come faster than they say, so that tests need not wait for them, ms. */
const PACE_MS = 50;
const LIMITS = { bytes: 2 ** 30, memoryBytes: 2 ** 28, ageMs: Number.POSITIVE_INFINITY };
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
const FOR_EVER = { raw: '36500d', minute: '36500d', hour: '36500d' };

/**
 * The way of frames as the program assembles it, from the spool to a webhook: store in SQLite, queue and state in Redis,
 * a detector with one limit. Two hosts, which are quiet or loud together.
 */
async function startPipeline(servers: RedisServers) {
  const folder = temporaryFolder();
  const hook = await startHook();
  const { log, lines } = recordingLog();
  const config = SCHEMA.parse({
    data: folder.path,
    store: { retention: FOR_EVER },
    queue: { kind: 'bullmq', lanes: 2 },
    state: { kind: 'redis', checkpoint: '1s' },
    redis: servers,
    detectors: [
      { use: 'threshold', name: 'limit', metric: 'bytes', direction: 'send', above: '1MB/s', for: '0s' },
    ],
    alert: { resolve_after: '10s', reopen_within: '0s' },
    receivers: [{ use: 'webhook', name: 'hook', url: hook.url }],
  });
  const backends = await openBackends(config, clock, log);
  const { lease: leaseMs, checkpoint: checkpointMs } = config.state;
  const worker = Worker.start({
    ...backends,
    clock,
    log,
    owner: 'worker',
    leaseMs,
    checkpointMs,
    silentAfterMs: 60_000,
  });
  const spool = Spool.open({ folder: join(folder.path, 'spool'), fsync: 'interval', clock, log });
  const shipper = createShipper({ ...backends, spool, clock, log, limits: LIMITS });
  const rates: number[] = [];
  const send = async (rate: number) => {
    for (const host of HOSTS) shipper.push(webFrame(rates.length, rate, host));
    rates.push(rate);
    await clock.sleep(PACE_MS);
  };
  // What a master had not copied yet is told again, in other groups: a receiver drops the keys that it knows.
  const keys = () => [...new Set(hook.bodies.flatMap(keysOf))].sort();
  const told = (status: 'firing' | 'resolved') => keys().filter(key => key.endsWith(`-${status}`)).length;
  return {
    lines,
    hosts: HOSTS.length,
    /** One loud frame of each host, and quiet ones until what it caused is over. */
    async burst(rest = REST) {
      await send(LOUD);
      for (let n = 0; n < rest; n++) await send(QUIET);
    },
    firing: () => told('firing'),
    /** What the program said and what was told, for a test that failed. */
    story: () =>
      [
        ...keys(),
        ...lines.map(({ level, message, fields }) => `${level} ${message} ${JSON.stringify(fields)}`),
      ]
        .map(line => `\n${line}`)
        .join(''),
    resolved: () => told('resolved'),
    /** What was told and is stored, and the same of an undisturbed run. */
    compared: () => compare(backends, rates, keys()),
    async stop() {
      await shipper.stop();
      await worker.stop();
      spool.close();
      await backends.close();
      await hook.stop();
      folder.remove();
    },
  };
}

/** Keys of all that a message tells: incidents of one host that are judged together are told together. */
function keysOf(body: Record<string, unknown>): string[] {
  const { key, incidents } = body as Pick<Payload, 'key' | 'incidents'>;
  return incidents.length > 0 ? incidents.map(one => one.key) : [key];
}

/**
 * Bursts before, in and after a failover. `begin` starts it, and resolves with what becomes true when it was decided.
 * Returns what was told and stored, and the same of an undisturbed run, when everything is told.
 */
export async function playFailover(servers: RedisServers, begin: () => Promise<() => Promise<boolean>>) {
  const pipeline = await startPipeline(servers);
  const wait = (what: string, probe: () => Promise<boolean> | boolean) =>
    until(what, probe, 60_000, pipeline.story);
  try {
    await pipeline.burst();
    await wait('the first alerts', () => pipeline.firing() === pipeline.hosts);
    const isDecided = await begin();
    await pipeline.burst();
    await wait('the failover', isDecided);
    await pipeline.burst(LONG_REST);
    await wait('the alerts of what came meanwhile', () => pipeline.firing() === 3 * pipeline.hosts);
    await wait('their ends', () => pipeline.resolved() === 3 * pipeline.hosts);
    return { ...(await pipeline.compared()), lines: pipeline.lines };
  } finally {
    await pipeline.stop();
  }
}

async function compare({ fold, store, state }: Backends, rates: readonly number[], keys: readonly string[]) {
  const found = { keys, incidents: await state.incidents(ALWAYS, 1000), detections: [] as number[] };
  const frames = HOSTS.map(host => rates.map((rate, n) => webFrame(n, rate, host)));
  const incidents = frames.flatMap(each => incidentsOf(fold, each));
  const expected = {
    keys: incidents.flatMap(({ id }) => [`${id}-hook-firing`, `${id}-hook-resolved`]).sort(),
    incidents,
    detections: HOSTS.map(() => rates.length),
  };
  for (const host of HOSTS) found.detections.push((await store.readDetections(host, ALWAYS)).length);
  const byId = <T extends { id: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    found: { ...found, incidents: byId(found.incidents) },
    expected: { ...expected, incidents: byId(incidents) },
  };
}
