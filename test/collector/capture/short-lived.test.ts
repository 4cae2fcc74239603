import { createHash } from 'node:crypto';
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { findCgroupMount } from '../../../collector/identity/cgroups.ts';
import { captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { NEWER_BPFTRACE } from '../../parts/typecheck.ts';

const COUNT = 200;
const AT_ONCE = 8;

/** Perl: five datagrams of 100 B to itself. */
const BRIEF = `
  use Socket; my ($a, $b, $buf);
  socket($_, PF_INET, SOCK_DGRAM, 0) && bind($_, sockaddr_in(0, INADDR_LOOPBACK)) or die for $a, $b;
  connect($a, getsockname($b)) or die;
  for (1 .. 5) { send($a, "x" x 100, 0) or die; recv($b, $buf, 4096, 0) }`;

describeWith(['ebpf', 'newer-bpftrace'], 'containers that live for less than a second', () => {
  let running: TestCapture | undefined;
  afterEach(() => running?.capture.stop());

  it.each([
    ['the distribution', 'bpftrace'],
    ['Debian 13', NEWER_BPFTRACE],
  ])(`${COUNT} of them, with bpftrace of %s: every one named`, async (_, bpftrace) => {
    const parent = `tidegauge-brief-${process.pid}`;
    const ids = Array.from({ length: COUNT }, (_, i) =>
      createHash('sha256').update(`${parent} ${i}`).digest('hex'),
    );
    running = await captureFrames({ bpftrace });
    const waiting = [...ids];
    const live = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const container = await makeCgroup(`${parent}/docker-${id}.scope`);
        await container.perl(BRIEF);
        await container.remove();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, live));
    rmdirSync(join((await findCgroupMount()) ?? '', parent));
    await running.settled();
    const { frames } = running;
    for (const id of ids) {
      const name = `docker:${id.slice(0, 12)}`;
      for (const direction of ['send', 'receive'] as const) {
        expect(trafficOf(frames, name, direction)).toEqual({ messages: 5, bytes: 500, sizes: [[64, 5]] });
      }
      expect(frames.filter(frame => frame.started.includes(name))).toHaveLength(1);
      expect(frames.filter(frame => frame.ended.includes(name))).toHaveLength(1);
    }
  });
});
