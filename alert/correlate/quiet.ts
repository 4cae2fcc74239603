import { printable } from '../../core/errors.ts';
import { type Incident, roundOf } from '../../core/incident/incident.ts';
import { listText, membersOf } from '../../core/incident/members.ts';
import { exitText } from '../../core/traffic/exit.ts';
import { type Frame, isComplete } from '../../core/traffic/frame.ts';
import type { Quiet, Settings } from '../contract.ts';
import { keyOf, type Who } from '../subject.ts';
import { calmOf } from './flapping.ts';

/** How incidents end: each of whom one is about has to be quiet for some time, or be gone. */

/** What comes and goes has to be quiet for so many times the pause in which it is the same incident. */
const QUIET_PAUSES = 5;

/** How long each of its members has to be quiet until it is over for that one, ms; longer if it comes and goes. */
export function quietNeeded(
  incident: Incident,
  { alert: { resolve_after, reopen_within } }: Settings,
): number {
  const { flapping } = incident;
  if (roundOf(incident) === 1 && !flapping) return resolve_after;
  return Math.max(resolve_after, QUIET_PAUSES * reopen_within, flapping ? calmOf(flapping) : 0);
}

/** Whether what is seen of a member is still part of the incident: it is not over for it, or that was just so. */
export function isPartOf(quiet: Quiet | undefined, incident: Incident, settings: Settings): boolean {
  if (quiet?.over === undefined) return true;
  return quiet.quietMs < quietNeeded(incident, settings) + settings.alert.reopen_within;
}

/** Who is in a frame, and what it says of how containers ended. */
export class Presence {
  readonly #frame: Frame;
  readonly #isComplete: boolean;
  /** Nobody asks while no incident is open: it is made when the first one does. */
  #alive: ReadonlySet<string> | null = null;
  readonly #exits: ReadonlyMap<string, string>;
  readonly #started: ReadonlySet<string>;

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#isComplete = isComplete(frame);
    // The first that was told of a container counts.
    this.#exits = new Map((frame.exits ?? []).toReversed().map(exit => [exit.container, exitText(exit)]));
    this.#started = new Set(frame.started);
  }

  has(who: Who): boolean {
    this.#alive ??= aliveIn(this.#frame);
    return this.#alive.has(keyOf(who));
  }

  /** A frame with an alarm of it, or in which it fires again. */
  loud(who: Who, before?: Quiet): Quiet {
    return { quietMs: 0, ...this.#exitOf(who, before) };
  }

  /**
   * One more frame without an alarm. It counts when it is complete, or when the container was not there: who is gone
   * cannot be anomalous, however little the frame knows. Gaps count for nothing.
   */
  quiet(who: Who, before: Quiet, neededMs: number): Quiet {
    const isThere = this.has(who);
    const exit = this.#exitOf(who, before);
    if (!this.#isComplete && (isThere || who.container === '')) {
      const { exit: _, ...rest } = before;
      return { ...rest, ...exit };
    }
    const quietMs = before.quietMs + this.#frame.durationMs;
    const present = before.present === true || isThere;
    const next = { quietMs, ...(present ? { present } : {}), ...exit };
    // Over it stays: also in an incident that fires again, for those of whom nothing more is said.
    if (quietMs < neededMs && before.over === undefined) return next;
    // A container has to be there at the end; a service may have short-lived ones, of which none was seen all the time.
    const isWell = isThere || (who.container === '' && (present || who.service === ''));
    return { ...next, over: isWell ? 'well' : (before.over ?? 'gone') };
  }

  /** How its container ended, by this frame or before; one that was started anew has not. */
  #exitOf({ container }: Who, before?: Quiet): { exit?: string } {
    const now = this.#exits.get(container);
    if (now !== undefined) return { exit: now };
    if (before?.exit === undefined || this.#started.has(container)) return {};
    return { exit: before.exit };
  }
}

/** Keys of the containers of a frame, and of their services. */
const aliveIn = ({ containers }: Frame): ReadonlySet<string> =>
  new Set(
    containers.flatMap(({ name, service }) => [
      keyOf({ container: name, service }),
      keyOf({ container: '', service }),
    ]),
  );

/** Gone is not well: why an incident is over although not all whom it is about were seen to be well again. */
export function endOf(incident: Incident, quiet: readonly Quiet[]): { ended?: string } {
  const members = membersOf(incident);
  const gone = members.flatMap((member, i) => (quiet[i]?.over === 'gone' ? [{ member, i }] : []));
  const [first, ...others] = gone;
  if (!first) return {};
  const exit = quiet[first.i]?.exit;
  if (members.length === 1) {
    if (first.member.container === '') return { ended: 'no container of the service is left' };
    return { ended: `the container is gone${exit === undefined ? '' : `: ${exit}`}` };
  }
  if (gone.length === members.length) return { ended: 'all its containers are gone' };
  const names = gone.map(({ member }) => printable(member.container || member.service, 80));
  const how = others.length > 0 ? 'are gone' : `is gone${exit === undefined ? '' : `: ${exit}`}`;
  return { ended: `${listText(names, ' and ')} ${how}; the others are well` };
}
