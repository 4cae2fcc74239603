import type { Rule } from '../../core/config/config.ts';
import type { Mark } from '../../core/incident/mark.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { FoldState } from '../../detector/contract.ts';
import type { Batch } from './batch.ts';

/** What a thread is started with. */
export interface Setup {
  /** Rules of each side. */
  readonly sides: readonly (readonly Rule[])[];
  /** What people said of incidents. */
  readonly marks: readonly Mark[];
  /** Whether verdicts that charts draw are asked for, besides alarms. */
  readonly drawn: boolean;
  /** Whether it says who is expected and absent: one of the threads does. */
  readonly judgesAbsence: boolean;
}

/** What it is sent: a host whose frames follow, then these. */
export type Asked =
  | { readonly kind: 'host'; readonly host: string; readonly states: readonly FoldState[] }
  | { readonly kind: 'frames'; readonly batch: Batch };

/** Places of verdicts in a frame, behind those of its containers. */
export const PLACES = { services: 1, absent: 2 } as const;

/** A verdict that goes further: an alarm, or what is drawn. */
export interface Told {
  readonly side: number;
  /** Index of the frame in the batch. */
  readonly frame: number;
  /** Of a container its place in the frame; beyond that the number of containers and one of PLACES. */
  readonly place: number;
  readonly verdict: Judged;
}

/** What it answers to frames. */
export type Answer =
  | {
      readonly told: readonly Told[];
      /** Most subjects that a state has had, of each side. */
      readonly subjects: readonly number[];
    }
  /** A detector has failed on a frame. */
  | { readonly failure: string };
