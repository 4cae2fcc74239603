/**
 * What judging costs: the fold with the rules of a fresh install, on one core, against a loop that only adds up the
 * same windows. Windows are what the fold has to look at: two for each container.
 */
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import { configSchema } from '../../../core/config/config.ts';
import type { Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../../detector/index.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';

const ROUNDS = 7;
/** Frames before the first round: warmed up, slices of the baseline finished. */
const WARM_UP = 60;
/** Windows that a round has, so that it lasts long enough to be measured. */
const WINDOWS = 100_000;
/** The loop is so fast that it goes over the same windows several times. */
const REPEATS = 50;

/** The whole fold of a host: detectors and stages. */
function hostFold() {
  const { detectors, alert } = configSchema(DETECTORS, [], DEFAULT_RULES).parse({});
  return createHostFold({
    fold: createFold({ rules: detectors, detectors: DETECTORS }),
    pipeline: createPipeline({ alert, receivers: [] }),
  });
}

/** Seconds that `action` takes. */
function seconds(action: () => void): number {
  const begun = performance.now();
  action();
  return (performance.now() - begun) / 1000;
}

/** Windows per second of the fold and of the loop, by round. */
async function measure(containers: number) {
  const fold = hostFold();
  const parts = busyParts(containers);
  let state = fold.init();
  let n = 0;
  const judge = (frames: readonly Frame[]) => {
    for (const frame of frames) state = fold.step(state, frame).state;
  };
  const make = (count: number) => Array.from({ length: count }, () => frameOf('bench', n++, parts));
  judge(make(WARM_UP));
  const size = Math.ceil(WINDOWS / (2 * containers));
  let frames = make(size);
  const windows = () => frames.reduce((sum, frame) => sum + frame.windows.length, 0);
  // The sum is returned and looked at, so that the loop is not optimized away.
  let sum = 0;
  const numbers = await inTurn(ROUNDS, {
    fold: () => {
      frames = make(size);
      return windows() / seconds(() => judge(frames));
    },
    loop: () => {
      const taken = seconds(() => {
        for (let i = 0; i < REPEATS; i++) sum += addUp(frames);
      });
      return (windows() * REPEATS) / taken;
    },
  });
  if (!(sum > 0)) throw new Error('nothing was added up');
  return { ...numbers, windowsPerFrame: windows() / size };
}

/** The least that anybody has to do who looks at each window. */
function addUp(frames: readonly Frame[]): number {
  let sum = 0;
  for (const frame of frames) for (const window of frame.windows) sum += window.bytes + window.messages;
  return sum;
}

const thousands = (n: number) => Math.round(n).toLocaleString('en-US');

/** Frames and windows per second of the fold at 100 and 1,000 containers. */
export async function foldBench(): Promise<BenchTable[]> {
  const tables: BenchTable[] = [];
  for (const containers of [100, 1000]) {
    const { fold, loop, windowsPerFrame } = await measure(containers);
    const ratios = fold.map((rate, i) => rate / (loop[i] ?? Number.NaN));
    const row = (name: string, value: string) => ({
      name,
      value,
      ratio: median(ratios).toFixed(4),
      spread: `${Math.min(...ratios).toFixed(4)} to ${Math.max(...ratios).toFixed(4)}`,
    });
    tables.push({
      title: `Fold on one core, ${thousands(containers)} containers, against a loop that adds up the same windows`,
      rows: [
        row('frames', `${thousands(median(fold) / windowsPerFrame)}/s`),
        row('windows', `${thousands(median(fold))}/s`),
        {
          name: 'windows, only added up',
          value: `${thousands(median(loop))}/s`,
          ratio: '1',
          spread: spread(loop.map(() => 1)),
        },
      ],
    });
  }
  return tables;
}
