import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../../core/errors.ts';
import type { Judged } from '../../core/incident/verdict.ts';
import type { Fold, FoldState, RaisedLimits } from '../../detector/contract.ts';
import { createFold } from '../../detector/fold/fold.ts';
import { limitsByHost, type MarkedLimits, NO_MARKS } from '../../detector/fold/marks.ts';
import { DETECTORS } from '../../detector/index.ts';
import { isDrawn } from '../record/incident-record.ts';
import { type Batch, BatchReader, type SharedFrame } from './batch.ts';
import { type Answer, type Asked, PLACES, type Setup, type Told } from './messages.ts';

/** The thread that judges some services of each host by all settings. */

const setup = workerData as Setup;
const folds = setup.sides.map(rules => createFold({ rules, detectors: DETECTORS }));
const limitsOf = limitsByHost(setup.marks);
const reader = new BatchReader();
let states: readonly FoldState[] = [];
let limits: MarkedLimits = NO_MARKS;

function answer(batch: Batch): Answer {
  const told: Told[] = [];
  const subjects = folds.map(() => 0);
  try {
    let frame = 0;
    for (const shared of reader.read(batch)) {
      const raised = limits.at(shared.frame.start);
      for (const [side, fold] of folds.entries()) {
        const state = states[side];
        if (!state) continue;
        judge(fold, state, shared, raised, (place, verdict) => told.push({ side, frame, place, verdict }));
        subjects[side] = Math.max(subjects[side] ?? 0, state.subjects.count);
      }
      frame++;
    }
    return { told, subjects };
  } catch (error) {
    return { failure: describeError(error) };
  }
}

/** Says each verdict that goes further, and its place. */
function judge(
  fold: Fold,
  state: FoldState,
  { frame, own, places }: SharedFrame,
  raised: RaisedLimits,
  say: (place: number, verdict: Judged) => void,
): void {
  const { judgesAbsence, drawn } = setup;
  const { verdicts, ends } = fold.stepShare(state, frame, raised, { containers: own, judgesAbsence });
  const beyond = frame.containers.length;
  let part = 0;
  for (let i = 0; i < verdicts.length; i++) {
    const verdict = verdicts[i];
    if (verdict?.kind !== 'judged' || (verdict.score < 1 && !(drawn && isDrawn(verdict)))) continue;
    while (part < ends.length && i >= (ends[part] ?? 0)) part++;
    const place = places[part] ?? beyond + (part < ends.length ? PLACES.services : PLACES.absent);
    say(place, verdict);
  }
}

parentPort?.on('message', (asked: Asked) => {
  if (asked.kind === 'frames') {
    parentPort?.postMessage(answer(asked.batch));
    return;
  }
  states = asked.states;
  limits = limitsOf(asked.host);
});
