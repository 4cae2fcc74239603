import { formatCounted, formatLength } from '../core/config/units.ts';
import type { Interval } from '../core/interval.ts';
import type { TimeZone } from '../core/time-zone.ts';
import { FAULTS, type Fault } from '../core/traffic/frame.ts';
import { SLACK_MS } from './coverage.ts';
import type { HostReview } from './review.ts';

/** What is known about the store besides what was folded. */
export interface Stored {
  /** Start of the oldest stored frame of the host, epoch ms; null: none is stored. */
  readonly oldest: number | null;
  /** How long frames are kept, ms. */
  readonly keptMs: number;
  readonly now: number;
}

/**
 * What a review of one host covers and what it does not, in sentences for people: parts of the range without frames and
 * why, blind stretches, losses, and from when on what is normal was learned. Never empty.
 */
export function coverageText(
  review: HostReview,
  range: Interval,
  { oldest, keptMs, now }: Stored,
  zone: TimeZone,
): string[] {
  const { covered } = review;
  const time = (ms: number): string => zone.seconds(ms);
  const kept = `Frames are kept for ${formatLength(keptMs)}.`;
  if (covered === null) {
    if (range.from >= now) return ['The range is in the future: nothing is known about it.'];
    if (oldest === null) return ['Nothing is stored of this host.'];
    if (oldest >= range.to)
      return [`Nothing is stored of the range any more: the oldest frame is of ${time(oldest)}. ${kept}`];
    return ['No frame is stored of the range: the host was not watched, or its frames have not arrived.'];
  }
  const sentences = [
    `${formatCounted(review.frames, 'frame')} from ${time(covered.from)} to ${time(covered.to)}, ${shareText(review, range)} of the range.`,
  ];
  if (covered.from > range.from + SLACK_MS) {
    const isEaten = oldest !== null && oldest >= covered.from && range.from < now - keptMs;
    const why = isEaten ? `. ${kept}` : ': the host was not watched.';
    sentences.push(`Nothing is stored of the range before ${time(covered.from)}${why}`);
  }
  if (range.to > covered.to + SLACK_MS)
    sentences.push(
      covered.to + SLACK_MS >= now
        ? 'The range ends in the future.'
        : `Nothing is stored of the range after ${time(covered.to)}: the host was not watched, or its frames have not arrived.`,
    );
  return [...sentences, ...blindText(review), ...lossText(review), learnedText(review, range, time)];
}

/** `98.2 %`, never rounded up to all. */
function shareText({ covered, blind }: HostReview, range: Interval): string {
  const seen = (covered ? lengthOf(covered) : 0) - blind.reduce((sum, part) => sum + lengthOf(part), 0);
  const share = seen / lengthOf(range);
  return share >= 1 ? 'all' : `${(Math.floor(1000 * share) / 10).toFixed(1)} %`;
}

function blindText({ blind }: HostReview): string[] {
  if (blind.length === 0) return [];
  const total = formatLength(blind.reduce((sum, part) => sum + lengthOf(part), 0));
  return [
    `Nothing can be said about ${formatCounted(blind.length, 'part')} of the range, ${total} in all: frames are missing or incomplete there.`,
  ];
}

const FAULT_TEXT: Readonly<Record<Fault, string>> = {
  attach: 'capture began',
  detach: 'capture ended',
  'lost-events': 'events were lost',
  saturated: 'a map of the probe was full',
  'late-flip': 'the reader was late',
  restart: 'the probe was restarted',
  garbage: 'a readout could not be understood',
};

function lossText({ missing: { incomplete, faults, lost, dropped } }: HostReview): string[] {
  const sentences: string[] = [];
  if (incomplete > 0) {
    const why = FAULTS.flatMap(fault => (faults[fault] ? `${FAULT_TEXT[fault]} (${faults[fault]})` : []));
    sentences.push(
      `${formatCounted(incomplete, 'frame')} may not hold all that happened: ${why.join(', ')}.`,
    );
  }
  if (lost > 0) sentences.push(`${countedWere(lost, 'message')} lost in the kernel.`);
  if (dropped > 0)
    sentences.push(`${countedWere(dropped, 'frame')} captured and lost on their way to the store.`);
  return sentences;
}

const countedWere = (n: number, noun: string): string =>
  `${formatCounted(n, noun)} ${n === 1 ? 'was' : 'were'}`;

function learnedText(
  { checkpoint, from }: HostReview,
  range: Interval,
  time: (ms: number) => string,
): string {
  if (checkpoint !== null)
    return `What is normal was known as it was live after the frame of ${time(checkpoint)}.`;
  const before = Math.max(0, range.from - (from ?? range.from));
  return before > 0
    ? `What is normal was learned from ${time(from ?? range.from)} on, ${formatLength(before)} before the range.`
    : 'Nothing is stored from before the range: what is normal was learned inside of it, and its beginning was not judged.';
}

const lengthOf = ({ from, to }: Interval): number => to - from;
