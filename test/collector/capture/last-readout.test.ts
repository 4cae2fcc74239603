import { expect, it } from '@jest/globals';
import { findProbe } from '../../../bpf/index.ts';
import { Pipeline } from '../../../collector/frames/pipeline.ts';
import { replayRecording } from '../../../collector/recording/replay.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { breaks } from '../../parts/kernel/capture.ts';

/** Of bpftrace that ends by SIGINT while a tick's readout is under way, as 0.17 was seen to print it. */

const S = 1e9;
const SENDER = '77';

const say = (text: string) => JSON.stringify({ type: 'printf', data: `${text}\n` });
const begin = (second: number) => say(`begin ${second * S} packed 1000 65536`);
const flip = (second: number, set: 'a' | 'b') => say(`flip ${second * S} ${set}`);
const end = (second: number) => say(`end ${second * S}`);
/** So many messages of 10 B of one cgroup. */
const map = (name: string, messages: number, cgroup = SENDER) =>
  JSON.stringify({
    type: 'map',
    data: { [name]: { [Number(cgroup) * 128]: messages * 2 ** 35 + messages * 10 } },
  });
const total = (name: string, messages: number) => JSON.stringify({ type: 'map', data: { [name]: messages } });

const FIRST = [begin(1), flip(2, 'a'), map('@send_a', 1), total('@events_a', 1), end(2)];

/** Sent in each frame, with what is wrong with it; and what the collector could not make sense of. */
function read(lines: readonly string[]) {
  const probe = findProbe('packed');
  if (!probe) throw new Error('no such probe');
  const usual = { intervalMs: 1000, mapKeys: 65_536, maxContainers: 9, previous: null };
  const pipeline = new Pipeline(probe, { ...usual, host: 'h' });
  const frames = lines.flatMap(text => pipeline.feed({ kind: 'line', text, wall: 1e12, boot: 1e6 }));
  const early = frames.length;
  frames.push(...pipeline.finish());
  expect(breaks(frames)).toEqual([]);
  expect(pipeline.finish()).toEqual([]);
  const { garbage, duplicates, lost } = pipeline.builder.counters;
  return { frames: frames.map(summary), early, counters: { garbage, duplicates, lost } };
}

const summary = ({ durationMs, faults, windows }: Frame) =>
  [durationMs, faults.join(), windows.reduce((sum, { messages }) => sum + messages, 0)] as const;

const WELL = { garbage: 0, duplicates: 0, lost: 0 };

it('of a tick that bpftrace never came to is what it prints as it exits', () => {
  const last = [say(`detach ${4 * S}`), flip(4, 'a'), map('@send_a', 2), total('@events_a', 2), end(4)];
  const exit = [total('@events_a', 0), total('@events_b', 7), map('@receive_b', 3), map('@send_b', 4)];
  expect(read([...FIRST, ...last, ...exit])).toEqual({
    frames: [
      [1000, 'attach', 1],
      [2000, 'detach', 9],
    ],
    early: 1,
    counters: WELL,
  });
});

it('of a tick that was cut off is taken once, whether or not it is printed again', () => {
  const cut = [flip(3, 'b'), map('@send_b', 4)];
  const last = [say(`detach ${4 * S}`), flip(4, 'a'), map('@send_a', 2), total('@events_a', 2), end(4)];
  for (const again of [[], [map('@send_b', 4)]]) {
    const exit = [map('@receive_b', 3), total('@events_b', 7), ...again];
    expect(read([...FIRST, ...cut, ...last, ...exit])).toEqual({
      frames: [
        [1000, 'attach', 1],
        [2000, 'detach', 9],
      ],
      early: 1,
      counters: WELL,
    });
  }
});

it('is the same whatever comes first of a tick and of the end, which two processors have said', () => {
  const tick = [flip(3, 'b'), map('@send_b', 4), total('@events_b', 4), end(3)];
  const last = [say(`detach ${4 * S}`), flip(4, 'a'), map('@send_a', 2), total('@events_a', 2), end(4)];
  const more = tick.with(-1, say(`more ${3 * S}`));
  const orders = [
    [...last, ...tick],
    [...last, ...more],
    [last[0] ?? '', ...tick, ...last.slice(1)],
    [...tick.slice(0, -1), ...last, ...tick.slice(-1)],
    [...tick.slice(0, -1), ...last, ...more.slice(-1)],
  ];
  for (const order of orders) {
    expect(read([...FIRST, ...order])).toEqual({
      frames: [
        [1000, 'attach', 1],
        [2000, 'detach', 6],
      ],
      early: 1,
      counters: WELL,
    });
  }
});

it('is complete when bpftrace is gone, which begins anew after that', async () => {
  const last = [say(`detach ${3 * S}`), flip(3, 'b'), map('@send_b', 5), end(3), map('@send_a', 1)];
  const anew = [begin(5), flip(6, 'a'), map('@send_a', 2), end(6)];
  expect(read([...FIRST, ...last, ...anew])).toEqual({
    frames: [
      [1000, 'attach', 1],
      [1000, 'detach', 6],
      [2000, 'restart', 0],
      [1000, 'attach', 2],
    ],
    early: 4,
    counters: WELL,
  });
  const source = (async function* () {
    yield* [...FIRST, ...last];
  })();
  const replayed: Frame[] = [];
  for await (const frame of replayRecording(source, { place: 'test', start: 0 })) replayed.push(frame);
  expect(replayed.map(summary)).toEqual([
    [1000, 'attach', 1],
    [1000, 'detach', 6],
  ]);
});
