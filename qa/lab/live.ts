import { join } from 'node:path';
import { systemClock as clock } from '../../core/clock.ts';
import { formatDuration } from '../../core/config/units.ts';
import { describeError } from '../../core/errors.ts';
import { decodeFrame, type Frame } from '../../core/traffic/frame.ts';
import { type Child, temporaryFolder } from '../../test/parts/process.ts';
import { linesOf, tidegauge, writeConfig } from '../../test/parts/tidegauge.ts';
import { type LabEngine, startEngine } from './engine.ts';
import { doneOf, type Incident } from './incidents.ts';
import type { Done, Recording, Truth } from './recording.ts';
import { PROJECT, serviceOf, WORLD } from './services.ts';

export interface Settings {
  /** Before the first incident, between two of them, and after the last, ms. */
  readonly learnMs: number;
  readonly betweenMs: number;
  readonly cleanMs: number;
  readonly incidents: readonly Incident[];
}

const JOB_EVERY_MS = 60_000;
/** Longest that capture may take to begin, ms. */
const CAPTURE_MS = 120_000;

/** What a laboratory is played with. */
interface Play {
  readonly engine: LabEngine;
  readonly program: Child;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Real containers under the real program with its default rules; incidents one after the other, with clean times
 * between. When the signal is aborted, what was captured until then is returned.
 */
export async function runLaboratory(
  settings: Settings,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Recording> {
  const folder = temporaryFolder();
  tell('starting the containers');
  const engine = await startEngine();
  try {
    const data = join(folder.path, 'data');
    const capture = { docker: engine.socket };
    writeConfig(folder.path, { host: PROJECT, data, http: { listen: 'off' }, capture });
    // In a session of its own, Ctrl-C does not reach it: it ends when this process says so.
    const program = tidegauge(['run', '--quiet'], { cwd: folder.path, through: ['setsid'] });
    try {
      const truth = await play(settings, { engine, program, tell, signal });
      await program.stop('SIGINT');
      tell('reading the frames');
      return { truth, frames: await exportFrames(folder.path) };
    } finally {
      await program.stop('SIGINT');
    }
  } finally {
    tell('removing the containers');
    await engine.stop();
    folder.remove();
  }
}

async function play(settings: Settings, { engine, program, tell, signal }: Play): Promise<Truth> {
  await program.until('capture', output => output.includes('hook: '), CAPTURE_MS);
  const jobs = setInterval(() => startJob(engine, tell), JOB_EVERY_MS);
  const pause = async (ms: number, why: string) => {
    if (signal.aborted) return;
    tell(`${formatDuration(ms)} ${why}`);
    await clock.sleep(ms, signal);
    program.assertRunning();
  };
  try {
    const begun = clock.now();
    await pause(settings.learnMs, 'of learning');
    const learnt = clock.now();
    const done: Done[] = [];
    for (const [i, incident] of settings.incidents.entries()) {
      if (i > 0) await pause(settings.betweenMs, 'without an incident');
      if (signal.aborted) break;
      done.push(await inflict(incident, { engine, program, tell, signal }));
    }
    await pause(settings.cleanMs, 'without an incident');
    return { begun, learnt, ended: clock.now(), done };
  } finally {
    clearInterval(jobs);
  }
}

/** One that cannot be started is told, and missed by nobody. */
function startJob(engine: LabEngine, tell: Play['tell']): void {
  try {
    engine.startJob();
  } catch (error) {
    tell(`a job was not started: ${describeError(error)}`);
  }
}

async function inflict(incident: Incident, { engine, tell, signal }: Play): Promise<Done> {
  const lengthMs = 1000 * incident.seconds;
  tell(`${incident.kind}, ${formatDuration(lengthMs)}: ${incident.about}`);
  return doneOf(incident, await incident.play({ engine, lengthMs, clock, signal }));
}

async function exportFrames(folder: string): Promise<Frame[]> {
  const file = join(folder, 'frames.ndjson');
  await tidegauge(['review', '--from', '1d', '--export-frames', file], { cwd: folder }).ended(0);
  return linesOf(file).map((line, i) => ownOf(decodeFrame(line, `${file}, line ${i + 1}`)));
}

/** A frame without what is not the laboratory's: other programs of this machine, and the container that is the world. */
function ownOf(frame: Frame): Frame {
  const { containers, started, ended, windows, flows, connections } = frame;
  const own = containers.filter(
    ({ service }) => service.startsWith(serviceOf('')) && service !== serviceOf(WORLD),
  );
  const names = new Set(own.map(({ name }) => name));
  const isOwn = ({ container }: { readonly container: string }) => names.has(container);
  return {
    ...frame,
    containers: own,
    started: started.filter(name => names.has(name)),
    ended: ended.filter(name => names.has(name)),
    windows: windows.filter(isOwn),
    flows: flows.filter(isOwn),
    connections: connections.filter(isOwn),
  };
}
