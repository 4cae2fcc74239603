import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Waiting } from '../../../../collector/ship/backlog.ts';
import { Spool, type SpoolOptions } from '../../../../collector/ship/spool/spool.ts';
import { systemClock } from '../../../../core/clock.ts';
import { TidegaugeError } from '../../../../core/errors.ts';
import { type Frame, intervalOf } from '../../../../core/traffic/frame.ts';
import { ManualClock } from '../../../parts/clock.ts';
import { busyParts, frameOf } from '../../../parts/frames.ts';
import { recordingLog } from '../../../parts/log.ts';
import { describeWith } from '../../../parts/need.ts';
import { Child, temporaryFolder, until } from '../../../parts/process.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

describe('spool', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let logged: ReturnType<typeof recordingLog>;
  const opened: Spool[] = [];
  let runs = 0;

  beforeEach(() => {
    folder = temporaryFolder();
    logged = recordingLog();
  });
  afterEach(() => {
    for (const spool of opened.splice(0)) spool.close();
    folder.remove();
  });

  const open = (options: Partial<SpoolOptions> = {}): Spool => {
    const spool = Spool.open({
      folder: folder.path,
      fsync: 'never',
      clock: systemClock,
      log: logged.log,
      segmentBytes: 4096,
      cacheBytes: 0,
      ...options,
    });
    opened.push(spool);
    return spool;
  };
  /** As a new process finds it. */
  const reopen = (options: Partial<SpoolOptions> = {}): Spool => {
    opened.pop()?.close();
    return open(options);
  };
  const fill = (spool: Spool, count: number, from = 0): { frame: Frame; waiting: Waiting }[] =>
    Array.from({ length: count }, (_, i) => {
      const frame = frameOf('web-1', from + i, busyParts(i % 4));
      return { frame, waiting: spool.append(frame) };
    });
  const segments = () =>
    readdirSync(folder.path)
      .filter(name => name.endsWith('.seg'))
      .sort();
  const path = (name: string | undefined) => join(folder.path, name ?? 'none');
  const contents = (spool: Spool) => spool.recovered.map(waiting => spool.read(waiting));

  it.each(['always', 'interval', 'never'] as const)('keeps frames over processes, with fsync %s', fsync => {
    const frames = fill(open({ fsync }), 30).map(({ frame }) => frame);
    const next = reopen({ fsync });
    expect(contents(next)).toEqual(frames);
    expect(next.newest).toEqual(frames.map(intervalOf).at(-1));
    expect(next.status()).toMatchObject({ damaged: 0, recovered: 30, fault: null, unwritten: 0 });
    expect(segments().length).toBeGreaterThan(1);
  });

  it('hands out what was not released, and nothing from before it, whatever the order of releases', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(39), { maxLength: 60 }), fc.nat(40), (order, upTo) => {
        const spool = open({ folder: join(folder.path, String(runs++)) });
        const all = fill(spool, 40);
        const released = new Set([...order, ...Array.from({ length: upTo }, (_, i) => i)]);
        for (const i of released) spool.release(all[i]?.waiting ?? { seq: -1, start: 0, bytes: 0 });
        for (const [i, { waiting, frame }] of all.entries())
          expect(spool.read(waiting)).toEqual(released.has(i) ? null : frame);
        const waiting = all.flatMap((each, i) => (released.has(i) ? [] : [each.waiting]));
        const { recovered } = reopen({ folder: join(folder.path, String(runs - 1)) });
        // What was released out of turn may come again: shipping it twice changes nothing.
        expect(recovered).toEqual(expect.arrayContaining(waiting));
        expect(recovered[0]).toEqual(waiting[0]);
      }),
      { numRuns: 20 },
    );
  });

  it('numbers go on after everything was released', () => {
    const spool = open();
    for (const { waiting } of fill(spool, 20)) spool.release(waiting);
    const next = reopen();
    expect(next.recovered).toEqual([]);
    expect(segments()).toEqual([]);
    expect(next.append(frameOf('web-1', 20)).seq).toBe(21);
    expect(reopen().recovered).toHaveLength(1);
  });

  it('knows the newest frame of all when nothing is left, so that the next one can name it', () => {
    const spool = open();
    const all = fill(spool, 20);
    for (const { waiting } of all) spool.release(waiting);
    expect(reopen().newest).toEqual(all.map(({ frame }) => intervalOf(frame)).at(-1));
  });

  it('a frame says how many were dropped before it, whatever was shipped, damaged or started anew in between', () => {
    const spool = open();
    const all = fill(spool, 30);
    for (const i of [0, 1, 2]) spool.release(all[i]?.waiting as Waiting);
    // Held by a request while others are dropped.
    for (const i of [4, 5, 8, 9, 10]) spool.drop(all[i]?.waiting as Waiting);
    const dropped = (of: Spool, waiting: readonly Waiting[]) =>
      waiting.flatMap(one => {
        const frame = of.read(one);
        return frame?.dropped ? [[frame.start, frame.dropped]] : [];
      });
    const startOf = (i: number) => all[i]?.frame.start;
    const waiting = all.map(one => one.waiting);
    expect(dropped(spool, waiting)).toEqual([
      [startOf(6), 2],
      [startOf(11), 3],
    ]);
    for (const i of [3, 6, 7, 11, 12]) spool.release(all[i]?.waiting as Waiting);
    for (const i of [13, 14]) spool.drop(all[i]?.waiting as Waiting);
    const next = reopen();
    expect(next.recovered[0]?.start).toBe(startOf(15));
    expect(dropped(next, next.recovered)).toEqual([[startOf(15), 2]]);
  });

  it('reads the position that the second version wrote, which did not know when the newest frame ended', () => {
    const spool = open();
    const all = fill(spool, 20);
    for (const { waiting } of all) spool.release(waiting);
    const position = readFileSync(path('released')).subarray(0, 28);
    position.writeUInt32LE(crc32(position.subarray(0, 24)), 24);
    writeFileSync(path('released'), position);
    for (const name of segments()) rmSync(path(name));
    const { start = 0 } = all.at(-1)?.waiting ?? {};
    const next = reopen();
    expect(next.newest).toEqual({ from: start, to: start + 1 });
    expect(next.append(frameOf('web-1', 20)).seq).toBe(21);
  });

  it('does not know when a newest frame ended that it cannot read', () => {
    const spool = open();
    const [first, second] = fill(spool, 2);
    const [name] = segments();
    const start = second?.waiting.start ?? 0;
    const broken = readFileSync(path(name));
    // Another text of the same length, with a checksum that is right.
    const at = broken.lastIndexOf('"durationMs"');
    broken.write('"durationms"', at);
    const record = broken.subarray(broken.length - (second?.waiting.bytes ?? 0) - 24);
    record.writeUInt32LE(crc32(record.subarray(8)), 4);
    writeFileSync(path(name), broken);
    const next = reopen();
    expect(next.newest).toEqual({ from: start, to: start + 1 });
    expect(next.read(first?.waiting as Waiting)).toEqual(first?.frame);
    expect(logged.lines.map(({ message }) => message)).toContain('a frame of the spool cannot be read');
  });

  it('reads the position that the first version wrote', () => {
    const all = fill(open(), 20);
    const position = Buffer.alloc(12);
    position.writeBigUInt64LE(BigInt(all[15]?.waiting.seq ?? 0), 0);
    position.writeUInt32LE(crc32(position.subarray(0, 8)), 8);
    writeFileSync(path('released'), position);
    const next = reopen();
    expect(contents(next)).toEqual(all.slice(15).map(({ frame }) => frame));
  });

  it('keeps live frames in memory up to a bound, and reads the others from disk', () => {
    const spool = open({ cacheBytes: 4000 });
    const all = fill(spool, 60);
    expect(all.map(({ waiting }) => spool.read(waiting))).toEqual(all.map(({ frame }) => frame));
    expect(spool.read(all[0]?.waiting as Waiting)).toBe(all[0]?.frame);
    expect(spool.read(all.at(-2)?.waiting as Waiting)).not.toBe(all.at(-2)?.frame);
  });

  it('keeps the newest frame in memory and the one that is being shipped, whatever their size', () => {
    const spool = open({ cacheBytes: 1 });
    const all = fill(spool, 4);
    const inMemory = () => all.map(({ frame, waiting }) => spool.read(waiting) === frame);
    expect(inMemory()).toEqual([true, false, false, true]);
    spool.release(all[0]?.waiting as Waiting);
    all.push(...fill(spool, 1, 4));
    expect(inMemory()).toEqual([false, false, false, false, true]);
    for (const { waiting } of all) spool.release(waiting);
    all.splice(0, 5, ...fill(spool, 2, 5));
    expect(inMemory()).toEqual([true, true]);
  });

  it('counts a file that is too short for a header, unless its process died as it made it', () => {
    fill(open({ segmentBytes: 1 << 20 }), 3);
    const [file] = segments();
    truncateSync(path(file), 5);
    expect(reopen().status()).toMatchObject({ damaged: 0, recovered: 0 });
    writeFileSync(path(file), 'tgwpo');
    expect(reopen().status()).toMatchObject({ damaged: 1, recovered: 0 });
  });

  it('cuts a torn tail off, counts it, and goes on', () => {
    const frames = fill(open({ segmentBytes: 1 << 20 }), 10).map(({ frame }) => frame);
    const [file] = segments();
    truncateSync(path(file), statSync(path(file)).size - 7);
    const next = reopen();
    expect(contents(next)).toEqual(frames.slice(0, 9));
    expect(next.status().damaged).toBe(1);
    expect(logged.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    fill(next, 1, 10);
    expect(reopen().status()).toMatchObject({ damaged: 0, recovered: 10 });
  });

  it('passes over damage, foreign files and empty ones; a lost cursor ships again', () => {
    const spool = open();
    const all = fill(spool, 30);
    for (const { waiting } of all.slice(0, 20)) spool.release(waiting);
    const [first, second] = segments();
    const bytes = readFileSync(path(second));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(path(second), bytes);
    appendFileSync(path(first), 'no record');
    writeFileSync(path('9999999999999998.seg'), 'something else altogether');
    writeFileSync(path('9999999999999999.seg'), '');
    writeFileSync(path('notes.txt'), 'not ours');
    writeFileSync(path('released'), 'nonsense');
    const next = reopen();
    const left = contents(next);
    expect(left.every(frame => all.some(known => known.frame.start === frame?.start))).toBe(true);
    const found = new Set(left.map(frame => frame?.start));
    expect(all.slice(20).filter(({ frame }) => !found.has(frame.start))).toHaveLength(1);
    expect(next.status().damaged).toBeGreaterThanOrEqual(3);
    expect(segments()).not.toContain('9999999999999998.seg');
  });

  it('a frame that is damaged while it waits is not handed out', () => {
    const spool = open();
    const [, one] = fill(spool, 3);
    const [file] = segments();
    writeFileSync(path(file), Buffer.alloc(statSync(path(file)).size, 1));
    expect(spool.read(one?.waiting as Waiting)).toBeNull();
    expect(spool.status().damaged).toBe(1);
  });

  it('a file that cannot be removed is no danger to frames; it is said once and tried again', () => {
    const spool = open();
    const all = fill(spool, 30);
    const [first] = segments();
    const name = path(first);
    rmSync(name);
    mkdirSync(join(name, 'in the way'), { recursive: true });
    for (const { waiting } of all) spool.release(waiting);
    expect(spool.status()).toMatchObject({ fault: null, unwritten: 0 });
    expect(logged.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', expect.stringMatching(/cannot be tidied up/)],
    ]);
    rmSync(name, { recursive: true });
    fill(spool, 30, 30);
    expect(spool.status().fault).toBeNull();
    expect(segments()).not.toContain(first);
  });

  it.each(['always', 'interval'] as const)(
    'a disk that takes frames but cannot sync them is told once, and once when it can, with fsync %s',
    async fsync => {
      const clock = new ManualClock();
      const spool = open({ fsync, clock, cacheBytes: 2 ** 20 });
      // Takes whatever is written; a sync is EINVAL.
      symlinkSync('/dev/null', path('0000000000000001.seg'));
      const append = async (n: number) => {
        spool.append(frameOf('web-1', n));
        await until('the sync to be due', () => fsync === 'always' || clock.sleeping === 1);
        clock.advance(1000);
        await until('the sync', () => spool.status().fault !== null);
      };
      for (let n = 0; n < 4; n++) await append(n);
      expect(spool.status()).toMatchObject({ fault: expect.stringMatching(/EINVAL/), unwritten: 0 });
      const levels = () => logged.lines.map(({ level, message }) => [level, message]);
      expect(levels()).toEqual([['error', expect.stringMatching(/cannot be synced/)]]);
      // The next segment is a file again.
      spool.append(frameOf('web-1', 4, busyParts(40)));
      spool.append(frameOf('web-1', 5));
      await until('the sync to be due', () => fsync === 'always' || clock.sleeping === 1);
      clock.advance(1000);
      await until('the sync', () => spool.status().fault === null);
      expect(levels().slice(1)).toEqual([['info', 'the spool can be synced again']]);
    },
  );

  it('refuses what a newer version wrote, and a folder that cannot be used', () => {
    writeFileSync(path('0000000000000001.seg'), Buffer.concat([Buffer.from('tgspool'), Buffer.from([2])]));
    expect(() => open()).toThrow(/expected a spool of version 1, found version 2/);
    writeFileSync(path('file'), '');
    expect(() => open({ folder: path('file') })).toThrow(TidegaugeError);
  });

  it('holds every frame that was appended before a kill -9', async () => {
    for (let round = 0; round < 3; round++) {
      const child = new Child(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        CHILD,
        folder.path,
      ]);
      await child.until('some frames', output => output.split('\n').length > 200 * (round + 1));
      await child.stop('SIGKILL');
      const printed = child.output.split('\n').slice(0, -1).map(Number);
      const spool = open();
      const found = new Set(spool.recovered.map(({ start }) => start));
      expect(printed.filter(start => !found.has(start))).toEqual([]);
      expect(contents(spool)).not.toContain(null);
      for (const waiting of spool.recovered) spool.release(waiting);
      opened.pop()?.close();
    }
  });
});

