import { z } from 'zod';
import { ExchangeError } from '../core/errors.ts';
import { type Ack, ackSchema } from '../core/incident/ack.ts';
import { type Incident, type Notification, OCCASIONS, SEVERITIES } from '../core/incident/incident.ts';
import { type Mark, newMarkSchema } from '../core/incident/mark.ts';
import { type Silence, silenceSchema } from '../core/incident/silence.ts';
import { PEER_KINDS, PROTOCOLS, ROLES } from '../core/traffic/flow.ts';
import { DIRECTIONS } from '../core/traffic/frame.ts';
import { labelsSchema } from '../core/traffic/labels.ts';
import { METRICS } from '../core/traffic/series.ts';
import {
  type Checkpoint,
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryOutcome,
  type LastSeen,
} from './contract.ts';

/** What backends keep as JSON text: written and read here only, so that a record means the same in all of them. */

const peer = z.strictObject({
  kind: z.enum(PEER_KINDS),
  name: z.string(),
  service: z.string(),
  address: z.string(),
  protocol: z.enum(PROTOCOLS),
  role: z.enum(ROLES),
  port: z.number(),
  bytes: z.number(),
  share: z.number(),
});

const finding = z.strictObject({
  rule: z.string(),
  scope: z.strictObject({
    service: z.string().nullable(),
    container: z.string().nullable(),
    direction: z.enum(DIRECTIONS).nullable(),
    metric: z.enum(METRICS).nullable(),
  }),
  first: z.number(),
  last: z.number(),
  peak: z.number(),
  evidence: z.strictObject({
    seen: z.number(),
    low: z.number().nullable(),
    high: z.number().nullable(),
    unit: z.string(),
    view: z.exactOptional(z.string()),
    raised: z.exactOptional(z.number()),
    direction: z.exactOptional(z.enum(DIRECTIONS)),
    overMs: z.exactOptional(z.number()),
    text: z.string(),
  }),
  window: z.exactOptional(z.strictObject({ from: z.number(), to: z.number() })),
  peer: z.exactOptional(peer),
  confirmed: z.exactOptional(z.strictObject({ alarms: z.number(), frames: z.number(), since: z.number() })),
  before: z.exactOptional(
    z.strictObject({
      times: z.number(),
      inWeek: z.number(),
      last: z.number().nullable(),
      since: z.number(),
    }),
  ),
});

const member = z.strictObject({
  service: z.string(),
  container: z.string(),
  image: z.exactOptional(z.string()),
  labels: z.exactOptional(labelsSchema),
  since: z.number(),
});

const incident: z.ZodType<Incident> = z.strictObject({
  id: z.string(),
  host: z.string(),
  service: z.string(),
  container: z.string(),
  members: z.exactOptional(z.array(member)),
  image: z.exactOptional(z.string()),
  labels: z.exactOptional(labelsSchema),
  severity: z.enum(SEVERITIES),
  escalation: z.exactOptional(z.strictObject({ from: z.enum(SEVERITIES), at: z.number() })),
  start: z.number(),
  end: z.number(),
  resolvedAt: z.number().nullable(),
  ended: z.exactOptional(z.string()),
  reopenedAt: z.exactOptional(z.number()),
  flapping: z.exactOptional(z.strictObject({ times: z.number(), since: z.number(), last: z.number() })),
  score: z.number(),
  findings: z.array(finding),
  title: z.string(),
});

const notification: z.ZodType<Notification> = z.strictObject({
  key: z.string(),
  receiver: z.string(),
  status: z.enum(['firing', 'resolved']),
  occasion: z.exactOptional(z.enum(OCCASIONS)),
  incident,
});

const outcome: z.ZodType<DeliveryOutcome> = z.strictObject({
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.int().nonnegative(),
  nextAttempt: z.number(),
  lastError: z.string().nullable(),
  failingSince: z.exactOptional(z.number()),
  members: z.exactOptional(z.array(z.string())),
  within: z.exactOptional(z.string()),
});

const checkpoint: z.ZodType<Checkpoint> = z.strictObject({
  host: z.string(),
  last: z.number(),
  fingerprint: z.string(),
  data: z.string(),
});

const lastSeen: z.ZodType<LastSeen> = z.strictObject({
  host: z.string(),
  start: z.number(),
  durationMs: z.number(),
  stopped: z.boolean(),
});

export const incidentsById = (incidents: readonly Incident[]): Map<string, Incident> =>
  new Map(incidents.map(one => [one.id, one]));

export const deliveriesByKey = (deliveries: readonly Delivery[]): Map<string, Delivery> =>
  new Map(deliveries.map(one => [one.notification.key, one]));

/** A new notification is due at once. */
export const FRESH: DeliveryOutcome = { status: 'pending', attempts: 0, nextAttempt: 0, lastError: null };

/** An outcome as it is kept: without what else the object may have, such as its notification. */
export function outcomeText({
  status,
  attempts,
  nextAttempt,
  lastError,
  failingSince,
  members,
  within,
}: DeliveryOutcome): string {
  return JSON.stringify({ status, attempts, nextAttempt, lastError, failingSince, members, within });
}

/** The moment that a notification speaks of, epoch ms: its age, when old ones are forgotten. */
export const timeOf = ({ incident: { resolvedAt, end } }: Notification): number => resolvedAt ?? end;

/** Reads records of one backend; `place` names it in errors. */
export class Records {
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  incident(text: unknown): Incident {
    return this.#read(incident, 'an incident', text);
  }

  notification(text: unknown): Notification {
    return this.#read(notification, 'a notification', text);
  }

  outcome(text: unknown): DeliveryOutcome {
    return this.#read(outcome, 'the outcome of a delivery', text);
  }

  checkpoint(text: unknown): Checkpoint {
    return this.#read(checkpoint, 'a checkpoint', text);
  }

  lastSeen(text: unknown): LastSeen {
    return this.#read(lastSeen, 'when a host was last seen', text);
  }

  ack(text: unknown): Ack {
    return this.#read(ackSchema, 'an acknowledgement', text);
  }

  silence(text: unknown): Silence {
    return this.#read(silenceSchema, 'a silence', text);
  }

  /** `text`: a NewMark; number and beginning are kept beside it. */
  mark(text: unknown, seq: number, from: number | null): Mark {
    return { ...this.#read(newMarkSchema, 'a mark', text), seq, from };
  }

  /** A backend's answer in the shape that the request calls for. */
  answer<T>(schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (!parsed.success)
      throw this.#unreadable('an answer of the right shape', z.prettifyError(parsed.error));
    return parsed.data;
  }

  #read<T>(schema: z.ZodType<T>, expected: string, text: unknown): T {
    let value: unknown;
    try {
      value = JSON.parse(String(text));
    } catch (cause) {
      throw this.#unreadable(expected, 'no JSON', cause);
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw this.#unreadable(expected, z.prettifyError(parsed.error));
    return parsed.data;
  }

  #unreadable(expected: string, found: string, cause?: unknown): ExchangeError {
    return new ExchangeError(
      {
        place: this.#place,
        expected,
        found,
        remedy: 'Check that all processes run the same version of tidegauge.',
      },
      { retry: false, cause },
    );
  }
}

/**
 * Text as a key: the same for ordinary names, one-to-one for all others. Databases keep text as UTF-8, where
 * different strings with lone surrogates would become one, and not all of them keep NUL.
 */
export const keyText = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The text of a key that `keyText` made. */
export const textOfKey = (key: string): string => String(JSON.parse(`"${key}"`));
