import { z } from 'zod';
import { isoTime } from '../clock.ts';
import { globMatcher } from '../config/options.ts';
import { printable } from '../errors.ts';
import type { Incident } from './incident.ts';

/** Parts of an incident that a silence can look at, each by a glob: `*` any characters, `?` one. */
export const SILENCE_PARTS = ['host', 'service', 'container'] as const;
type Globs = Readonly<Record<(typeof SILENCE_PARTS)[number], string>>;

/** A person's wish not to be told for a while: incidents are raised, stored and shown all the same. */
export interface Silence {
  /** 8 hex digits. */
  readonly id: string;
  /** An incident is covered when all of them match. */
  readonly match: Globs;
  /** In force in [from, until), epoch ms. One that was ended early ends when that was. */
  readonly from: number;
  readonly until: number;
  /** Who wants it, and why. */
  readonly owner: string;
  readonly reason: string;
}

/** Longest text of a glob, an owner or a reason. */
export const SILENCE_TEXT = 200;
const text = z.string().max(SILENCE_TEXT);
/** What a date can be, epoch ms. */
const time = z.int().min(-8.64e15).max(8.64e15);

export const silenceSchema: z.ZodType<Silence> = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  match: z.strictObject({ host: text, service: text, container: text }),
  from: time,
  until: time,
  owner: text,
  reason: text,
});

/** Whether nobody is to be told of the incident at `now`, epoch ms. */
export function isCovered(silence: Silence, incident: Pick<Incident, keyof Globs>, now: number): boolean {
  if (now < silence.from || now >= silence.until) return false;
  return SILENCE_PARTS.every(part => globMatcher(silence.match[part])(incident[part]));
}

/** `container web-*, host a`: what a silence is about, for people. */
export function subjectOf({ match }: Pick<Silence, 'match'>): string {
  const named = SILENCE_PARTS.filter(part => match[part] !== '*').toReversed();
  return named.map(part => `${part} ${printable(match[part])}`).join(', ') || 'everything';
}

/** `silenced until 2026-01-31T22:00:00.000Z by anna: deploy (1a2b3c4d)`. */
export function silenceText({ id, until, owner, reason }: Silence): string {
  return `silenced until ${isoTime(until)} by ${printable(owner)}: ${printable(reason)} (${id})`;
}
