import type { z } from 'zod';
import type { Expectation, ExpectedRange, Normal } from '../core/incident/normal.ts';
import type { Abstention, Evidence, Verdict } from '../core/incident/verdict.ts';
import type { ConnectionRow } from '../core/traffic/connection.ts';
import type { Flow } from '../core/traffic/flow.ts';
import type { Container, Direction, Exit, Frame, Window } from '../core/traffic/frame.ts';
import type { Metric } from '../core/traffic/series.ts';

export const SCOPES = ['series', 'container', 'service', 'host'] as const;
export type ScopeKind = (typeof SCOPES)[number];

/** When the values were measured. Only complete frames reach a detector. */
export interface Moment {
  /** Start of the frame, epoch ms. */
  readonly start: number;
  /** Its true duration, ms. */
  readonly durationMs: number;
}

/** One series' value: a rate per second, or a size in bytes; null where there is none (mean size of nothing). */
export interface SeriesInput extends Moment {
  readonly direction: Direction;
  readonly metric: Metric;
  readonly value: number | null;
}

/** All that a frame says of one container. */
export interface ContainerInput extends Moment {
  readonly container: Container;
  /** Whose memory it goes on with, unique in a frame: the same for a redeployed replica, whatever its name. */
  readonly identity: string;
  /** Start of the frame it was born in, epoch ms; null: it was there before anybody looked. */
  readonly startedAt: number | null;
  /** It died in this frame. */
  readonly ended: boolean;
  /** Its traffic; undefined: silent, which is a value. */
  readonly send: Window | undefined;
  readonly receive: Window | undefined;
  /** Whom it talked to, in the order of `compareFlows`; empty where the probe does not tell. */
  readonly flows: readonly Flow[];
  /** Its TCP connections by their ends, in the order of `compareConnections`; empty where the probe does not tell. */
  readonly connections: readonly ConnectionRow[];
  /** Everyone in the frame by name: whose service a peer is. */
  readonly neighbours: ReadonlyMap<string, Container>;
}

/** All containers of a service, or of the host, sorted by name. */
export interface GroupInput extends Moment {
  readonly members: readonly ContainerInput[];
  /** Who ended in this frame, and how, of the whole host, as far as Docker tells. */
  readonly exits: readonly Exit[];
  /** Containers of the whole host that have no name (yet), so that nobody can say whose they are. */
  readonly nameless: readonly Container[];
}

export interface InputOf {
  series: SeriesInput;
  container: ContainerInput;
  service: GroupInput;
  host: GroupInput;
}

/**
 * What `step` says: a score (1 = alarm limit) with evidence, or why it does not judge; `until`: when it will, epoch ms,
 * if it knows. `container`: the one of a group that it is about; absent: the scope as a whole. `heldMs`: as in `Judged`.
 */
export type Opinion =
  | {
      readonly score: number;
      readonly evidence: Evidence;
      readonly container?: string;
      readonly heldMs?: number;
    }
  | { readonly abstain: Abstention; readonly until?: number };

/**
 * By what people's marks multiply the limit of a view of the detector, in the service that is judged (fold/marks.ts):
 * 1 or more. A detector that names a `view` in its evidence has judged with it; the score of any other is divided by it.
 */
export type RaisedView = (view: string) => number;

/** A worked example: shown in the documentation, run as a test. */
export interface Example<Input> {
  readonly title: string;
  /** Options as a user writes them in tidegauge.yaml. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Input[];
  /** Indices of `inputs` whose score reaches 1. All others stay below or abstain. */
  readonly alarms: readonly number[];
}

/**
 * A detector: one file, one row in index.ts. Pure: same state and input, same result; no clock, no I/O, no randomness.
 * State is plain JSON (finite numbers, strings, arrays, objects) of bounded size.
 *
 * @typeParam O parsed options
 * @typeParam S state of one scope
 */
export interface Detector<K extends ScopeKind, O, S> {
  /** What `use:` in the configuration names. */
  readonly name: string;
  readonly summary: string;
  readonly scope: K;
  /** What of its input it looks at: windows, or flows and connections, which not all probes tell. */
  readonly input: 'traffic' | 'flows';
  /** Options beyond those that every rule has (name, match). Durations, sizes and rates carry units. */
  readonly options: z.ZodType<O>;
  /** Which series a `series` detector wants; other scopes return none. */
  series(options: O): readonly { direction: Direction; metric: Metric }[];
  readonly examples: readonly Example<InputOf[K]>[];
  /** Upper bound of one scope's state in bytes of JSON, documented and tested. */
  stateBytes(options: O): number;
  init(options: O): S;
  /** Of a service none of whose containers is in the frame: has it something to say? Absent: never. */
  whenEmpty?(state: S): boolean;
  /** May change `state` in place and return it: the caller owns it and never uses the old one again. */
  step(state: S, input: InputOf[K], options: O, raised?: RaisedView): { state: S; opinion: Opinion };
  /** What it has learnt to be normal. Changes nothing. Absent: it does not say. */
  normal?(state: S, options: O): readonly Normal[];
  /** What it expects after the last step, where it judges at all; `raised` as in that step. Changes nothing. Absent: it does not say. */
  expects?(state: S, options: O, raised?: RaisedView): readonly Expectation[];
}

