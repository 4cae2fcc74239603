import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { HostClaim } from '../../app/ownership/host-claim.ts';
import { InfluxStore } from '../../store/influx/store.ts';
import { ManualClock } from '../parts/clock.ts';
import { type InfluxServer, startInflux } from '../parts/influx.ts';
import { recordingLog } from '../parts/log.ts';
import { describeWith } from '../parts/need.ts';
import { Child, temporaryFolder, until } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';
import { influxConfig, silentLog } from '../store/stores.ts';

const CHILD = fileURLToPath(new URL('outbox-child.ts', import.meta.url));

describeWith(['influx'], 'a host name in a store that is shared, when the state is not', () => {
  let influx: InfluxServer;
  let folder: ReturnType<typeof temporaryFolder>;
  let store: InfluxStore;
  let runs = 0;
  const children: Child[] = [];
  const claimed: HostClaim[] = [];

  beforeAll(async () => {
    influx = await startInflux();
  });
  afterAll(() => influx.stop());

  beforeEach(async () => {
    folder = temporaryFolder();
    store = new InfluxStore(influxConfig(influx.url, { database: `claims${runs++}` }), silentLog);
    await store.open();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop('SIGKILL');
    await Promise.all(claimed.splice(0).map(claim => claim.release()));
    await store.close();
    folder.remove();
  });

  /** A collector with data, and so a state, of its own. */
  const collect = (data: string, host = 'web-1'): Child => {
    const path = join(folder.path, data);
    mkdirSync(path, { recursive: true });
    const database = `claims${runs - 1}`;
    writeConfig(path, { host, data: path, store: { kind: 'influx', influx: { url: influx.url, database } } });
    const args = ['--disable-warning=ExperimentalWarning', CHILD, join(path, 'tidegauge.yaml')];
    const child = new Child(process.execPath, args);
    children.push(child);
    return child;
  };
  const opened = (child: Child) => child.until('its spool', output => output.includes('open\n'));

  const optionsOf = (instance: string, clock: ManualClock, machine = `machine-${instance}`) => ({
    ...{ claims: store.claims, requireStore: () => {}, host: 'web-1', instance, run: `run-${runs++}` },
    ...{ machine, clock, log: recordingLog().log },
  });
  async function take(instance: string, clock: ManualClock): Promise<HostClaim> {
    const claim = await HostClaim.take(optionsOf(instance, clock));
    claimed.push(claim);
    return claim;
  }
  async function renewed(clock: ManualClock, sleepers = 1): Promise<void> {
    await until('a renewal to be waited for', () => clock.sleeping === sleepers);
    clock.advance(15_000);
    await until('the next one', () => clock.sleeping === sleepers);
  }

  it('is refused to a second installation, with the name of the first; who was killed has it back at once', async () => {
    const first = collect('a');
    await opened(first);
    const second = collect('b');
    await second.ended(2);
    expect(second.output).toMatch(
      /host web-1: an installation on \S+ \([0-9a-f-]{36}\) writes frames under this name to the same store. Set `host`/,
    );
    await opened(collect('b', 'web-2'));
    await first.stop('SIGKILL');
    await opened(collect('a'));
  });

  it('is free when it was given up, and a minute after its owner was killed, not before', async () => {
    const clock = new ManualClock();
    const first = await take('a', clock);
    await renewed(clock);
    await expect(take('b', clock)).rejects.toThrow(/machine-a \(a\).*wait 60 s/);
    await first.release();
    const second = await take('b', clock);
    await expect(take('a', clock)).rejects.toThrow('machine-b');
    // Its renewals end, as if it was killed.
    second.release = async () => {};
    claimed.length = 0;
    clock.advance(59_000);
    // A clock of its own, so that the other one stands still.
    const later = new ManualClock(clock.now());
    await until('the renewal that came of it', () => clock.sleeping === 1);
    await expect(take('c', later)).rejects.toThrow('machine-b');
    later.advance(61_000);
    await take('c', later);
  });

  it('is kept by the first of two that started without seeing each other', async () => {
    const [early, late] = [new ManualClock(1_700_000_000_000), new ManualClock(1_700_000_000_500)];
    const first = await take('a', early);
    const blind = optionsOf('b', late);
    const read = store.claims.read.bind(store.claims);
    let sees = false;
    const claims = {
      write: store.claims.write.bind(store.claims),
      read: async (host: string, now: number) =>
        (await read(host, now)).filter(({ instance }) => sees || instance === 'b'),
    };
    const second = await HostClaim.take({ ...blind, claims });
    claimed.push(second);
    sees = true;
    await until('its renewal to be waited for', () => late.sleeping === 1);
    late.advance(15_000);
    expect((await second.lost).message).toContain('machine-a');
    await expect(second.ensure()).rejects.toMatchObject({ retry: true });
    await renewed(early);
    expect(first.isLost).toBe(false);
  });

  it('is claimed anew by who could not renew it for a minute, and lost when another one has it by then', async () => {
    const clock = new ManualClock();
    const first = await take('a', clock);
    const later = new ManualClock(clock.now() + 120_000);
    await take('b', later);
    await until('a renewal to be waited for', () => clock.sleeping === 1);
    clock.advance(120_000);
    expect((await first.lost).message).toContain('machine-b');
  });

  it('is not shared by copies of a data directory', async () => {
    const clock = new ManualClock();
    const first = await take('a', clock);
    const copy = new ManualClock(clock.now() + 1);
    await take('a', copy);
    await until('a renewal to be waited for', () => clock.sleeping === 1);
    clock.advance(15_000);
    expect((await first.lost).message).toMatch(/same id, as in a copy of the data directory/);
  });

  it('is had again by who was started anew after the clock was set back by more than an hour', async () => {
    const clock = new ManualClock();
    await take('a', clock);
    const earlier = new ManualClock(clock.now() - 90 * 60_000);
    const again = await take('a', earlier);
    for (let renewal = 0; renewal < 3; renewal++) await renewed(earlier);
    expect(again.isLost).toBe(false);
    await again.ensure();
  });
});
