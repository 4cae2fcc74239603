import { expect, it } from '@jest/globals';
import { findProbe } from '../../../bpf/index.ts';
import { FrameBuilder } from '../../../collector/frames/builder.ts';
import { Pipeline } from '../../../collector/frames/pipeline.ts';
import { checkFrame } from '../../../store/check.ts';

const OPTIONS = { host: 'h', intervalMs: 200, mapKeys: 1024, maxContainers: 10, previous: null };
const BOOT_MS = 100_000;

it('connections of an unknown cgroup whose totals were not understood are of `other`, which is in the frame', () => {
  const probe = findProbe('flows');
  if (!probe) throw new Error('no probe');
  const pipeline = new Pipeline(probe, OPTIONS);
  const printed = (data: string) => JSON.stringify({ type: 'printf', data: `${data}\n` });
  const end = '4711,2,80,4026531833,::ffff:127.0.0.1,::ffff:127.0.0.1';
  const lines = [
    printed('begin 1000000000 flows 200 1024'),
    printed('flip 1200000000 a'),
    JSON.stringify({ type: 'map', data: { '@ends_a': { [end]: 4 } } }),
    '{"type": "map", "data": {"@conns_a": {"4711,2": 4',
    printed('end 1200000000'),
  ];
  const [frame] = lines.flatMap(text => pipeline.feed({ kind: 'line', text, wall: 1e12, boot: BOOT_MS }));
  expect(frame?.faults).toContain('garbage');
  expect(frame?.containers.map(({ name }) => name)).toEqual(['other']);
  expect(frame?.flows).toMatchObject([{ container: 'other', failures: 4 }]);
  // A store refuses frames with flows of nobody: such a frame would be lost as a whole.
  expect(() => frame && checkFrame(frame)).not.toThrow();
});

it('cgroups that come and go without traffic leave nothing in the book of addresses', () => {
  const builder = new FrameBuilder(OPTIONS);
  const reading = { wall: 1e12, boot: BOOT_MS };
  const secondsNs = (seconds: number) => 1e9 + seconds * 1e9;
  builder.step({ kind: 'begin', ns: secondsNs(0), probe: 'flows', intervalMs: 200, mapKeys: 1024 }, reading);
  const sizes: number[] = [];
  for (let second = 1; second <= 40; second++) {
    const cgroup = String(second);
    const [ns, path] = [secondsNs(second), `/session-${second}.scope`];
    const network = { netns: 4026531833, addresses: [] };
    builder.step({ kind: 'birth', ns: ns - 9, cgroup, path, cut: false }, reading);
    builder.learn({ kind: 'networked', cgroup, network });
    builder.step({ kind: 'death', ns: ns - 8, cgroup, path, cut: false }, reading);
    builder.step({ kind: 'flip', ns, set: 'a' }, reading);
    builder.step({ kind: 'end', ns }, reading);
    sizes.push(builder.counters.peerTableEntries);
  }
  expect(builder.counters.frames).toBe(40);
  expect(sizes.at(0)).toBe(1);
  expect(Math.max(...sizes)).toBeLessThan(10);
});
