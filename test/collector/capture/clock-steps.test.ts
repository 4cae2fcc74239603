import { expect, it } from '@jest/globals';
import { systemClock } from '../../../core/clock.ts';
import { frameEnd, intervalOf } from '../../../core/traffic/frame.ts';
import { breaks, captureFrames, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { until } from '../../parts/process.ts';

const HOUR_MS = 3_600_000;

/** Perl: that many datagrams of 100 B to itself. */
const pings = (n: number) => `
  use Socket; my ($a, $b, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  for (1 .. ${n}) { send($a, "x" x 100, 0) or die; recv($b, $buf, 4096, 0) }`;

describeWith(['ebpf'], 'a wall clock that is set', () => {
  it('back while nothing is captured: the next capture goes on where the last one ended', async () => {
    const first = await captureFrames();
    await until('two frames', () => first.frames.length >= 2);
    await first.capture.stop();
    const last = first.frames.map(intervalOf).at(-1);
    if (!last) throw new Error('no frame');
    const clock = { ...systemClock, now: () => systemClock.now() - HOUR_MS };
    const second = await captureFrames({}, { clock, previous: last });
    try {
      await until('two frames', () => second.frames.length >= 2);
      expect(second.frames[0]).toMatchObject({ previous: last.from, start: last.to });
      expect(second.capture.status().aheadMs).toBeGreaterThan(HOUR_MS / 2);
    } finally {
      await second.capture.stop();
    }
    expect(breaks(second.frames)).toEqual([]);
  });

  it('back and forward never gives two frames one time, and loses nothing', async () => {
    let stepped = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + stepped };
    const maker = await makeCgroup(`tidegauge-steps-${process.pid}`);
    const { capture, frames } = await captureFrames({ account: 'exact' }, { clock });
    const later = async () => {
      const until3 = frames.length + 3;
      await until('three frames', () => frames.length >= until3);
    };
    try {
      for (const step of [0, -HOUR_MS, 2 * HOUR_MS, -HOUR_MS]) {
        stepped += step;
        await maker.perl(pings(100));
        await later();
      }
      expect(capture.status().aheadMs).toBeGreaterThan(HOUR_MS / 2);
      expect(capture.status().counters).toMatchObject({ garbage: 0, lost: 0, restarts: 0 });
    } finally {
      await capture.stop();
      await maker.remove();
    }
    for (const [i, frame] of frames.entries()) {
      const before = frames[i - 1];
      if (!before) continue;
      expect(frame.previous).toBe(before.start);
      expect(frame.start).toBeGreaterThanOrEqual(frameEnd(before));
    }
    const gaps = frames.filter(
      (frame, i) => i > 0 && frame.start - frameEnd(frames[i - 1] ?? frame) > HOUR_MS / 2,
    );
    expect(gaps).toHaveLength(1);
    for (const direction of ['send', 'receive'] as const) {
      expect(trafficOf(frames, maker.path, direction).messages).toBe(400);
    }
  });
});
