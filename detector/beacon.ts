import { z } from 'zod';
import { duration } from '../core/config/options.ts';
import { formatDuration, formatSize } from '../core/config/units.ts';
import type { Evidence } from '../core/incident/verdict.ts';
import type { PeerKind } from '../core/traffic/flow.ts';
import type { ContainerInput, Detector, Opinion } from './contract.ts';
import { exampleInputs } from './example-inputs.ts';
import { type Known, knownBytes, outsideOf, type Peer, peerOf, remember } from './peers.ts';
import { beat, isRegular, newRhythm, RHYTHM_BYTES, type Rhythm } from './rhythm.ts';
import { graded } from './score.ts';

/**
 * Malware calls home as machines do: at equal intervals, with messages of equal size (Hu et al., "BAYWATCH: Robust
 * Beaconing Detection", DSN 2016, whose features these are). Health checks, scrapes and polls do the same, but were
 * always there: only a conversation that began after the learning time counts, and only when nothing of its period was
 * known with such a peer. Each conversation is looked at by itself, however busy the container is.
 */

const options = z.strictObject({
  beats: z
    .int()
    .min(5)
    .max(1000)
    .default(10)
    .describe('How often something has to come back, at equal intervals and sizes, before it alarms.'),
  learn: duration({ min: '10s', max: '30d' })
    .prefault('15m')
    .describe(
      'Conversations that began in this time, in the first ten minutes after a start of the container, or within twenty of their periods, are known.',
    ),
  relearn: duration({ min: '1m', max: '7d' })
    .prefault('1h')
    .describe('What has alarmed for this long is known from then on.'),
});

type Options = z.output<typeof options>;

/** A conversation that is not known yet, or of which it is not known yet whether it has a period. */
interface Track {
  readonly id: string;
  readonly kind: PeerKind;
  readonly label: string;
  /** It is one address of many. */
  readonly single: boolean;
  /** Time watched when it began, ms. */
  readonly age: number;
  /** It began while everything is learned. */
  readonly taught: boolean;
  readonly rhythm: Rhythm;
  /** Start of the frame in which it first alarmed, epoch ms. */
  alarmed: number | null;
}

interface State {
  /** Time watched, ms. */
  watched: number;
  /** End of the last frame, epoch ms. */
  end: number | null;
  known: Known;
  /** Known periods in seconds, with which kinds of peers, and how many bytes each time. */
  periods: { kind: PeerKind; s: number; bytes: number }[];
  tracks: Track[];
}

/** What happened in a frame with one peer. */
interface Beat {
  readonly peer: Peer;
  readonly single: boolean;
  readonly messages: number;
  readonly bytes: number;
}

const LIMITS = { known: 40, tracks: 3, single: 1, periods: 6 };
const YOUNG_MS = 600_000;
/** A period is new when it was not seen for so many of them. */
const PERIODS_BEFORE = 20;
/** Periods that differ by less are the same. */
const SAME_PERIOD = 0.15;
/** What happens in every frame has no period that could be told: it is the same when its bytes are, up to this factor. */
const SAME_BYTES = 1.5;

function step(state: State, input: ContainerInput, o: Options): { state: State; opinion: Opinion } {
  const { start, durationMs } = input;
  // Nobody saw what happened in a gap: no interval reaches over it.
  if (state.end !== null && start - state.end > durationMs / 2)
    for (const { rhythm } of state.tracks) rhythm.last = null;
  state.end = start + durationMs;
  for (const one of beatsOf(input).values()) follow(state, one, input, o);
  settle(state, input, o);
  state.watched += durationMs;
  if (state.watched <= o.learn) {
    const until = start + o.learn - state.watched + durationMs;
    return { state, opinion: { abstain: 'warming up', until } };
  }
  return { state, opinion: judge(state, input, o) };
}

/** Conversations of the frame by peer, each with what was sent in it. */
function beatsOf({ flows, connections, neighbours }: ContainerInput): Map<string, Beat> {
  const beats = new Map<string, Beat>();
  const add = (peer: Peer | null, messages: number, bytes: number, single = false) => {
    if (peer === null || messages === 0) return;
    const before = beats.get(peer.id);
    beats.set(peer.id, {
      peer,
      single,
      messages: messages + (before?.messages ?? 0),
      bytes: bytes + (before?.bytes ?? 0),
    });
  };
  for (const flow of flows) {
    const { peerKind, sentMessages, connections: opened, sentBytes } = flow;
    // Who calls home and is not answered knocks; inside, that is a service that is down.
    const failures = peerKind === 'outside' ? flow.failures : 0;
    add(peerOf(flow, neighbours), sentMessages || opened || failures, sentBytes);
  }
  for (const row of connections) add(outsideOf(row), row.count, 0, true);
  return beats;
}

function follow(
  state: State,
  { peer, single, messages, bytes }: Beat,
  input: ContainerInput,
  o: Options,
): void {
  const { start } = input;
  let track = state.tracks.find(({ id }) => id === peer.id);
  if (!track) {
    if (state.known[peer.id] !== undefined) {
      remember(state.known, peer.id, start, LIMITS.known);
      return;
    }
    const young = input.startedAt !== null && start - input.startedAt < YOUNG_MS;
    const { id, kind, label } = peer;
    track = {
      ...{ id, kind, label, single, age: state.watched, rhythm: newRhythm(), alarmed: null },
      taught: young || state.watched < o.learn,
    };
    if (!makeRoom(state, single, start, o)) return;
    state.tracks.push(track);
  }
  beat(track.rhythm, start, messages, bytes);
}

/**
 * Whether there is room for one more: else the one that has gone on for least, and is not about to alarm, is dropped.
 * Single addresses have a place of their own: a crawler meets new ones in every frame.
 */
