import type { z } from 'zod';
import type { Incident } from '../../core/incident/incident.ts';
import type { RuleNormal } from '../../core/incident/normal.ts';
import type { State } from '../../state/contract.ts';
import type { Store } from '../../store/contract.ts';

/** What rules know of a container. Times are epoch ms. */
export interface Learnt {
  /** When it was known. */
  readonly at: number;
  readonly rules: readonly RuleNormal[];
  /** Rules that do not judge it yet, and when they will if frames go on as they do; null: that is not known. */
  readonly learning: readonly { readonly rule: string; readonly until: number | null }[];
}

/** What rules have learnt of a container; null: nothing, or it was not there. */
export type LearntOf = (host: string, container: string) => Promise<Learnt | null>;

/** What the configuration says of an incident. */
export interface Reasons {
  /** Names of all receivers. */
  readonly receivers: readonly string[];
  /** Receivers that are told of all it has been, or may have been. */
  everReceiversOf(incident: Incident): string[];
  /** Where people reach the page (`http.external_url`); empty: nobody knows. */
  readonly page: string;
  /** Why it is as severe as it is; null: by the configuration as it is now it would be something else. */
  severityReason(incident: Incident): string | null;
}

/** What operations work on. */
export interface Shared {
  readonly state: State;
  readonly store: Store;
  readonly learntOf: LearntOf;
  /** Loaded when it is asked for. */
  readonly reasons: () => Promise<Reasons>;
  /** This host, which is meant where a request names none. */
  readonly host: string;
  /** Epoch ms, when the request came. */
  readonly now: number;
}

export const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/** What a request brought, checked. */
export interface Input<Path = unknown, Query = unknown, Body = unknown> {
  readonly path: Path;
  readonly query: Query;
  readonly body: Body;
  /** Name of the token it came with; null: none is asked for, which is so on loopback only. */
  readonly by: string | null;
}

export interface Answer {
  /** Plain JSON. */
  readonly value: unknown;
  /** `after` of the next page; null: this is the last one. Absent: it has no pages. */
  readonly next?: string | null;
}

/** One method of one path of the API. Its schemas check what comes and are what openapi.json is made of. */
export interface Operation {
  /** `listIncidents`: unique, for generated clients. */
  readonly id: string;
  readonly method: Method;
  /** Below /api/v1, with names in braces: `/incidents/{id}`. */
  readonly path: string;
  /** One sentence. */
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Null: it takes no body, or an empty object. */
  readonly body: z.ZodObject | null;
  /** As JSON: its input side, where it is also what decodes an answer. */
  readonly answer: z.ZodType;
  /** Throws a TidegaugeError. One that reads (GET) runs in a thread, others where the state is written. */
  readonly run: (shared: Shared, input: Input) => Promise<Answer>;
}

/** Carries out operations that only read, and gives their answers as JSON text. */
export interface Reader {
  /** Somebody is about to ask: what takes long to begin begins now. */
  prepare(): void;
  /** Rejects with an ApiError when it cannot be done. */
  read(id: string, input: Input): Promise<{ readonly json: string; readonly next: string | null }>;
}
