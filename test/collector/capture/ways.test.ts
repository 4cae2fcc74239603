import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { checkMachine } from '../../../collector/capture/preflight.ts';
import type { Direction } from '../../../core/traffic/frame.ts';
import { captureConfig, captureFrames, type TestCapture, trafficOf } from '../../parts/kernel/capture.ts';
import { makeCgroup } from '../../parts/kernel/cgroup.ts';
import { describeWith } from '../../parts/need.ts';
import { temporaryFolder } from '../../parts/process.ts';
import { NEWER_BPFTRACE } from '../../parts/typecheck.ts';

/** What the calls of a way returned, or what this kernel lacks for it. */
type Outcome = { sent: number; received: number } | { lacks: string; errno: string };

const SOURCE = join(import.meta.dirname, '../../parts/kernel/ways/ways.c');
const folder = temporaryFolder();
const program = join(folder.path, 'ways');
afterAll(() => folder.remove());

/** Make the program; the names of its ways. */
function compile(): string[] {
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-o', program, SOURCE]);
  return execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
}

/** Both attach to sends and receives in a way of their own, and compile the same text differently. */
for (const { of, bpftrace, needs } of [
  { of: 'the distribution', bpftrace: 'bpftrace', needs: ['ebpf', 'cc'] },
  { of: 'Debian 13', bpftrace: NEWER_BPFTRACE, needs: ['ebpf', 'cc', 'newer-bpftrace'] },
] as const) {
  describeWith(needs, `each way, counted to the byte by bpftrace of ${of}`, () => {
    let running: TestCapture;
    const ways = compile();
    const outcomes = new Map<string, Outcome>();
    const cgroupOf = (way: string) => `tidegauge-way-${process.pid}-${way}`;

    beforeAll(async () => {
      running = await captureFrames({ bpftrace });
      for (const way of ways) {
        const cgroup = await makeCgroup(cgroupOf(way));
        const child = cgroup.start(program, way);
        if ((await child.exited) !== 0) throw new Error(`${way}: ${child.output}`);
        outcomes.set(way, JSON.parse(/^\{.*\}$/m.exec(child.output)?.[0] ?? ''));
        await cgroup.remove();
      }
      await running.settled();
    });
    afterAll(async () => {
      await running.capture.stop();
      const lacking = [...outcomes].flatMap(([way, one]) =>
        'lacks' in one ? [`${way}: ${one.lacks}: ${one.errno}`] : [],
      );
      if (lacking.length > 0) process.stderr.write(`This kernel lacks\n  ${lacking.join('\n  ')}\n`);
    });

    it.each(ways)('%s', way => {
      const outcome = outcomes.get(way);
      const { sent, received } = { sent: 0, received: 0, ...outcome };
      const bytes = (direction: Direction) => trafficOf(running.frames, `/${cgroupOf(way)}`, direction).bytes;
      expect([bytes('send'), bytes('receive')]).toEqual([sent, received]);
      const flows = running.frames
        .flatMap(frame => frame.flows)
        .filter(({ container }) => container === `/${cgroupOf(way)}`);
      const sum = (of: 'sentBytes' | 'receivedBytes') => flows.reduce((all, flow) => all + flow[of], 0);
      expect([sum('sentBytes'), sum('receivedBytes')]).toEqual([sent, received]);
      // A socket of TCP knows its peer, however its bytes are taken. (What MPTCP accepts carries no backlog: with two
      // high ports, as here, nobody knows who serves.)
      const strangers = flows.filter(
        ({ protocol, peerKind }) => protocol === 'tcp' && peerKind === 'unknown',
      );
      if (!way.startsWith('mptcp')) expect(strangers).toEqual([]);
    });
  });
}

describeWith(['ebpf', 'cc'], 'each way with capture.zerocopy: off', () => {
  const cgroupOf = (way: string) => `tidegauge-way-${process.pid}-off-${way}`;

  it('a receive is counted to the byte, a splice out of TCP is not seen, and the doctor says so', async () => {
    compile();
    const running = await captureFrames({ zerocopy: 'off' });
    const outcomes = new Map<string, { sent: number; received: number }>();
    for (const way of ['send_recv', 'write_read', 'udp_sendto_recvfrom', 'splice_out']) {
      const cgroup = await makeCgroup(cgroupOf(way));
      const child = cgroup.start(program, way);
      expect(await child.exited).toBe(0);
      outcomes.set(way, JSON.parse(/^\{.*\}$/m.exec(child.output)?.[0] ?? ''));
      await cgroup.remove();
    }
    await running.settled();
    await running.capture.stop();
    for (const [way, { sent, received }] of outcomes) {
      const bytes = (direction: Direction) => trafficOf(running.frames, `/${cgroupOf(way)}`, direction).bytes;
      expect(received).toBeGreaterThan(0);
      expect({ way, sent: bytes('send'), received: bytes('receive') }).toEqual({
        way,
        sent,
        received: way === 'splice_out' ? 0 : received,
      });
    }
    const checks = await checkMachine(captureConfig({ zerocopy: 'off' }));
    expect(checks.find(({ name }) => name === 'coverage')).toMatchObject({
      ok: false,
      found: expect.stringMatching(/splice\(\) out of TCP sockets.*\(capture\.zerocopy is off\)/),
    });
  });
});
