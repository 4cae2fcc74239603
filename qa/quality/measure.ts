import { isDeepStrictEqual } from 'node:util';
import type { Rule } from '../../core/config/config.ts';
import type { AnyDetector, ContainerInput } from '../../detector/contract.ts';
import { type AllSaid, createJudge, isAlarm, type Judge, type Learnt, type Said, stronger } from './judge.ts';
import type { Kind, Service } from './simulator/fleet.ts';
import {
  type Context,
  type Incident,
  incidentsOf,
  MAGNITUDES,
  type Magnitudes,
} from './simulator/incidents.ts';
import { Random } from './simulator/random.ts';
import { ServiceRun } from './simulator/run.ts';
import { DAY, FRAME_S } from './simulator/sources.ts';

/** Counting: false alerts by age, what was found and how soon. */

/** Alerts of a container within a minute of each other are one. */
const SAME_ALERT = 12;
/** Frames after its end in which an incident may still be found. */
const GRACE = 2;

/** Ages of a container that false alerts are counted by; each up to so many frames. */
export const AGES = [
  { name: 'first hour', until: 3600 / FRAME_S },
  { name: 'rest of the first day', until: DAY },
  { name: 'rest of the first week', until: 7 * DAY },
  { name: 'later', until: Number.POSITIVE_INFINITY },
] as const;

/** Detectors and rules that are measured together, as one installation. */
export interface Candidate {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly detectors: readonly AnyDetector[];
}

/** One false alert. */
export interface FalseAlert {
  readonly kind: Kind;
  readonly container: string;
  readonly frame: number;
  /** The sentence of the evidence. */
  readonly text: string;
  /** Greatest score while it lasted. */
  score: number;
}

/** What became of one incident. */
export interface Outcome {
  readonly incident: string;
  readonly kind: Kind;
  /** Index of the replica. */
  readonly replica: number;
  readonly frame: number;
  /** Frames until the alert, 1 for the first frame; null when it was missed. */
  readonly delay: number | null;
  /** The greatest score while it lasted, and the sentence of its evidence. */
  readonly score: number;
  readonly text: string;
}

export interface Result {
  readonly falseAlerts: FalseAlert[];
  readonly outcomes: Outcome[];
  /** Container-frames watched, by age. */
  readonly exposure: number[];
}

interface Run {
  readonly judge: Judge;
  readonly learnt: Learnt;
  readonly result: Result;
  /** Last frame that alarmed, by replica. */
  readonly last: number[];
  /** The false alert of each replica that is going on, or was the last. */
  readonly open: (FalseAlert | undefined)[];
}

/** A disturbed copy of a run, from the first frame of an incident on. */
interface Branch {
  readonly incident: Incident;
  readonly random: Random;
  readonly usual: number;
  readonly runs: BranchRun[];
  /** It has changed something: one that multiplies nothing is none. */
  felt: boolean;
}

interface BranchRun {
  readonly judge: Judge;
  readonly learnt: Learnt;
  /** The undisturbed run has alarmed meanwhile. */
  spoiled: boolean;
  /** Frames until the alarm; null: none yet. */
  delay: number | null;
  strongest: Said | undefined;
}

/** What a service's replicas usually do, which incidents are made of: means over about an hour. */
interface Usual {
  /** Messages received per frame, by replica. */
  readonly received: number[];
  /** Share of frames with any message, by replica. */
  readonly talking: number[];
}

const USUAL_FRAMES = 720;
/** Silence befalls those that talk in so many of their frames. */
const TALKATIVE = 0.9;

/** Run one service for some days under all candidates at once. */
export function measureService(
  service: Service,
  candidates: readonly Candidate[],
  settings: {
    days: number;
    seed: number;
    magnitudes?: Magnitudes | undefined;
    repeat?: number;
    from?: number;
  },
): Result[] {
  const random = new Random(settings.seed);
  const simulated = new ServiceRun(service, random.fork());
  const waiting = incidentsOf(service, settings.days, random.fork(), settings);
  const branching = random.fork();
  const size = settings.magnitudes ?? MAGNITUDES;
  const runs = candidates.map(candidate => newRun(candidate, service));
  const usual: Usual = {
    received: Array(service.replicas).fill(0),
    talking: Array(service.replicas).fill(1),
  };
  let branches: Branch[] = [];
  for (let at = 0; at < settings.days * DAY; at++) {
    const inputs = simulated.next();
    branches.push(...branchesAt(at, waiting, runs, usual, branching));
    const age = AGES.findIndex(({ until }) => at < until);
    const undisturbed = runs.map(run => {
      const said = run.judge.step(run.learnt, inputs);
      run.result.exposure[age] = (run.result.exposure[age] ?? 0) + inputs.length;
      count(run, said, at, service, inputs);
      return said;
    });
    branches = branches.filter(branch => advance(branch, at, inputs, service, runs, undisturbed, size));
    observe(usual, inputs);
  }
  return runs.map(run => run.result);
}

