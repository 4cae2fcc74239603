import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Destinations, openOutbox } from '../../app/outbox.ts';
import { HostLease } from '../../app/ownership/host-lease.ts';
import { instanceId } from '../../app/ownership/instance.ts';
import { load } from '../../cli/context.ts';
import { ExchangeError } from '../../core/errors.ts';
import { type Frame, intervalOf } from '../../core/traffic/frame.ts';
import { createInlineQueue } from '../../queue/inline.ts';
import { lockFile, lockHolder } from '../../state/sqlite/lock.ts';
import { createSqliteState } from '../../state/sqlite/state.ts';
import { frameOf } from '../data/frames.ts';
import { ManualClock } from '../parts/clock.ts';
import { recordingLog } from '../parts/log.ts';
import { Child, temporaryFolder, until } from '../parts/process.ts';
import { writeConfig } from '../parts/tidegauge.ts';

const CHILD = fileURLToPath(new URL('outbox-child.ts', import.meta.url));

describe('a data directory and a host name', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const children: Child[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop('SIGKILL');
    folder.remove();
  });

  /** A collector with a data directory of its own; all of them share one state. */
  const collect = (data: string, host = 'web-1'): Child => {
    const path = join(folder.path, data);
    mkdirSync(path, { recursive: true });
    const state = { lease: '60s', sqlite: { file: join(folder.path, 'state.db') } };
    writeConfig(path, { host, data: path, state });
    const child = new Child(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      CHILD,
      join(path, 'tidegauge.yaml'),
    ]);
    children.push(child);
    return child;
  };
  const opened = (child: Child) => child.until('its spool', output => output.includes('open\n'));

  /** A state of its own under a clock that stands still, and what a lease of `web-1` needs. */
  const leasing = async () => {
    const clock = new ManualClock();
    const state = createSqliteState({ file: join(folder.path, 'leases.db'), clock });
    await state.open();
    const { log } = recordingLog();
    return { clock, state, options: { state, host: 'web-1', leaseMs: 1000, clock, log } };
  };

  /** The outbox of `web-1`, with a lease of a minute, to a store that remembers what it was given. */
  const outboxTo = (startup: Destinations['startup']) => {
    const clock = new ManualClock();
    const { log, lines } = recordingLog();
    writeConfig(folder.path, { host: 'web-1', data: folder.path, state: { lease: '60s' } });
    const { config } = load({ config: join(folder.path, 'tidegauge.yaml') });
    const state = createSqliteState({ file: join(folder.path, 'leases.db'), clock });
    const stored: Frame[] = [];
    const store = {
      lastFrame: async () => stored.map(intervalOf).at(-1) ?? null,
      writeFrames: async (frames: readonly Frame[]) => {
        stored.push(...frames);
      },
    };
    const queue = createInlineQueue({ lanes: 1, clock, log });
    const open = () => openOutbox({ config, clock, log }, { state, store, queue, startup });
    const close = async () => {
      await queue.close();
      await state.close();
    };
    return { clock, lines, state, stored, open, close };
  };

  it('belong to one collector; who was killed is back at once, whatever the lease', async () => {
    const first = collect('a');
    await opened(first);
    const second = collect('a');
    await second.ended(2);
    expect(second.output).toContain('another collector uses this data directory');
    await first.stop('SIGKILL');
    await opened(collect('a'));
  });

  it('of another installation are refused under the same name, and taken under another', async () => {
    await opened(collect('a'));
    const other = collect('b');
    await other.ended(2);
    expect(other.output).toMatch(/host web-1: another installation collects under this name.*Set `host`/);
    await opened(collect('b', 'web-2'));
  });

  it('are leased again after the state forgot, and given up when another installation was faster', async () => {
    const { clock, state, options } = await leasing();
    const lease = await HostLease.take({ ...options, instance: 'a' });
    let lost = false;
    void lease.lost.then(() => {
      lost = true;
    });
    const renewed = async () => {
      await until('a renewal to be waited for', () => clock.sleeping === 1);
      clock.advance(250);
      await until('the next one', () => lost || clock.sleeping === 1);
    };
    await renewed();
    clock.advance(1500);
    await renewed();
    expect(lost).toBe(false);
    await expect(HostLease.take({ ...options, instance: 'b' })).rejects.toThrow('another installation');
    await until('a renewal to be waited for', () => clock.sleeping === 1);
    // Paused past the lease: another one comes first.
    const taken = state.acquire('collector-web-1', 'a', 0);
    await taken;
    const other = await state.acquire('collector-web-1', 'b', 60_000);
    expect(other).not.toBeNull();
    clock.advance(250);
    expect((await lease.lost).message).toContain('another installation');
    await lease.release();
    await state.close();
  });

  it('that cannot be used end the process at once, and leave the name to others', async () => {
    mkdirSync(join(folder.path, 'a'));
    writeFileSync(join(folder.path, 'a/spool'), '');
    const broken = collect('a');
    await broken.ended(2);
    expect(broken.output).toContain('a/spool');
    await opened(collect('b'));
  });

  it('are held back after a pause that was longer than the lease, until they are known to be ours', async () => {
    const { clock, state, options } = await leasing();
    const lease = await HostLease.take({ ...options, instance: 'a' });
    await until('the loop to rest', () => clock.sleeping === 1);
    lease.check();
    clock.advance(1001);
    expect(() => lease.check()).toThrow('longer than the lease');
    await until('a renewal', () => clock.sleeping === 1);
    lease.check();
    clock.advance(1001);
    expect(await state.acquire('collector-web-1', 'b', 60_000)).not.toBeNull();
    await lease.lost;
    expect(() => lease.check()).toThrow('lost');
    await lease.release();
    await state.close();
  });

  it('are held back when the answer to a renewal was read only after the lease', async () => {
    const { clock, state, options } = await leasing();
    const unread = Promise.withResolvers<void>();
    let renewals = 0;
    const slow = {
      acquire: state.acquire.bind(state),
      release: state.release.bind(state),
      renew: async (...args: Parameters<typeof state.renew>) => {
        const isOurs = await state.renew(...args);
        if (++renewals === 1) await unread.promise;
        return isOurs;
      },
    };
    const lease = await HostLease.take({ ...options, state: slow, instance: 'a' });
    await until('the loop to rest', () => clock.sleeping === 1);
    clock.advance(250);
    await until('a renewal', () => renewals === 1);
    clock.advance(1001);
    unread.resolve();
    await until('the answer to be read', () => clock.sleeping === 1);
    expect(() => lease.check()).toThrow('longer than the lease');
    clock.advance(250);
    await until('the next renewal', () => renewals === 2 && clock.sleeping === 1);
    lease.check();
    await lease.release();
    await state.close();
  });

  it('that are lost end the shipping at once: nothing more reaches the store', async () => {
    const { clock, state, stored, open, close } = outboxTo({ require: () => {}, unreached: [] });
    await state.open();
    const outbox = await open();
    outbox.shipper.push(frameOf('web-1', 0));
    await until('the first frame', () => stored.length === 1);
    clock.advance(60_001);
    expect(await state.acquire('collector-web-1', 'another', 1e9)).not.toBeNull();
    outbox.shipper.push(frameOf('web-1', 1));
    expect((await outbox.lost).message).toContain('another installation');
    expect(await outbox.stop()).toBe(0);
    expect(stored).toHaveLength(1);
    await close();
  });

  it('are leased before anything reaches a store that was there sooner than the state', async () => {
    const problem = { place: 'state', expected: 'an answer', found: 'none yet', remedy: 'Wait.' };
    let isThere = false;
    const { clock, lines, state, stored, open, close } = outboxTo({
      require(name) {
        if (name === 'state' && !isThere) throw new ExchangeError(problem, { retry: true });
      },
      unreached: [],
    });
    const outbox = await open();
    outbox.shipper.push(frameOf('web-1', 0));
    await until('an attempt', () => outbox.shipper.status().stateDown?.includes('none yet'));
    expect(outbox.shipper.status()).toMatchObject({ storeDown: null, queueDown: null });
    expect(lines.map(({ message }) => message)).toContain('the state is away; frames wait');
    expect(stored).toEqual([]);
    await state.open();
    isThere = true;
    await until('the frame', () => {
      clock.advance(1000);
      return stored.length === 1;
    });
    await outbox.stop();
    await close();
  });

  it('have a newest frame, whose start and end the spool or the store tells', async () => {
    const { state, stored, open, close } = outboxTo({ require: () => undefined, unreached: [] });
    await state.open();
    const previous = async (...frames: readonly Frame[]) => {
      const outbox = await open();
      for (const frame of frames) outbox.shipper.push(frame);
      await until('all frames', () => outbox.shipper.status().pending === 0);
      await outbox.stop();
      return outbox.previous;
    };
    const [older, newer] = [frameOf('web-1', 0), frameOf('web-1', 1)];
    expect(await previous(older)).toBeNull();
    stored.splice(0);
    expect(await previous()).toEqual(intervalOf(older));
    stored.push(newer);
    expect(await previous()).toEqual(intervalOf(newer));
    await close();
  });

  it('of a copied installation are not taken from each other for ever', async () => {
    const { clock, state, options } = await leasing();
    const take = () => HostLease.take({ ...options, instance: 'a' });
    const leases = [await take(), await take()];
    const lost = Promise.race(leases.map(lease => lease.lost)).then(error => error.message);
    let said = '';
    void lost.then(message => {
      said = message;
    });
    await until('one of them to give in', () => {
      clock.advance(250);
      return said !== '';
    });
    expect(said).toContain('another collector has the same id');
    for (const lease of leases) await lease.release();
    await state.close();
  });
});

describe('the id of an installation', () => {
  it('is made once, and refused when it is none', () => {
    const folder = temporaryFolder();
    const id = instanceId(folder.path);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(instanceId(folder.path)).toBe(id);
    expect(readFileSync(join(folder.path, 'instance'), 'utf8')).toBe(`${id}\n`);
    writeFileSync(join(folder.path, 'instance'), '../../etc/passwd\n');
    expect(() => instanceId(folder.path)).toThrow(/Remove the file/);
    folder.remove();
  });
});

describe('a lock', () => {
  it('is held by one at a time, and says so of a file that it cannot use', () => {
    const folder = temporaryFolder();
    const file = join(folder.path, 'lock');
    const lock = lockFile(file);
    expect(lock).not.toBeNull();
    expect(lockFile(file)).toBeNull();
    expect(lockHolder(file)).toBe(process.pid);
    lock?.release();
    expect(lockHolder(file)).toBeNull();
    lockFile(file)?.release();
    expect(() => lockFile(join(folder.path, 'none', 'lock'))).toThrow(/unable to open/);
    folder.remove();
  });
});
