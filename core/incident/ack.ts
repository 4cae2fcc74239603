import { z } from 'zod';
import { printable } from '../errors.ts';
import type { TimeZone } from '../time-zone.ts';
import { type Incident, SEVERITIES, type Severity } from './incident.ts';

/** A person has taken an incident on: nobody needs to be told of it again, unless it gets worse. */
export interface Ack {
  /** Id of the incident, and what it was about. */
  readonly incident: string;
  readonly host: string;
  readonly service: string;
  readonly container: string;
  /** How bad it was then. */
  readonly severity: Severity;
  /** Who took it on, what they wrote (may be empty), and when, epoch ms. */
  readonly by: string;
  readonly note: string;
  readonly at: number;
  /** Who took that back, and when, epoch ms; absent: nobody. */
  readonly undone?: { readonly by: string; readonly at: number };
}

/** Longest note and longest name. */
export const ACK_TEXT = 500;
const text = z.string().max(ACK_TEXT);
const time = z.int().min(-8.64e15).max(8.64e15);

export const ackSchema: z.ZodType<Ack> = z.strictObject({
  incident: z.string(),
  host: z.string(),
  service: z.string(),
  container: z.string(),
  severity: z.enum(SEVERITIES),
  by: text,
  note: text,
  at: time,
  undone: z.exactOptional(z.strictObject({ by: text, at: time })),
});

/** Whether repeats of a firing incident stop: somebody took it on, and it has not become worse since. */
export function isAcknowledged(
  { severity, resolvedAt }: Pick<Incident, 'severity' | 'resolvedAt'>,
  ack: Ack | null | undefined,
): boolean {
  if (!ack || ack.undone || resolvedAt !== null) return false;
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(ack.severity);
}

/** `acknowledged by anna at 2026-01-31T22:00:00.000Z: on it`. */
export function ackText({ by, note, at, undone }: Ack, zone: TimeZone): string {
  if (undone) return `acknowledgement taken back by ${printable(undone.by)} at ${zone.text(undone.at)}`;
  return `acknowledged by ${printable(by)} at ${zone.text(at)}${note === '' ? '' : ` (${printable(note, ACK_TEXT)})`}`;
}
