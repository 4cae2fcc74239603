import { findProbe } from '../../bpf/index.ts';
import { printable, TidegaugeError } from '../../core/errors.ts';
import type { Frame } from '../../core/traffic/frame.ts';
import { parseLine } from '../decode/parse.ts';
import { Pipeline } from '../frames/pipeline.ts';
import { LIMITS } from '../limits.ts';
import { decodeHeader, decodeInput, type RecordingHeader } from './record.ts';

export interface ReplayOptions {
  /** Where the lines come from, for messages. */
  readonly place: string;
  /** Host of the frames; a recording brings its own, which this replaces. */
  readonly host?: string;
  /** Wall time of the first line of bare bpftrace output, epoch ms. A recording brings its own times. */
  readonly start: number;
  /** Told of each line that is no input, by its number. */
  readonly onSkipped?: (lineNumber: number) => void;
}

/** Bare output has no clock readings; with this one every kernel time is in the past. */
const BARE_BOOT_MS = 2 ** 50;

/**
 * The frames of a recording, or of the bare output of `bpftrace -f json` with one of our probes. Throws a
 * TidegaugeError when the first lines are neither.
 */
export async function* replayRecording(
  source: AsyncIterable<string>,
  options: ReplayOptions,
): AsyncIterable<Frame> {
  let replay: Replay | null = null;
  let number = 0;
  for await (const line of source) {
    number++;
    if (line.trim() === '') continue;
    if (replay === null) {
      const header = decodeHeader(line, options.place);
      if (header) {
        replay = recorded(header, options);
        continue;
      }
      replay = bare(options);
    }
    const frames = replay.line(line);
    if (frames === null) options.onSkipped?.(number);
    else yield* frames;
  }
  if (replay === null) throw noRecording(options.place, 'nothing');
  yield* replay.end();
}

interface Replay {
  /** The frames that a line completes; null when it is no input. */
  line(text: string): Frame[] | null;
  /** What is complete now that nothing more comes. */
  end(): Frame[];
}

function recorded(header: RecordingHeader, options: ReplayOptions): Replay {
  const { tidegauge: _mark, version: _version, probe: name, ...builder } = header;
  const probe = findProbe(name);
  if (!probe)
    throw noRecording(options.place, `the probe ${printable(name)}, which this version does not have`);
  const pipeline = new Pipeline(probe, { ...builder, host: options.host ?? builder.host });
  return {
    line(text) {
      const input = decodeInput(text);
      return input && pipeline.feed(input);
    },
    end: () => pipeline.finish(),
  };
}

function bare({ place, host = 'replay', start }: ReplayOptions): Replay {
  let pipeline: Pipeline | null = null;
  let wall = 0;
  const line = (text: string): Frame[] => {
    if (pipeline === null) {
      const begin = beginOf(text);
      if (!begin) {
        if (isBpftrace(text)) return [];
        throw noRecording(place, printable(text, 80));
      }
      const probe = findProbe(begin.probe);
      if (!probe) throw noRecording(place, `the probe ${begin.probe}, which this version does not have`);
      const { intervalMs, mapKeys } = begin;
      const maxContainers = LIMITS.containers;
      pipeline = new Pipeline(probe, { host, intervalMs, mapKeys, maxContainers, previous: null });
      wall = Math.round(start - begin.ns / 1e6 + BARE_BOOT_MS);
    }
    return pipeline.feed({ kind: 'line', text, wall, boot: BARE_BOOT_MS });
  };
  return { line, end: () => pipeline?.finish() ?? [] };
}

/** Any probe can read a `begin`. */
function beginOf(line: string) {
  const probe = findProbe('auto');
  const event = probe && parseLine(probe, line)[0];
  return event?.kind === 'begin' ? event : null;
}

/** bpftrace writes a line of its own before the first one of the probe. */
function isBpftrace(line: string): boolean {
  const probe = findProbe('auto');
  return probe !== undefined && parseLine(probe, line)[0]?.kind === 'attached';
}

function noRecording(place: string, found: string): TidegaugeError {
  return new TidegaugeError({
    place,
    expected:
      'a recording of `tidegauge run --record`, or the output of bpftrace -f json with a probe of bpf/',
    found,
    remedy: 'Record one with `tidegauge run --record FILE`.',
  });
}
