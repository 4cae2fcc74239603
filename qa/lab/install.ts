import { type HostOutput, stepOver } from '../../alert/host.ts';
import { makeFold, makeState, makeStore } from '../../app/wire.ts';
import { systemClock } from '../../core/clock.ts';
import type { Config } from '../../core/config/config.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Log } from '../../core/log.ts';
import { type Frame, frameEnd } from '../../core/traffic/frame.ts';
import { NOTHING_RAISED } from '../../detector/fold/marks.ts';

/** Frames of one write. */
const BATCH = 200;
export const NO_LOG: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

/**
 * Leaves store and state of a configuration as they are when a worker has judged these frames of one host, in order: with
 * detections, what is expected, annotations, incidents and a checkpoint. Throws when a detector cannot digest one.
 */
export async function install(config: Config, frames: readonly Frame[]): Promise<void> {
  const store = makeStore(config, NO_LOG);
  await store.open();
  for (let i = 0; i < frames.length; i += BATCH) await store.writeFrames(frames.slice(i, i + BATCH));
  const { outputs, last, data, fingerprint } = judged(config, frames);
  await store.writeDetections(outputs.flatMap(({ detections }) => detections));
  await store.writeExpected(outputs.flatMap(({ expected }) => expected));
  await store.writeAnnotations(outputs.flatMap(({ annotations }) => annotations));
  await store.close();
  const state = makeState(config, systemClock, NO_LOG);
  await state.open();
  const lease = await state.acquire('lane-0', 'install', 60_000);
  if (!lease || !last) throw new Error(lease ? 'no frames' : 'somebody works on this state');
  const incidents = new Map<string, Incident>();
  for (const output of outputs) for (const one of output.incidents) incidents.set(one.id, one);
  await state.commit(lease, { incidents: [...incidents.values()], notifications: [] });
  await state.saveCheckpoint(lease, { host: last.host, last: last.start, fingerprint, data });
  await state.release(lease);
  await state.close();
}

/** Frames as if the last of them had ended then, epoch ms. */
export function endingAt(frames: readonly Frame[], end: number): Frame[] {
  const last = frames.at(-1);
  const shift = last ? Math.floor(end - frameEnd(last)) : 0;
  return frames.map(frame => ({
    ...frame,
    start: frame.start + shift,
    previous: frame.previous === null ? null : frame.previous + shift,
  }));
}

function judged(config: Config, frames: readonly Frame[]) {
  const fold = makeFold(config);
  const outputs: HostOutput[] = [];
  let known = fold.init();
  for (const frame of frames) {
    const step = stepOver(fold, known, frame, NOTHING_RAISED, error => {
      throw error;
    });
    if (!step) continue;
    const { state, ...output } = step;
    known = state;
    outputs.push(output);
  }
  return { outputs, last: frames.at(-1), data: fold.encode(known), fingerprint: fold.fingerprint };
}
