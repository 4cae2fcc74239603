/**
 * What judging costs: the fold with the rules of a fresh install, on one core, against a loop that only decodes the same
 * frames, as a worker does before it judges them; and what its state weighs. Windows are what the fold has to look at:
 * two for each container.
 */
import { createHostFold } from '../../../alert/host.ts';
import { createPipeline } from '../../../alert/pipeline.ts';
import { configSchema } from '../../../core/config/config.ts';
import { formatSize } from '../../../core/config/units.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { createFold } from '../../../detector/fold/fold.ts';
import { DEFAULT_RULES, DETECTORS } from '../../../detector/index.ts';
import { busyParts, frameOf } from '../../../test/data/frames.ts';
import { type BenchTable, inTurn, median, spread } from '../measure.ts';
import { checkpointDelay } from './checkpoint-delay.ts';

const ROUNDS = 7;
/** Frames before the first round: warmed up, slices of the baseline finished. */
const WARM_UP = 60;
/** Windows that a round has, so that it lasts long enough to be measured. */
const WINDOWS = 100_000;
/** Hosts whose state is weighed, by containers. */
const HOSTS = [1000, 10_000];

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
  const numbers = await inTurn(ROUNDS, {
    fold: () => {
      frames = make(size);
      return windows() / seconds(() => judge(frames));
    },
    decode: () => {
      const lines = frames.map(encodeFrame);
      const taken = seconds(() => {
        for (const line of lines) decodeFrame(line, 'bench');
      });
      return windows() / taken;
    },
  });
  return { ...numbers, windowsPerFrame: windows() / size };
}

const thousands = (n: number) => Math.round(n).toLocaleString('en-US');

/** The state of a host with so many containers: its size, and what saving and reading it take, in ms. */
async function weigh(containers: number): Promise<BenchTable> {
  const fold = hostFold();
  const parts = busyParts(containers);
  let state = fold.init();
  let n = 0;
  const next = () => frameOf('bench', n++, parts);
  for (let i = 0; i < WARM_UP; i++) state = fold.step(state, next()).state;
  let text = fold.encode(state);
  const ms = (action: () => void) => 1000 * seconds(action);
  const { frame, encode, decode } = await inTurn(ROUNDS, {
    frame: () => {
      const one = next();
      return ms(() => {
        state = fold.step(state, one).state;
      });
    },
    encode: () =>
      ms(() => {
        text = fold.encode(state);
      }),
    decode: () => ms(() => fold.decode(text)),
  });
  const row = (name: string, times: readonly number[]) => {
    const ratios = times.map((time, i) => time / (frame[i] ?? Number.NaN));
    return {
      name,
      value: `${median(times).toFixed(0)} ms`,
      ratio: median(ratios).toFixed(2),
      spread: spread(ratios),
    };
  };
  return {
    title: `State of a host with ${thousands(containers)} containers, ${formatSize(JSON.stringify(state).length / containers)} of JSON each after ${WARM_UP} frames, against judging one frame`,
    rows: [row('judging a frame', frame), row('making a checkpoint', encode), row('reading it', decode)],
  };
}

/** Frames and windows per second of the fold at 100 and 1,000 containers, and the weight of its state. */
export async function foldBench(): Promise<BenchTable[]> {
  const tables: BenchTable[] = [];
  for (const containers of [100, 1000]) {
    const { fold, decode, windowsPerFrame } = await measure(containers);
    const ratios = fold.map((rate, i) => rate / (decode[i] ?? Number.NaN));
    const row = (name: string, value: string) => ({
      name,
      value,
      ratio: median(ratios).toFixed(2),
      spread: spread(ratios),
    });
    tables.push({
      title: `Fold on one core, ${thousands(containers)} containers, against a loop that decodes the same frames`,
      rows: [
        row('frames', `${thousands(median(fold) / windowsPerFrame)}/s`),
        row('windows', `${thousands(median(fold))}/s`),
        {
          name: 'windows, only decoded',
          value: `${thousands(median(decode))}/s`,
          ratio: '1',
          spread: spread(decode.map(() => 1)),
        },
      ],
    });
  }
  for (const containers of HOSTS) tables.push(await weigh(containers));
  tables.push(await checkpointDelay(hostFold));
  return tables;
}
