import { PROBES } from '../../../bpf/index.ts';
import type { Event } from '../../../collector/contract.ts';
import { parseLine } from '../../../collector/decode/parse.ts';
import { Pipeline } from '../../../collector/frames/pipeline.ts';
import { replayRecording } from '../../../collector/recording/replay.ts';
import { TidegaugeError } from '../../../core/errors.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../core/traffic/frame.ts';
import { checkFrame } from '../../../store/check.ts';
import type { Random } from '../../../test/data/random.ts';
import type { Target, Verdict } from '../contract.ts';
import { bareLines, golden } from '../corpus.ts';
import { broken, mustEqual } from '../fuzz.ts';
import { mutateLines, mutateText } from '../mutate.ts';

/** Output of bpftrace: single lines, whole captures, and recordings of them. */

const nothing = async () => {};

export const lines: Target = {
  name: 'lines',
  what: 'single lines of bpftrace, read as the output of any probe',
  share: 0.2,
  async prepare() {
    const corpus = [
      ...golden('bare.ndjson'),
      ...golden('packed-kprobe.ndjson'),
      ...bareLines('flows.ndjson'),
    ];
    return {
      async play(random) {
        const events = parseLine(random.pick(PROBES), mutateText(random.pick(corpus), random));
        for (const event of events) checkEvent(event);
        return events.some(({ kind }) => kind === 'garbage') ? 'refused' : 'accepted';
      },
      stop: nothing,
    };
  },
};

/** What is not understood is garbage; all that is understood is whole. */
function checkEvent(event: Event): void {
  if ('ns' in event && !(event.ns >= 0)) throw broken(`${event.kind} at ${event.ns}`);
  if (event.kind === 'lost') mustBeCount('lost events', event.events);
  if (event.kind === 'total') mustBeCount('a total', event.messages);
  if (event.kind !== 'counts') return;
  mustBeCount('entries', event.entries);
  for (const bytes of event.traffic?.bytes ?? []) mustBeCount('bytes', bytes);
  for (const messages of event.traffic?.messages ?? []) mustBeCount('messages', messages);
  for (const messages of event.flows?.messages ?? []) mustBeCount('messages of a talk', messages);
  for (const bytes of event.flows?.bytes ?? []) mustBeCount('bytes of a talk', bytes);
  for (const { count } of [...event.ends, ...event.connections]) mustBeCount('connections', count);
  for (const { clientPort } of event.clients) mustBeCount("a client's port", clientPort);
}

function mustBeCount(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw broken(`${what}: ${value} is no count`);
}

const BOOT_MS = 2 ** 50;

export const captures: Target = {
  name: 'captures',
  what: 'the whole output of bpftrace, from its first line to frames',
  share: 0.1,
  async prepare() {
    const corpus = [
      { probe: 'lhist', lines: golden('bare.ndjson') },
      { probe: 'packed', lines: golden('packed-kprobe.ndjson') },
      { probe: 'flows', lines: bareLines('flows.ndjson') },
    ];
    return {
      async play(random) {
        const capture = random.pick(corpus);
        return playCapture(capture.probe, mutateLines(capture.lines, random));
      },
      stop: nothing,
    };
  },
};

function playCapture(name: string, lines: readonly string[]): Verdict {
  const probe = PROBES.find(each => each.name === name);
  if (!probe) throw broken(`no probe ${name}`);
  const pipeline = new Pipeline(probe, BUILDER);
  const frames: Frame[] = [];
  let counted = 0;
  for (const text of lines) {
    const made = pipeline.feed({ kind: 'line', text, wall: BOOT_MS, boot: BOOT_MS });
    const { garbage } = pipeline.builder.counters;
    if (made.length > 0) {
      const marked = made.some(frame => frame.faults.includes('garbage'));
      if (marked !== garbage > counted)
        throw broken(`${garbage - counted} lines not understood, frame marked: ${marked}`);
      counted = garbage;
    }
    frames.push(...made);
  }
  checkFrames(frames, BUILDER.previous);
  const { garbage, lost, duplicates } = pipeline.builder.counters;
  return garbage + lost + duplicates > 0 || frames.some(({ faults }) => faults.length > 1)
    ? 'refused'
    : 'accepted';
}

const BUILDER = { host: 'fuzz', intervalMs: 200, mapKeys: 65_536, maxContainers: 10_000, previous: null };

/** Whatever came in: frames are valid, a store takes them, and each names the one before it. */
function checkFrames(frames: readonly Frame[], first: number | null): void {
  let previous = first;
  for (const frame of frames) {
    mustEqual('a frame that was read back', decodeFrame(encodeFrame(frame), 'fuzz'), frame);
    checkFrame(frame);
    mustEqual('the frame before', frame.previous, previous);
    if (previous !== null && frame.start <= previous) throw broken(`frame ${frame.start} after ${previous}`);
    previous = frame.start;
  }
}

export const recordings: Target = {
  name: 'recordings',
  what: 'recordings of `run --record`, replayed',
  share: 0.1,
  async prepare() {
    const corpus = [golden('lhist.ndjson'), golden('flows.ndjson')];
    return { play: random => playRecording(mutateLines(random.pick(corpus), random), random), stop: nothing };
  },
};

async function playRecording(lines: readonly string[], random: Random): Promise<Verdict> {
  const frames: Frame[] = [];
  let skipped = 0;
  const source = (async function* () {
    yield* lines;
  })();
  const start = random.integer(0, 2e12);
  try {
    for await (const frame of replayRecording(source, { place: 'fuzz', start, onSkipped: () => skipped++ }))
      frames.push(frame);
  } catch (error) {
    if (error instanceof TidegaugeError) return 'refused';
    throw error;
  }
  checkFrames(frames, frames[0]?.previous ?? null);
  return skipped > 0 || frames.some(({ faults }) => faults.includes('garbage')) ? 'refused' : 'accepted';
}