describeWith(['ebpf'], 'spool on a full disk', () => {
  it('keeps frames in memory, says so once, and writes them when there is room again', () => {
    const folder = temporaryFolder();
    const mount = join(folder.path, 'small');
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]);
    const { log, lines } = recordingLog();
    const options = {
      folder: join(mount, 'spool'),
      fsync: 'always',
      clock: systemClock,
      log,
      cacheBytes: 0,
    } as const;
    const spool = Spool.open(options);
    try {
      const frames = Array.from({ length: 60 }, (_, n) => frameOf('web-1', n, busyParts(8)));
      const waiting = frames.map(frame => spool.append(frame));
      const full = spool.status();
      expect(full.fault).toMatch(/ENOSPC/);
      expect(full.unwritten).toBeGreaterThan(10);
      expect(waiting.map(each => spool.read(each))).toEqual(frames);
      execFileSync('mount', ['-o', 'remount,size=4m', mount]);
      waiting.push(spool.append(frameOf('web-1', 60)));
      expect(spool.status()).toMatchObject({ fault: null, unwritten: 0, unwrittenBytes: 0, damaged: 0 });
      expect(lines.map(({ level }) => level)).toEqual(['error', 'info']);
      spool.close();
      const next = Spool.open(options);
      expect(next.recovered).toEqual(waiting);
      expect(next.recovered.slice(0, 60).map(each => next.read(each))).toEqual(frames);
      expect(next.status().damaged).toBe(0);
      next.close();
    } finally {
      execFileSync('umount', [mount]);
      folder.remove();
    }
  });
});
