import { afterEach, expect, it } from '@jest/globals';
import { flows } from '../../bpf/flows.ts';
import { textOf } from '../../bpf/program.ts';
import { adapt, bpftraceVersionOf } from '../../bpf/quirks.ts';
import { bpftraceVersion, startBpftrace } from '../../collector/capture/bpftrace.ts';
import type { Event } from '../../collector/contract.ts';
import { parseLine } from '../../collector/decode/parse.ts';
import { systemClock } from '../../core/clock.ts';
import { makeCgroup } from '../parts/kernel/cgroup.ts';
import { describeWith } from '../parts/need.ts';
import { NEWER_BPFTRACE } from '../parts/typecheck.ts';

describeWith(['ebpf', 'newer-bpftrace'], 'paths of cgroups', () => {
  let stop: (() => Promise<void>) | undefined;
  afterEach(() => stop?.());

  it.each([
    ['the distribution', 'bpftrace'],
    ['Debian 13', NEWER_BPFTRACE],
  ])('are what they are at birth and at death, with bpftrace of %s', async (_, program) => {
    const text = adapt(textOf('connections.bt'), bpftraceVersionOf(await bpftraceVersion(program)));
    const bpftrace = startBpftrace({ executable: program, text, mapKeys: 64 }, systemClock);
    stop = () => bpftrace.stop();
    const names = ['plain', `x${'y'.repeat(120)}`, 'ev"il\\\\n,a=b\t\'ü\u{1F30A} \\'].map(
      name => `tidegauge-path-${process.pid}-${name}`,
    );
    const ours = new Set<string>();
    const told: Event[] = [];
    for await (const line of bpftrace.lines) {
      const events = parseLine(flows, line ?? '');
      if (events.some(({ kind }) => kind === 'begin')) {
        for (const name of names) {
          const made = await makeCgroup(name);
          ours.add(made.id);
          await made.remove();
        }
      }
      told.push(...events.filter(event => 'cgroup' in event && ours.has(event.cgroup)));
      if (told.length >= 2 * names.length) break;
    }
    expect(told).toEqual(
      names.flatMap(name =>
        ['birth', 'death'].map(kind => expect.objectContaining({ kind, path: `/${name}`, cut: false })),
      ),
    );
  });
});
