import type { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { Notification } from '../core/incident/incident.ts';

/** What became of one attempt. `refused`: the same request will never be accepted. */
export type DeliveryResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** How fast a receiver is told, and how long it is tried. */
export interface Limits {
  /** Attempts under way at once. */
  readonly concurrency: number;
  /** From the beginning of one attempt to that of the next, ms; 0: no limit. */
  readonly spacingMs: number;
  /** A message whose first attempt failed this long ago is given up, ms. */
  readonly giveUpMs: number;
}

/** What one message tells: its first notification, and the others of a group. */
export interface Told extends Notification {
  /** Of the same receiver and status; absent: it is alone. */
  readonly others?: readonly Notification[];
  /** Keys of all that it was to tell, when some of that is no longer true and left out: it is the same message. */
  readonly decided?: readonly string[];
  /** Address of the page, for a link; absent or empty: none. */
  readonly page?: string;
}

/** A configured place that notifications go to. */
export interface Receiver {
  readonly name: string;
  /** Where to, for people; no secrets. */
  readonly address: string;
  readonly limits: Limits;
  /** One attempt at a message, of a group only where it takes groups. Never throws, never takes longer than its time-out. */
  deliver(told: Told, signal: AbortSignal): Promise<DeliveryResult>;
  /** It tells several incidents in one message. Absent: each by itself, as who keeps incidents of its own wants it. */
  readonly takesGroups?: boolean;
  /** It is told when somebody takes an incident on, of which it keeps one of its own. */
  readonly takesAcknowledgements?: boolean;
  /** Of a receiver that forgets what is not repeated. */
  readonly repetition?: Repetition;
}

/** Tells again of all that fires and was accepted. What fails is made up for by the next repetition. */
export interface Repetition {
  readonly everyMs: number;
  /** As `deliver`, for up to 100 notifications at once, each alone. */
  send(notifications: readonly Told[], signal: AbortSignal): Promise<DeliveryResult>;
}

/** A kind of receiver: one file, one row in index.ts. */
export interface Notifier<O> {
  /** What `use:` in the configuration names. */
  readonly name: string;
  readonly summary: string;
  /** The key of `alert` in the configuration that has to be true before this kind may be used. */
  readonly permission?: 'allow_exec';
  /** Options beyond the receiver's name. */
  readonly options: z.ZodType<O>;
  create(name: string, options: O, clock: Clock): Receiver;
}
