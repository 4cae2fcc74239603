import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ReplayOptions, replayRecording } from '../../../collector/recording/replay.ts';
import { TidegaugeError } from '../../../core/errors.ts';
import { DIRECTIONS, decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { breaks, trafficOf } from '../../parts/kernel/capture.ts';

const START = 1_600_000_000_000;

const golden = (name: string): string[] =>
  readFileSync(new URL(`../../golden/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

async function replay(lines: readonly string[], options: Partial<ReplayOptions> = {}): Promise<Frame[]> {
  const source = (async function* () {
    yield* lines;
  })();
  const frames: Frame[] = [];
  for await (const frame of replayRecording(source, { place: 'file', start: START, ...options }))
    frames.push(frame);
  return frames;
}

describe('a recording', () => {
  const recorded = golden('lhist.frames.ndjson');

  it('gives the frames of the live capture, byte for byte, each time', async () => {
    for (const _ of [1, 2]) expect((await replay(golden('lhist.ndjson'))).map(encodeFrame)).toEqual(recorded);
  });

  it('holds what the containers were made to do', async () => {
    const frames = await replay(golden('lhist.ndjson'));
    expect(trafficOf(frames, 'job', 'send')).toEqual({
      messages: 20,
      bytes: 650_000,
      sizes: [
        [0, 10],
        [61_440, 10],
      ],
    });
    expect(trafficOf(frames, '/golden "quoted"\\ ü,=', 'receive')).toEqual({
      messages: 10,
      bytes: 20_800,
      sizes: [
        [64, 5],
        [4096, 5],
      ],
    });
  });

  it('can be given another host', async () => {
    const frames = await replay(golden('lhist.ndjson'), { host: 'elsewhere' });
    expect(new Set(frames.map(frame => frame.host))).toEqual(new Set(['elsewhere']));
  });

  it('that was cut off gives all frames up to there, and the line is told', async () => {
    const lines = golden('lhist.ndjson');
    const half = lines.length >> 1;
    const skipped: number[] = [];
    const frames = await replay([...lines.slice(0, half), (lines[half] ?? '').slice(0, 20)], {
      onSkipped: number => skipped.push(number),
    });
    expect(frames.map(encodeFrame)).toEqual(recorded.slice(0, frames.length));
    expect(frames.length).toBeGreaterThan(0);
    expect(skipped).toEqual([half + 1]);
  });

  it('with any lines damaged, doubled or missing still gives valid frames in a row', async () => {
    const lines = golden('lhist.ndjson');
    const damage = fc.record({
      at: fc.integer({ min: 1, max: lines.length - 1 }),
      how: fc.constantFrom('cut', 'twice', 'gone'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { maxLength: 10 }), async damages => {
        const hurt = lines.flatMap((line, i) => {
          const how = damages.find(one => one.at === i)?.how;
          return how === 'gone'
            ? []
            : how === 'twice'
              ? [line, line]
              : how === 'cut'
                ? [line.slice(0, -9)]
                : [line];
        });
        const frames = await replay(hurt);
        expect(breaks(frames)).toEqual([]);
        for (const frame of frames) expect(decodeFrame(encodeFrame(frame), 'test')).toEqual(frame);
      }),
      { numRuns: 30 },
    );
  });
});

describe("bpftrace's bare output", () => {
  it('gives the same traffic from the start that is given', async () => {
    const bare = await replay(golden('bare.ndjson'), { host: 'h' });
    const live = (await replay(golden('lhist.ndjson'))).slice(0, bare.length);
    expect(bare[0]).toMatchObject({ host: 'h', start: START, previous: null });
    expect(bare.map(frame => frame.durationMs)).toEqual(live.map(frame => frame.durationMs));
    for (const direction of DIRECTIONS) {
      const total = (frame: Frame) =>
        frame.windows.filter(w => w.direction === direction).reduce((sum, w) => sum + w.messages, 0);
      expect(bare.map(total)).toEqual(live.map(total));
    }
  });
});

describe('output of the packed probe at kprobes, made by hand: three parts of an interval, then a partial one', () => {
  it('gives one frame an interval, with what the parts add up to and what is missing in them', async () => {
    const frames = await replay(golden('packed-kprobe.ndjson'));
    expect(frames.map(({ durationMs, faults, lost }) => ({ durationMs, faults, lost }))).toEqual([
      { durationMs: 12_000, faults: ['attach', 'lost-events'], lost: 1 },
      { durationMs: 1000, faults: [], lost: 0 },
    ]);
    expect(frames[0]?.windows).toEqual([
      {
        container: 'docker:0123456789ab',
        direction: 'send',
        messages: 2 + 12 + 9000,
        bytes: 12 * 100 + 9000 * 100_000,
        sizes: [
          [0, 2],
          [64, 12],
          [65_536, 9000],
        ],
      },
      {
        container: 'docker:0123456789ab',
        direction: 'receive',
        messages: 3,
        bytes: 3 * 5000,
        sizes: [[4096, 3]],
      },
      { container: 'other', direction: 'send', messages: 2, bytes: 0, sizes: [[0, 2]] },
    ]);
  });
});

describe('a file that is neither', () => {
  it.each<[string, string[]]>([
    ['nothing', []],
    ['nothing', ['', ' ']],
    ['hello', ['hello']],
    ['version', ['{"tidegauge":"recording","version":99}']],
    [
      'the probe nonsense',
      [
        '{"tidegauge":"recording","version":1,"probe":"nonsense","host":"h","intervalMs":1,"mapKeys":1,"maxContainers":1,"previous":null}',
      ],
    ],
    ['the probe nonsense', ['{"type":"printf","data":"begin 1 nonsense 1 1\\n"}']],
  ])('is refused: %s', async (found, lines) => {
    const error = await replay(lines).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TidegaugeError);
    expect((error as TidegaugeError).message).toContain(found);
    expect((error as TidegaugeError).message).toContain('file');
  });
});