function newRun({ rules, detectors }: Candidate, service: Service): Run {
  const result = { falseAlerts: [], outcomes: [], exposure: AGES.map(() => 0) };
  return {
    judge: createJudge(rules, detectors),
    learnt: [],
    result,
    last: Array(service.replicas).fill(-Infinity),
    open: [],
  };
}

/** Copies of all runs for the incidents that begin with frame `at`, which leave `waiting`. */
function branchesAt(
  at: number,
  waiting: Incident[],
  runs: readonly Run[],
  usual: Usual,
  random: Random,
): Branch[] {
  const list: Branch[] = [];
  while (waiting[0]?.at === at) {
    const incident = waiting.shift();
    if (!incident) break;
    const talks = (usual.talking[incident.replica] ?? 0) >= TALKATIVE;
    if (incident.kind.name === 'silence' && !talks) continue;
    list.push({
      incident,
      random: random.fork(),
      usual: usual.received[incident.replica] ?? 0,
      felt: false,
      runs: runs.map(({ judge, learnt }) => ({
        judge,
        learnt: structuredClone(learnt),
        spoiled: false,
        delay: null,
        strongest: undefined,
      })),
    });
  }
  return list;
}

function observe(usual: Usual, inputs: readonly ContainerInput[]): void {
  for (const [i, { send, receive }] of inputs.entries()) {
    const received = usual.received[i] ?? 0;
    const talking = usual.talking[i] ?? 0;
    usual.received[i] = received + ((receive?.messages ?? 0) - received) / USUAL_FRAMES;
    usual.talking[i] = talking + ((send || receive ? 1 : 0) - talking) / USUAL_FRAMES;
  }
}

function count(
  run: Run,
  said: AllSaid,
  at: number,
  service: Service,
  inputs: readonly ContainerInput[],
): void {
  for (let i = 0; i < inputs.length; i++) {
    const alarm = i === 0 ? stronger(said.own[i], said.service) : said.own[i];
    if (!isAlarm(alarm)) continue;
    const { last, open } = run;
    if (at - (last[i] ?? 0) > SAME_ALERT) {
      const container = inputs[i]?.container.name ?? '';
      const alert = { kind: service.kind, container, frame: at, ...alarm };
      open[i] = alert;
      run.result.falseAlerts.push(alert);
    }
    const current = open[i];
    if (current) current.score = Math.max(current.score, alarm.score);
    last[i] = at;
  }
}

/** One frame of a branch; false when it is over. */
function advance(
  branch: Branch,
  at: number,
  inputs: readonly ContainerInput[],
  service: Service,
  runs: readonly Run[],
  undisturbed: readonly AllSaid[],
  size: Magnitudes,
): boolean {
  const { incident, random, usual } = branch;
  const age = at - incident.at;
  const disturbed = age < incident.frames ? disturb(branch, inputs, { age, usual, random, size }) : inputs;
  for (const [i, run] of branch.runs.entries()) {
    if (run.delay !== null) continue;
    const same = undisturbed[i];
    if (isAlarm(same?.own[incident.replica]) || isAlarm(same?.service)) run.spoiled = true;
    const said = run.judge.step(run.learnt, disturbed);
    run.strongest = stronger(run.strongest, stronger(said.own[incident.replica], said.service));
    if (isAlarm(run.strongest)) run.delay = age + 1;
  }
  const over = age + 1 >= incident.frames + GRACE;
  if (!over && branch.runs.some(run => run.delay === null)) return true;
  if (branch.felt) tell(branch, service, runs);
  return false;
}

function disturb(branch: Branch, inputs: readonly ContainerInput[], context: Context): ContainerInput[] {
  const { kind, replica } = branch.incident;
  return inputs.map((input, i) => {
    const disturbed = kind.disturb(input, i === replica, context);
    if (i === replica && !branch.felt && !isDeepStrictEqual(disturbed, input)) branch.felt = true;
    return disturbed;
  });
}

/** What became of the incident, for each candidate. */
function tell({ incident, runs: branchRuns }: Branch, service: Service, runs: readonly Run[]): void {
  for (const [i, { delay, spoiled, strongest }] of branchRuns.entries()) {
    runs[i]?.result.outcomes.push({
      incident: incident.kind.name,
      kind: service.kind,
      replica: incident.replica,
      frame: incident.at,
      delay: spoiled ? null : delay,
      score: strongest?.score ?? 0,
      text: spoiled ? 'alarmed without it' : (strongest?.text ?? ''),
    });
  }
}