function makeRoom(state: State, single: boolean, now: number, o: Options): boolean {
  const alike = state.tracks.filter(track => track.single === single);
  if (alike.length < (single ? LIMITS.single : LIMITS.tracks)) return true;
  const worth = ({ rhythm }: Track): number => {
    const quiet = now - (rhythm.last ?? 0);
    return quiet > Math.max(120_000, 3000 * rhythm.intervals.mean) ? -1 : rhythm.intervals.n;
  };
  const least = alike.reduce((a, b) => (worth(b) < worth(a) ? b : a));
  if (worth(least) >= o.beats / 2) return false;
  // It has no period that could be followed. Of single addresses there are too many to remember.
  if (!single) remember(state.known, least.id, now, LIMITS.known);
  state.tracks = state.tracks.filter(track => track !== least);
  return true;
}

/** Decide about those that were seen often enough: irregular, usual, or long enough told. */
function settle(state: State, { start, durationMs }: ContainerInput, o: Options): void {
  state.tracks = state.tracks.filter(track => {
    const { rhythm, alarmed } = track;
    if (rhythm.intervals.n < o.beats - 1) return true;
    const regular = isRegular(rhythm, durationMs);
    if (regular && isNews(state, track, durationMs)) {
      track.alarmed ??= start;
      if (start - track.alarmed < o.relearn) return true;
    }
    if (regular && !hasPeriod(state, track, durationMs)) {
      state.periods.push({
        kind: track.kind,
        s: rhythm.intervals.mean,
        bytes: Math.round(rhythm.bytes.mean),
      });
      if (state.periods.length > LIMITS.periods) state.periods.shift();
    }
    if (alarmed === null || regular || start - alarmed >= o.relearn)
      remember(state.known, track.id, start, LIMITS.known);
    return false;
  });
}

const isNews = (state: State, track: Track, frameMs: number): boolean =>
  track.alarmed !== null ||
  (!track.taught &&
    track.age >= PERIODS_BEFORE * 1000 * track.rhythm.intervals.mean &&
    !hasPeriod(state, track, frameMs));

function hasPeriod({ periods }: State, { kind, rhythm }: Track, frameMs: number): boolean {
  const { mean } = rhythm.intervals;
  const everyFrame = mean < (1.5 * frameMs) / 1000;
  const bytes = rhythm.bytes.mean + 1;
  const isSameSize = (other: number) => Math.max(bytes / (other + 1), (other + 1) / bytes) <= SAME_BYTES;
  return periods.some(
    known =>
      known.kind === kind &&
      Math.abs(known.s / mean - 1) < SAME_PERIOD &&
      (!everyFrame || isSameSize(known.bytes)),
  );
}

/** The track that has gone on for longest, as long as it keeps its time. */
function judge(state: State, { start, durationMs }: ContainerInput, o: Options): Opinion {
  let worst: { track: Track; ratio: number } | null = null;
  for (const track of state.tracks) {
    const { intervals, last } = track.rhythm;
    const late = last === null || start - last > 1500 * intervals.mean + durationMs;
    const ready = track.alarmed !== null || (!track.taught && isRegular(track.rhythm, durationMs));
    if (late || !ready) continue;
    const ratio =
      track.alarmed === null ? Math.min((intervals.n + 1) / o.beats, 0.99) : (intervals.n + 1) / o.beats;
    if (worst === null || ratio > worst.ratio) worst = { track, ratio };
  }
  return { score: graded(worst?.ratio ?? 0), evidence: evidenceOf(worst?.track ?? null, o) };
}

function evidenceOf(track: Track | null, o: Options): Evidence {
  const base = { low: null, high: o.beats, unit: 'beats' };
  if (track === null) return { ...base, seen: 0, text: 'no new conversation has a period' };
  const { label, rhythm } = track;
  const { intervals, bytes } = rhythm;
  const seen = intervals.n + 1;
  const size = bytes.mean > 0 ? `, ${formatSize(Math.round(bytes.mean))} each time` : '';
  const every = formatDuration(Math.round(intervals.mean * 10) * 100);
  const text = `${seen} times every ${every} to ${label}${size}, in a conversation that is new`;
  return { ...base, seen, text };
}

const query = { peerKind: 'container' as const, peer: 'db', port: 5432, sentMessages: 40, sentBytes: 9000 };
const home = { peerKind: 'outside' as const, port: 8443, sentMessages: 1, sentBytes: 120 };
const poll = { peerKind: 'container' as const, peer: 'queue', port: 6379, sentMessages: 2, sentBytes: 80 };

export const beacon: Detector<'container', Options, State> = {
  name: 'beacon',
  summary: 'A new conversation that comes back at equal intervals with equal sizes, as malware calls home.',
  scope: 'container',
  input: 'flows',
  options,
  series: () => [],
  examples: [
    {
      title: 'A call home in each frame of a busy container alarms with the tenth',
      options: { learn: '2m' },
      inputs: exampleInputs([
        ...Array.from({ length: 30 }, () => [query]),
        ...Array.from({ length: 12 }, () => [query, home]),
      ]),
      alarms: [39, 40, 41],
    },
    {
      title: 'A poll that was always there, and a visit now and then, are none',
      options: { learn: '2m' },
      inputs: exampleInputs(
        Array.from({ length: 90 }, (_, i) => [poll, ...([31, 40, 43, 58, 60, 77].includes(i) ? [home] : [])]),
      ),
      alarms: [],
    },
  ],
  stateBytes: () =>
    200 +
    knownBytes(LIMITS.known) +
    (LIMITS.tracks + LIMITS.single) * (RHYTHM_BYTES + 220) +
    LIMITS.periods * 55,
  init: () => ({ watched: 0, end: null, known: {}, periods: [], tracks: [] }),
  step,
};
