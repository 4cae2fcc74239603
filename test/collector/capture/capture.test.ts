import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { startCapture } from '../../../collector/capture/capture.ts';
import { replayRecording } from '../../../collector/recording/replay.ts';
import { systemClock } from '../../../core/clock.ts';
import { TidegaugeError } from '../../../core/errors.ts';
import { encodeFrame, type Frame, isComplete } from '../../../core/traffic/frame.ts';
import { ManualClock } from '../../parts/clock.ts';
import {
  breaks,
  captureConfig,
  captureFrames,
  silentLog,
  type TestCapture,
  trafficOf,
} from '../../parts/kernel/capture.ts';
import { makeCgroup, type TestCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { Child, temporaryFolder, until } from '../../parts/process.ts';

/** Perl: `$n` UDP messages of each of the sizes, received as well, one after the other. */
const ping = (n: number, ...sizes: number[]) => `
  use Socket qw(:all); my ($a, $b, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  for my $size (${sizes.join(',')}) { my $x = "x" x $size;
    for (1..${n}) { defined(send($a, $x, 0)) or die; defined(recv($b, $buf, 70000, 0)) or die } }`;

/** Longest that a bpftrace may take to attach again, ms, where others attach and detach at the same time. */
const ATTACH_MS = 60_000;

const unique = (what: string) => `tidegauge-${what}-${process.pid}`;
const isAlive = (pid: number | null): boolean => pid !== null && existsSync(`/proc/${pid}`);

describeWith(['ebpf'], 'a capture', () => {
  let running: TestCapture | undefined;
  const cgroups: TestCgroup[] = [];
  const cgroup = async (path: string) => {
    const made = await makeCgroup(path);
    cgroups.push(made);
    return made;
  };
  afterEach(async () => {
    await running?.capture.stop();
    running = undefined;
    for (const one of cgroups.splice(0)) await one.remove();
  });

  it('loses nothing over many flips, and mixes nothing up', async () => {
    const makers = await Promise.all([1, 2, 3].map(i => cgroup(unique(`exact-${i}`))));
    running = await captureFrames();
    for (let half = 0; half < 2; half++) {
      await Promise.all(makers.map((maker, i) => maker.perl(ping(30_000, 10 + 64 * i, 5000 * (i + 1)))));
      await running.settled();
    }
    const { frames } = running;
    for (const [i, maker] of makers.entries()) {
      const expected = {
        messages: 120_000,
        bytes: 60_000 * (10 + 64 * i + 5000 * (i + 1)),
        sizes: [
          [64 * i, 60_000],
          [Math.floor((5000 * (i + 1)) / 4096) * 4096, 60_000],
        ],
      };
      expect(trafficOf(frames, maker.path, 'send')).toEqual(expected);
      expect(trafficOf(frames, maker.path, 'receive')).toEqual(expected);
    }
    const busy = frames.filter(frame => frame.windows.some(window => window.container === makers[0]?.path));
    expect(busy.length).toBeGreaterThan(1);
    expect(breaks(frames)).toEqual([]);
    expect(
      frames.slice(1).filter(frame => !isComplete(frame) && !frame.faults.includes('late-flip')),
    ).toEqual([]);
    expect(running.capture.status().counters).toMatchObject({
      garbage: 0,
      duplicates: 0,
      lost: 0,
      restarts: 0,
    });
  });

  it('makes a frame in every interval of an idle host, the first one marked', async () => {
    running = await captureFrames();
    const { frames } = running;
    await until('five frames', () => frames.length >= 5);
    expect(frames[0]).toMatchObject({ faults: ['attach'], previous: null });
    expect(breaks(frames)).toEqual([]);
    // A machine that stands still makes one interval longer and the next shorter.
    expect(Math.max(...frames.slice(1).map(frame => frame.durationMs))).toBeGreaterThan(150);
  });

  it('names new and removed cgroups by their path, whatever is in it', async () => {
    running = await captureFrames();
    const hostile = `${unique('ev"il')}\\n,a=b\t'ü\u{1F30A} \\`;
    const maker = await cgroup(hostile);
    await maker.perl(ping(10, 100));
    await maker.remove();
    cgroups.pop();
    await running.settled();
    const { frames } = running;
    expect(trafficOf(frames, `/${hostile}`, 'send')).toEqual({
      messages: 10,
      bytes: 1000,
      sizes: [[64, 10]],
    });
    const told = (key: 'started' | 'ended') =>
      frames.filter(frame => frame[key].includes(`/${hostile}`)).length;
    expect(told('ended')).toBe(1);
    expect(told('started')).toBeLessThanOrEqual(1);
    expect(frames.at(-1)?.containers.map(container => container.name)).not.toContain(`/${hostile}`);
  });

  it('finds the whole path where bpftrace could only give a part', async () => {
    running = await captureFrames();
    const outer = await cgroup(unique(`long-${'x'.repeat(150)}`));
    const long = `${outer.path.slice(1)}/${'y'.repeat(250)}`;
    const inner = await makeCgroup(long);
    await inner.perl(ping(5, 1));
    await running.settled();
    await inner.remove();
    expect(trafficOf(running.frames, `/${long}`, 'send').messages).toBe(5);
  });

  it('knows cgroups that were there before', async () => {
    const before = await cgroup(unique('before'));
    running = await captureFrames();
    await before.perl(ping(5, 1));
    await running.settled();
    expect(trafficOf(running.frames, before.path, 'send').messages).toBe(5);
    expect(running.frames.flatMap(frame => frame.started)).not.toContain(before.path);
  });

  it('hands over the last, partial interval, and leaves no child behind', async () => {
    const maker = await cgroup(unique('last'));
    running = await captureFrames({ interval: 3000 });
    const { frames, capture } = running;
    const { pid } = capture.status().bpftrace;
    expect(isAlive(pid)).toBe(true);
    await maker.perl(ping(7, 10));
    await capture.stop();
    expect(trafficOf(frames, maker.path, 'send')).toEqual({ messages: 7, bytes: 70, sizes: [[0, 7]] });
    expect(frames.at(-1)?.faults).toEqual(['detach']);
    expect(breaks(frames)).toEqual([]);
    expect(isAlive(pid)).toBe(false);
  });

  it('starts bpftrace again when it was killed, and marks the frames', async () => {
    const maker = await cgroup(unique('again'));
    running = await captureFrames();
    const { frames, capture } = running;
    await running.settled();
    process.kill(capture.status().bpftrace.pid ?? 0, 'SIGKILL');
    await until(
      'the second attach',
      () => frames.some((f, i) => i > 0 && f.faults.includes('attach')),
      ATTACH_MS,
    );
    await maker.perl(ping(7, 10));
    await running.settled();
    expect(frames.map(frame => frame.faults.join()).filter(Boolean)).toEqual(['attach', 'restart', 'attach']);
    expect(breaks(frames)).toEqual([]);
    expect(trafficOf(frames, maker.path, 'send').messages).toBe(7);
    expect(capture.status().counters.restarts).toBe(1);
  });

  it('starts bpftrace again when it was killed before its first interval, but not for ever', async () => {
    const kills = async (times: number) => {
      const warnings: unknown[] = [];
      const log = { ...silentLog, warn: (...args: unknown[]) => void warnings.push(args) };
      const frames: Frame[] = [];
      const onFrame = (frame: Frame) => void frames.push(frame);
      const config = captureConfig();
      const settings = { config, host: 'test', clock: systemClock, log, previous: null, onFrame };
      const capture = await startCapture(settings);
      running = { capture, frames, settled: async () => undefined };
      const killed = new Set<number>();
      for (let i = 0; i < times; i++) {
        const next = () => capture.status().bpftrace.pid ?? 0;
        await until('another bpftrace', () => next() > 0 && !killed.has(next()));
        process.kill(next(), 'SIGKILL');
        killed.add(next());
      }
      return { capture, frames, warnings };
    };
    const { capture, frames, warnings } = await kills(2);
    await capture.ready;
    expect(warnings).toHaveLength(2);
    await until('a frame', () => frames.length > 0);
    expect(frames[0]).toMatchObject({ previous: null });
    await capture.stop();
    await expect((await kills(5)).capture.ready).rejects.toThrow(/first interval.*SIGKILL/);
  });

  it('gives bpftrace a minute to begin on a busy machine', async () => {
    const folder = temporaryFolder();
    const program = join(folder.path, 'bpftrace');
    writeFileSync(program, '#!/bin/sh\n[ "$1" = --version ] && exec echo v0.17.0\nexec sleep 600\n', {
      mode: 0o755,
    });
    const clock = new ManualClock();
    const begun = clock.now();
    const settings = { config: captureConfig({ bpftrace: program }), host: 'test', clock, log: silentLog };
    const capture = await startCapture({ ...settings, previous: null, onFrame: () => undefined });
    const { pid } = capture.status().bpftrace;
    await until('it to be killed', () => {
      clock.advance(500);
      return !isAlive(pid);
    });
    expect(clock.now() - begun).toBeGreaterThanOrEqual(60_000);
    await capture.stop();
    folder.remove();
  });

  it('keeps count while bpftrace is stopped: one long interval, nothing lost', async () => {
    const maker = await cgroup(unique('stopped'));
    running = await captureFrames();
    const { frames, capture } = running;
    const pid = capture.status().bpftrace.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    const quiet = frames.length;
    await maker.perl(
      `${ping(1000, 100)} select(undef, undef, undef, 1.2); ${ping(500, 100).replace('my (', 'our (')}`,
    );
    process.kill(pid, 'SIGCONT');
    await running.settled();
    expect(trafficOf(frames, maker.path, 'send')).toEqual({
      messages: 1500,
      bytes: 150_000,
      sizes: [[64, 1500]],
    });
    expect(frames.slice(quiet).some(frame => frame.faults.includes('late-flip'))).toBe(true);
    expect(breaks(frames)).toEqual([]);
  });

  it('marks a frame whose map was full', async () => {
    running = await captureFrames({ map_keys: 64 });
    const maker = await cgroup(unique('full'));
    await maker.perl(ping(1, ...Array.from({ length: 64 }, (_, i) => i * 64)));
    await running.settled();
    const full = running.frames.filter(frame => frame.faults.includes('saturated'));
    expect(full.length).toBeGreaterThan(0);
    expect(full[0]?.occupancy).toBe(1);
  });

  it('records what gives the same frames again, byte for byte', async () => {
    const lines: string[] = [];
    const maker = await cgroup(unique('record'));
    running = await captureFrames(
      {},
      { previous: { from: 1234, to: 6234 }, record: { write: text => lines.push(text) } },
    );
    await maker.perl(ping(100, 10, 5000));
    await running.settled();
    process.kill(running.capture.status().bpftrace.pid ?? 0, 'SIGKILL');
    await until('a restart', () => running?.capture.status().counters.restarts === 1);
    await running.settled(ATTACH_MS);
    await running.capture.stop();
    const replayed: Frame[] = [];
    const source = (async function* () {
      yield* lines.join('').split('\n');
    })();
    for await (const frame of replayRecording(source, { place: 'test', start: 0 })) replayed.push(frame);
    expect(replayed.map(encodeFrame)).toEqual(running.frames.map(encodeFrame));
    expect(trafficOf(replayed, maker.path, 'receive').messages).toBe(200);
    expect(replayed[0]?.previous).toBe(1234);
  });

  it('ends with an explanation when bpftrace cannot run', async () => {
    const error = await captureFrames({ bpftrace: '/no/such/bpftrace' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TidegaugeError);
    expect(error).toMatchObject({ exitCode: 2, problem: { found: 'it cannot be started: ENOENT' } });
    expect(await captureFrames({ bpftrace: 'false' }).catch((reason: Error) => reason.message)).toMatch(
      /bpftrace \(false\): no first interval: exit code 1/,
    );
  });

  it('takes bpftrace along when it is killed itself', async () => {
    const collector = new Child(process.execPath, ['test/collector/capture/capture-child.ts']);
    const pid = await collector.until('the pid of bpftrace', output => {
      const found = /pid (\d+)\n/.exec(output)?.[1];
      return found === undefined ? false : Number(found);
    });
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('bpftrace\n');
    await collector.stop('SIGKILL');
    await until('the end of bpftrace', () => !isAlive(pid));
  });
});