/** Any detector of the table; its options and state are known only to itself. */
export type AnyDetector = { [K in ScopeKind]: Detector<K, unknown, unknown> }[ScopeKind];

/** The container that a memory belongs to now. */
export interface Holder {
  name: string;
  /** Start of the first frame in which it had the memory, epoch ms. */
  since: number;
  /** As in ContainerInput. */
  startedAt: number | null;
  /** How many before it, in a row, had other names and did not live long (identity.ts). */
  brief: number;
}

/** What is kept of one subject of a host: a service's replica, a service, the host itself, or a list of slots. */
export interface Subject {
  /** Start of the last frame it was in, epoch ms. */
  seen: number;
  /** State of each rule and series; keys contain a space, so that none is a property that objects inherit. */
  states: Record<string, unknown>;
  /** Of a replica. */
  holder?: Holder;
  /** Of a list of slots: the container that has each, or had it last (identity.ts). */
  slots?: string[];
}

/** All subjects of a host; bounded (subjects.ts). */
export interface Subjects {
  /** Keys are JSON arrays, so that no name can be mistaken for another or for an inherited property. */
  byKey: Record<string, Subject>;
  count: number;
  /** How many were dropped because there were too many. */
  dropped: number;
  /** When those not seen for long were last looked for, epoch ms. */
  swept: number;
}

/** Someone whom a rule names, and who was seen. */
export interface Expected {
  /** End of the last frame in which they were there, epoch ms. */
  seen: number;
  /** Of the container; of a service its own name. */
  service: string;
  /** Beginnings of the ids of some who were there in that frame: they may lose their names. Absent: they have none. */
  ids?: string[];
  /** How the container ended, for people; absent: it did not, or nobody has said. */
  exit?: string;
}

/** What the fold knows after a frame. Plain JSON. */
export interface FoldState {
  /** Start of the last frame folded, epoch ms; null before the first. */
  last: number | null;
  /** This host has shown a container at some time; it never becomes false again. */
  hasContainers: boolean;
  subjects: Subjects;
  /** Keys are JSON arrays of rule, kind and name (absence.ts). */
  expected: Record<string, Expected>;
}

/** By what people's marks multiply the limits of one rule in one service. */
export interface RaisedRule {
  /** 1 or more. `view` null: the detector has none. */
  factor(series: {
    readonly direction: Direction | null;
    readonly metric: Metric | null;
    readonly view: string | null;
  }): number;
}

/** Limits that people's marks have raised, as they are in one frame (fold/marks.ts). */
export interface RaisedLimits {
  /** Undefined: the limits are as calibrated. `service` null: of the host. */
  of(rule: string, service: string | null): RaisedRule | undefined;
}

/** Some services of a host, which are judged apart from the others: nothing that is known of one is part of another. */
export interface Share {
  /** Their containers in the frame, in its order. */
  readonly containers: readonly Container[];
  /** Whether it also says who is expected and absent: one share of a host does. */
  readonly judgesAbsence: boolean;
}

/** What is said of a share: the verdicts as `Fold.step` has them, and where those of each container end, then of services. */
export interface ShareVerdicts {
  readonly verdicts: Verdict[];
  /** One more than there are containers; empty when the frame does not start after the last one. */
  readonly ends: number[];
}

/** The pure fold over the frames of one host (fold.ts). */
export interface Fold {
  /** Identifies rules, limits and code: states of another fingerprint are not to be continued. */
  readonly fingerprint: string;
  init(): FoldState;
  /**
   * What all rules say of one frame: containers by name, then services by name, then the host, then those who are
   * expected and absent; within each in the order of the rules and of their series. A frame that does not start after
   * the last one gives nothing and changes nothing. May change `state` in place: the caller owns it and never uses the old one again. `raised`: what marks have
   * moved in this frame; without it, nothing.
   */
  step(state: FoldState, frame: Frame, raised?: RaisedLimits): { state: FoldState; verdicts: Verdict[] };
  /**
   * The same for a share of the services, in a state that has no others; changes it in place. Of the others' containers the
   * frame has no windows, flows and connections. Not with rules on the host, which judge all of them.
   */
  stepShare(state: FoldState, frame: Frame, raised: RaisedLimits, share: Share): ShareVerdicts;
}

/** What the rules of a fold expect of the containers of the frame that it folded last; `raised` as it was folded with. */
export type ExpectedIn = (state: FoldState, frame: Frame, raised?: RaisedLimits) => ExpectedRange[];
