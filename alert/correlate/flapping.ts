import type { Flapping, Incident } from '../../core/incident/incident.ts';
import type { Open } from '../contract.ts';

/**
 * What goes up and down: known by how often it has fired again after a pause, within one incident or as one incident after
 * another. It is told once, and is over only when it has been quiet for longer than it usually is in between.
 */

/** Within this time it is counted, ms: what comes back more rarely is news each time. */
const WITHIN_MS = 1_800_000;
/** Times in one incident: a few bursts are no pattern yet. */
const TIMES = 5;
/** Incidents of its own: each has cost two messages, so that fewer are enough. */
const INCIDENTS = 3;
/** Nothing anomalous for so long is a pause, ms: a score that hovers about its limit makes none. */
const PAUSE_MS = 15_000;
/** It is over when it has been quiet for so many times as long as from one time to the next. */
const PERIODS = 2;

/** When an incident fired, and whether that is flapping. */
export type Rounds = Pick<Open, 'rounds'> & Pick<Incident, 'flapping'>;

/** Of an open incident with alarms in the frame that starts at `now`, epoch ms; `open` is as it was before that frame. */
export function roundsOf({ incident: { flapping }, quiet, rounds }: Open, now: number): Rounds {
  const pauseMs = quiet.reduce((least, { quietMs }) => Math.min(least, quietMs), Infinity);
  if (pauseMs < PAUSE_MS) return { rounds, ...(flapping ? { flapping } : {}) };
  if (flapping) return { rounds, flapping: { ...flapping, times: flapping.times + 1, last: now } };
  return counted([...rounds, now], TIMES);
}

/** Of one that opens: `before`: when the same has opened others, epoch ms, ascending. */
export function roundsOfNew(before: readonly number[], now: number): Rounds {
  const { flapping } = counted([...before, now], INCIDENTS);
  return { rounds: [now], ...(flapping ? { flapping } : {}) };
}

/** Of one that fires again although it was over. */
export const roundsOfReopened = (incident: Incident, now: number): Rounds =>
  counted([firedAt(incident), now], TIMES);

/** When it began to fire, epoch ms: after it began, where a rule waits. */
export const firedAt = ({ start, findings }: Incident): number =>
  findings.reduce((earliest, { first }) => Math.min(earliest, first), findings[0]?.first ?? start);

/** Starts of the last times, ascending, within the time that counts; flapping when they are `enough`. */
function counted(starts: readonly number[], enough: number): Rounds {
  const last = starts.at(-1) ?? 0;
  const rounds = starts.filter(start => last - start < WITHIN_MS);
  const [since = last] = rounds;
  return { rounds, ...(rounds.length < enough ? {} : { flapping: { times: rounds.length, since, last } }) };
}

/** How long what flaps has to be quiet until it is over, ms. */
export const calmOf = ({ times, since, last }: Flapping): number =>
  Math.min(WITHIN_MS, (PERIODS * (last - since)) / Math.max(1, times - 1));
